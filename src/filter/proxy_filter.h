/* SPDX-License-Identifier: MIT */
/* proxy_filter.h - the filter that reads the PROXY header of a connection from a load balancer, and
 * names the client. It only opens. */
#ifndef FILTER_PROXY_FILTER_H
#define FILTER_PROXY_FILTER_H

#include "filter.h"
#include "proxy_header.h"

extern const struct filter_kind proxy_filter_kind;

/* What the header said. Kept while the session exists. */
struct proxy_facts {
    enum proxy_header_kind kind;
    uint8_t version;
    struct proxy_address client, server; /* valid if the kind is PROXY_HEADER_CLIENT */
    uint8_t authority_length, unique_id_length;
    char text[]; /* the authority, then the unique id, each with a NUL */
};

/* Decides which senders are proxies, and what happens to the others. Called at accept. */
typedef enum filter_use proxy_filter_use(void *user, const struct weir_address *peer);

/* Makes a filter with one reference. `free_user` frees `user` with the filter; null: it is not
 * freed. Returns null if memory is exhausted; `user` is then still the caller's. */
struct filter *proxy_filter_open(proxy_filter_use *use, void *user, void (*free_user)(void *user));

/* Returns the `user` of a filter of this kind. */
void *proxy_filter_user(const struct filter *filter);

/* Return the authority and the unique id. Each has a NUL at its end, and can contain others. */
const char *proxy_facts_authority(const struct proxy_facts *facts);
const char *proxy_facts_unique_id(const struct proxy_facts *facts);

/* Returns the facts of a state of this kind; null: its header is not complete. */
const struct proxy_facts *proxy_filter_facts(const void *state);

#endif
