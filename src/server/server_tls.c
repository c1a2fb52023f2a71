/* SPDX-License-Identifier: MIT */
/* server_tls.c - the TLS settings of a server, by name.
 *
 *      weir_server_tls("game") -> [ "game": filter ] <- listener with tls = "game"
 *                 again: the filter gets other settings; sessions that are open keep theirs
 *
 * The server's lock protects the list. Files are read without it, but one call follows the other
 * (server->updating): so a name that had no settings has none until they are added. */
#include "server_tls.h"

#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "live.h"
#include "memory.h"
#include "server_state.h"
#include "sized.h"
#include "thread.h"
#include "tls_filter.h"

enum { NAME_BYTES_MAX = 63 };

struct server_tls {
    struct server_tls *next;
    struct filter *filter; /* a reference */
    char name[NAME_BYTES_MAX + 1];
};

/* The caller has the lock. */
static struct filter *server_tls__find(const struct weir_server *server, const char *name)
{
    for (const struct server_tls *at = server->tls; at; at = at->next)
        if (strcmp(at->name, name) == 0) return filter_ref(at->filter);
    return NULL;
}

struct filter *server_tls_find(struct weir_server *server, const char *name)
{
    lock_take(server->lock);
    struct filter *filter = server_tls__find(server, name);
    lock_give_back(server->lock);
    return filter;
}

const char *server_tls_name(struct weir_server *server, const struct filter *filter)
{
    lock_take(server->lock);
    const struct server_tls *at = server->tls;
    while (at->filter != filter) at = at->next;
    lock_give_back(server->lock);
    return at->name;
}

/* The caller has the lock. */
static struct tls_limits server_tls__limits(const struct weir_server *server)
{
    const struct weir_config *config = server_config(server);

    return (struct tls_limits){config->tls_handshakes_max, config->tls_handshake_rate};
}

/* Adds settings of a name that has none. The list takes them over. */
static void server_tls__add(struct weir_server *server, struct server_tls *added)
{
    lock_take(server->lock);
    const struct tls_limits limits = server_tls__limits(server);
    tls_filter_limit(added->filter, &limits);
    added->next = server->tls;
    server->tls = added;
    lock_give_back(server->lock);
}

static void server_tls__free_one(struct server_tls *one)
{
    filter_unref(one->filter);
    memory_free(one);
}

/* Makes a filter for a name that has none. Returns null if memory is exhausted. */
static struct server_tls *server_tls__open(const char *name)
{
    const struct tls_limits no_limits = {0, 0}; /* until it is added */
    struct server_tls *one = memory_alloc(sizeof *one);

    if (!one) return NULL;
    one->filter = tls_filter_open(&no_limits);
    if (!one->filter) {
        memory_free(one);
        return NULL;
    }
    memcpy(one->name, name, strlen(name));
    return one;
}

void server_tls_discard(struct tls_change *change)
{
    tls_context_unref(change->context);
    if (change->added)
        server_tls__free_one(change->added);
    else
        filter_unref(change->filter);
    *change = (struct tls_change){.filter = NULL};
}

enum weir_code server_tls_prepare(struct weir_server *server, const char *name,
                                  const struct weir_tls *given, struct tls_change *change,
                                  struct weir_error *error)
{
    struct weir_tls completed = {.size = 0};
    const struct weir_tls *settings = sized_complete(&sized_tls, given, &completed, error);

    *change = (struct tls_change){.filter = NULL};
    if (!settings) return WEIR_INVALID;
    if (name[0] == '\0' || strlen(name) > NAME_BYTES_MAX)
        return error_fill(error, WEIR_INVALID, 0, "use TLS settings", name,
                          "a name has 1 to 63 bytes", NULL);
    change->filter = server_tls_find(server, name);
    if (!change->filter) {
        change->added = server_tls__open(name);
        if (!change->added)
            return error_fill(error, WEIR_NO_MEMORY, 0, "use TLS settings", name, NULL, NULL);
        change->filter = change->added->filter;
    }
    enum weir_code code = tls_filter_load(change->filter, settings, &change->context, error);
    if (code == WEIR_OK) return WEIR_OK;
    change->context = NULL;
    server_tls_discard(change);
    return code;
}

/* The settings are complete before they are in the list: then listeners can use them. */
void server_tls_commit(struct weir_server *server, struct tls_change *change)
{
    tls_filter_replace(change->filter, change->context);
    change->context = NULL;
    if (change->added) {
        server_tls__add(server, change->added);
        change->added = NULL;
        change->filter = NULL; /* the list has the reference */
    }
    server_tls_discard(change);
}

void server_tls_limit(struct weir_server *server)
{
    lock_take(server->lock);
    const struct tls_limits limits = server_tls__limits(server);
    for (const struct server_tls *at = server->tls; at; at = at->next)
        tls_filter_limit(at->filter, &limits);
    lock_give_back(server->lock);
}

enum weir_code weir_server_tls(struct weir_server *server, const char *name,
                               const struct weir_tls *settings, struct weir_error *error)
{
    struct tls_change change;

    live_check(server);
    lock_take(server->updating);
    enum weir_code code = server_tls_prepare(server, name, settings, &change, error);
    if (code == WEIR_OK) server_tls_commit(server, &change);
    lock_give_back(server->updating);
    return code;
}

bool weir_server_tls_stats_sized(struct weir_server *server, const char *name,
                                 struct weir_tls_stats *stats, size_t size)
{
    struct weir_tls_stats whole = {0};

    live_check(server);
    struct filter *filter = server_tls_find(server, name);
    if (filter) tls_filter_stats(filter, &whole);
    memset(stats, 0, size);
    memcpy(stats, &whole, size < sizeof whole ? size : sizeof whole);
    filter_unref(filter);
    return filter != NULL;
}

void server_tls_free(struct weir_server *server)
{
    while (server->tls) {
        struct server_tls *one = server->tls;
        server->tls = one->next;
        server_tls__free_one(one);
    }
}
