/* SPDX-License-Identifier: MIT */
/* win_listen_error.h - the error text for a listener or UDP socket that cannot open. */
#ifndef NET_WINDOWS_WIN_LISTEN_ERROR_H
#define NET_WINDOWS_WIN_LISTEN_ERROR_H

#include "net.h"

/* Fills in the error (may be null): what failed and what to do. Returns its code. `os_error`: a
 * Windows error. Any thread. */
enum weir_code win_listen_error(const struct net_listen_options *options, bool stream, int os_error,
                                struct weir_error *error);

#endif
