/* SPDX-License-Identifier: MIT */
/* proxy_listen.c - checks the PROXY protocol's settings of a listener, and decides at accept which
 * connections begin with a header. */
#include "proxy_listen.h"

#include "error_fill.h"
#include "memory.h"
#include "proxy_filter.h"
#include "thread.h"

struct proxy_listen {
    struct lock *lock; /* for `rules`: taken once per connection */
    struct proxy_rules rules;
};

/* A peer of a Unix-domain socket is null: the permissions of the file admitted it. */
static enum filter_use proxy_listen__use(void *user, const struct weir_address *peer)
{
    const struct proxy_listen *own = user;

    if (!peer) return FILTER_USED;
    struct net_address address = address_of_public(peer);
    lock_take(own->lock);
    enum filter_use use =
        address_list_has(&own->rules.senders, &address) ? FILTER_USED : own->rules.others;
    lock_give_back(own->lock);
    return use;
}

void proxy_rules_free(struct proxy_rules *rules)
{
    address_list_free(&rules->senders);
}

static void proxy_listen__free(void *user)
{
    struct proxy_listen *own = user;

    proxy_rules_free(&own->rules);
    lock_free(own->lock);
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

enum weir_code proxy_rules_read(const struct weir_listen *listen, bool is_unix,
                                struct proxy_rules *rules, struct weir_error *error)
{
    *rules = (struct proxy_rules){.others = FILTER_REFUSED};
    enum weir_code code = proxy_listen__check(listen, error);
    if (code == WEIR_OK)
        code = address_list_parse(&rules->senders, listen->proxy_from, "proxy_from", error);
    if (code != WEIR_OK) return code;
    if (listen->proxy_others == WEIR_PROXY_OTHERS_SERVE) rules->others = FILTER_SKIPPED;
    if (rules->senders.count > 0 || is_unix) return WEIR_OK;
    return proxy_listen__wrong(
        listen, "a PROXY header names the client, so only trusted senders can be believed",
        "set proxy_from to the addresses of the load balancers, such as 10.0.0.0/8", error);
}

/* Takes the rules over, unless it returns null: memory is exhausted. */
static struct filter *proxy_listen__open(const struct proxy_rules *rules)
{
    struct proxy_listen *own = memory_alloc(sizeof *own);

    if (!own) return NULL;
    own->lock = lock_open();
    struct filter *filter =
        own->lock ? proxy_filter_open(proxy_listen__use, own, proxy_listen__free) : NULL;
    if (filter) {
        own->rules = *rules;
        return filter;
    }
    proxy_listen__free(own);
    return NULL;
}

enum weir_code proxy_listen_open(const struct weir_listen *listen, bool is_unix,
                                 struct filter **filter, struct weir_error *error)
{
    struct proxy_rules rules;

    *filter = NULL;
    if (listen->proxy == WEIR_PROXY_OFF) return proxy_listen__check(listen, error);
    enum weir_code code = proxy_rules_read(listen, is_unix, &rules, error);
    if (code == WEIR_OK) {
        *filter = proxy_listen__open(&rules);
        if (*filter) return WEIR_OK;
        code = error_fill(error, WEIR_NO_MEMORY, 0, "listen on", listen->address, NULL, NULL);
    }
    proxy_rules_free(&rules);
    return code;
}

void proxy_listen_replace(const struct filter *filter, struct proxy_rules *rules)
{
    struct proxy_listen *own = proxy_filter_user(filter);
    struct proxy_rules before;

    lock_take(own->lock);
    before = own->rules;
    own->rules = *rules;
    *rules = before;
    lock_give_back(own->lock);
}
