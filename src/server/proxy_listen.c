/* SPDX-License-Identifier: MIT */
/* proxy_listen.c - checks the PROXY protocol's settings of a listener, and decides at accept which
 * connections begin with a header. */
#include "proxy_listen.h"

#include "address_list.h"
#include "error_fill.h"
#include "memory.h"
#include "proxy_filter.h"

struct proxy_listen {
    struct address_list senders;
    enum filter_use others; /* what happens to the other connections */
};

/* A peer of a Unix-domain socket is null: the permissions of the file admitted it. */
static enum filter_use proxy_listen__use(void *user, const struct weir_address *peer)
{
    const struct proxy_listen *own = user;

    if (!peer) return FILTER_USED;
    struct net_address address = address_of_public(peer);
    return address_list_has(&own->senders, &address) ? FILTER_USED : own->others;
}

static void proxy_listen__free(void *user)
{
    struct proxy_listen *own = user;

    address_list_free(&own->senders);
    memory_free(own);
}

static enum weir_code proxy_listen__wrong(const struct weir_listen *listen, const char *reason,
                                          const char *hint, struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, "listen on", listen->address, reason, hint);
}

/* Checks the settings that belong together. */
static enum weir_code proxy_listen__check(const struct weir_listen *listen,
                                          struct weir_error *error)
{
    if ((unsigned)listen->proxy > WEIR_PROXY_REQUIRED ||
        (unsigned)listen->proxy_others > WEIR_PROXY_OTHERS_SERVE)
        return proxy_listen__wrong(listen, "proxy or proxy_others has a value that does not exist",
                                   "use the names of the enums", error);
    if (listen->proxy == WEIR_PROXY_REQUIRED && listen->proto == WEIR_UDP)
        return proxy_listen__wrong(listen, "the PROXY protocol is for TCP here",
                                   "leave out proxy, or use WEIR_TCP", error);
    if (listen->proxy == WEIR_PROXY_OFF && (listen->proxy_from || listen->proxy_others))
        return proxy_listen__wrong(listen, "proxy_from and proxy_others need proxy",
                                   "set proxy to WEIR_PROXY_REQUIRED", error);
    return WEIR_OK;
}

/* Sets the list of senders, and what happens to others. */
static enum weir_code proxy_listen__set(const struct weir_listen *listen, bool is_unix,
                                        struct proxy_listen *own, struct weir_error *error)
{
    enum weir_code code =
        address_list_parse(&own->senders, listen->proxy_from, "proxy_from", error);

    if (code != WEIR_OK) return code;
    own->others = listen->proxy_others == WEIR_PROXY_OTHERS_SERVE ? FILTER_SKIPPED : FILTER_REFUSED;
    if (own->senders.count > 0 || is_unix) return WEIR_OK;
    return proxy_listen__wrong(
        listen, "a PROXY header names the client, so only trusted senders can be believed",
        "set proxy_from to the addresses of the load balancers, such as 10.0.0.0/8", error);
}

enum weir_code proxy_listen_open(const struct weir_listen *listen, bool is_unix,
                                 struct filter **filter, struct weir_error *error)
{
    enum weir_code code = proxy_listen__check(listen, error);
    struct proxy_listen *own;

    *filter = NULL;
    if (code != WEIR_OK || listen->proxy == WEIR_PROXY_OFF) return code;
    own = memory_alloc(sizeof *own);
    if (!own) return error_fill(error, WEIR_NO_MEMORY, 0, "listen on", listen->address, NULL, NULL);
    code = proxy_listen__set(listen, is_unix, own, error);
    if (code == WEIR_OK) {
        *filter = proxy_filter_open(proxy_listen__use, own, proxy_listen__free);
        if (*filter) return WEIR_OK;
        code = error_fill(error, WEIR_NO_MEMORY, 0, "listen on", listen->address, NULL, NULL);
    }
    proxy_listen__free(own);
    return code;
}
