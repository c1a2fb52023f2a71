/* SPDX-License-Identifier: MIT */
/* proxy_listen.h - makes the PROXY protocol's filter of a listener, with the list of senders that
 * it trusts. */
#ifndef SERVER_PROXY_LISTEN_H
#define SERVER_PROXY_LISTEN_H

#include <weir/weir.h>

#include "address_list.h"
#include "filter.h"

/* Sets *filter to a filter with one reference, or to null if the listener reads no headers. Returns
 * WEIR_OK, WEIR_NO_MEMORY, or WEIR_INVALID: *error says which setting is wrong. */
enum weir_code proxy_listen_open(const struct weir_listen *listen, bool is_unix,
                                 struct filter **filter, struct weir_error *error);

/* Which senders are trusted, and what happens to the others. */
struct proxy_rules {
    struct address_list senders;
    enum filter_use others;
};

/* Reads the rules of a listener with proxy. Returns as proxy_listen_open(). The caller calls
 * proxy_rules_free() in every case. */
enum weir_code proxy_rules_read(const struct weir_listen *listen, bool is_unix,
                                struct proxy_rules *rules, struct weir_error *error);
void proxy_rules_free(struct proxy_rules *rules);

/* Exchanges the rules of the filter, for connections that are accepted later. Thread: any. */
void proxy_listen_replace(const struct filter *filter, struct proxy_rules *rules);

#endif
