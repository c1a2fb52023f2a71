/* SPDX-License-Identifier: MIT */
/* rio.h - the names of the transports over the RIO function table. */
#ifndef NET_WINDOWS_RIO_H
#define NET_WINDOWS_RIO_H

struct transport;

extern const struct transport transport_rio;  /* Windows's own table; refused where there is none */
extern const struct transport transport_iocp; /* the same over rio_emulation */

#endif
