/* SPDX-License-Identifier: MIT */
/* win_listen_error.h - what to tell a person when a place cannot be had. */
#ifndef NET_WINDOWS_WIN_LISTEN_ERROR_H
#define NET_WINDOWS_WIN_LISTEN_ERROR_H

#include "net.h"

/* Fills in what failed and what to do, and returns the code. */
enum weir_code win_listen_error(const struct net_listen_options *options, bool stream, int os_error,
                                struct weir_error *error);

#endif
