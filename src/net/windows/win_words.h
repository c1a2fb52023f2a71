/* SPDX-License-Identifier: MIT */
/* win_words.h - what to tell a person when a place cannot be had. */
#ifndef NET_WINDOWS_WIN_WORDS_H
#define NET_WINDOWS_WIN_WORDS_H

#include "net.h"

/* Fills in what failed and what to do, and returns the code. */
enum weir_code win_fail_place(const struct net_listen_options *place, bool stream, int os_error,
                              struct weir_error *error);

#endif
