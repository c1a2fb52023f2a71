/* SPDX-License-Identifier: MIT */
/* server_tls.c - the TLS settings of a server, by name.
 *
 *      weir_server_tls("game") -> [ "game": filter ] <- listener with tls = "game"
 *                 again: the filter gets other settings; sessions that are open keep theirs
 *
 * The server's lock protects the list. Files are read without it. */
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

/* Adds the settings, unless another thread has added some with this name. Returns a reference to
 * the filter that is in the list. */
static struct filter *server_tls__add(struct weir_server *server, struct server_tls *added)
{
    lock_take(server->lock);
    struct filter *filter = server_tls__find(server, added->name);
    if (!filter) {
        filter = filter_ref(added->filter);
        added->next = server->tls;
        server->tls = added;
    }
    lock_give_back(server->lock);
    return filter;
}

static void server_tls__free_one(struct server_tls *one)
{
    filter_unref(one->filter);
    memory_free(one);
}

static enum weir_code server_tls__open(struct weir_server *server, const char *name,
                                       const struct weir_tls *settings, struct weir_error *error)
{
    const struct weir_config *config = &server->common.config;
    const struct tls_limits limits = {config->tls_handshakes_max, config->tls_handshake_rate};
    struct server_tls *one = memory_alloc(sizeof *one);
    enum weir_code code;

    if (one) one->filter = tls_filter_open(&limits);
    if (!one || !one->filter) {
        memory_free(one);
        return error_fill(error, WEIR_NO_MEMORY, 0, "use TLS settings", name, NULL, NULL);
    }
    memcpy(one->name, name, strlen(name));
    code = tls_filter_set(one->filter, settings, error);
    if (code != WEIR_OK) {
        server_tls__free_one(one);
        return code;
    }
    struct filter *filter = server_tls__add(server, one);
    if (filter != one->filter) {
        server_tls__free_one(one);
        code = tls_filter_set(filter, settings, error);
    }
    filter_unref(filter);
    return code;
}

enum weir_code weir_server_tls(struct weir_server *server, const char *name,
                               const struct weir_tls *given, struct weir_error *error)
{
    struct weir_tls completed = {.size = 0};
    const struct weir_tls *settings = sized_complete(&sized_tls, given, &completed, error);
    struct filter *filter;
    enum weir_code code;

    live_check(server);
    if (!settings) return WEIR_INVALID;
    if (name[0] == '\0' || strlen(name) > NAME_BYTES_MAX)
        return error_fill(error, WEIR_INVALID, 0, "use TLS settings", name,
                          "a name has 1 to 63 bytes", NULL);
    filter = server_tls_find(server, name);
    if (!filter) return server_tls__open(server, name, settings, error);
    code = tls_filter_set(filter, settings, error);
    filter_unref(filter);
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
