/* SPDX-License-Identifier: MIT */
/* rio.h - declares the transports over the RIO function table. Both are constants; no caller owns
 * or frees them. */
#ifndef NET_WINDOWS_RIO_H
#define NET_WINDOWS_RIO_H

struct transport;

extern const struct transport transport_rio;  /* Windows's own table; fails to open without one */
extern const struct transport transport_iocp; /* the same code over rio_emulation */

#endif
