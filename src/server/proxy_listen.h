/* SPDX-License-Identifier: MIT */
/* proxy_listen.h - makes the PROXY protocol's filter of a listener, with the list of senders that
 * it trusts. */
#ifndef SERVER_PROXY_LISTEN_H
#define SERVER_PROXY_LISTEN_H

#include <weir/weir.h>

#include "filter.h"

/* Sets *filter to a filter with one reference, or to null if the listener reads no headers. Returns
 * WEIR_OK, WEIR_NO_MEMORY, or WEIR_INVALID: *error says which setting is wrong. */
enum weir_code proxy_listen_open(const struct weir_listen *listen, bool is_unix,
                                 struct filter **filter, struct weir_error *error);

#endif
