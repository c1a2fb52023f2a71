/* SPDX-License-Identifier: MIT */
/* proxy_filter.c - the PROXY header as a filter.
 *
 *      open -> reader -- header complete --> facts -> FILTER_OPEN
 *                              | LOCAL             ^ the first byte, or a second without one
 *                              '--> waits ---------'
 *
 * LOCAL means that the proxy speaks for itself. Mostly this is a health check, which closes
 * immediately and must not reach the handler. But HAProxy also sends it for clients of a
 * Unix-domain socket, and for checks that exchange data.
 */
#include "proxy_filter.h"

#include <string.h>

#include "check.h"
#include "memory.h"

struct proxy_filter {
    struct filter filter;
    proxy_filter_use *use;
    void *user;
    void (*free_user)(void *user);
};

struct proxy_filter__state {
    struct proxy_header *reader; /* null when the header is complete */
    struct proxy_facts *facts;   /* null before */
};

/* ---- settings ---- */

static void proxy_filter__free(struct filter *filter)
{
    struct proxy_filter *own = (struct proxy_filter *)filter;

    if (own->free_user) own->free_user(own->user);
    memory_free(own);
}

struct filter *proxy_filter_open(proxy_filter_use *use, void *user, void (*free_user)(void *user))
{
    struct proxy_filter *own = memory_alloc(sizeof *own);

    if (!own) return NULL;
    filter_init(&own->filter, &proxy_filter_kind, proxy_filter__free);
    own->use = use;
    own->user = user;
    own->free_user = free_user;
    return &own->filter;
}

static enum filter_use proxy_filter__use(const struct filter *filter,
                                         const struct weir_address *peer)
{
    const struct proxy_filter *own = (const struct proxy_filter *)filter;

    return own->use(own->user, peer);
}

/* ---- one session ---- */

static void *proxy_filter__open(const struct filter *filter, struct filter_worker *worker)
{
    struct proxy_filter__state *state = memory_alloc(sizeof *state);

    (void)filter;
    (void)worker;
    if (!state) return NULL;
    state->reader = memory_alloc(sizeof *state->reader);
    if (state->reader) return state;
    memory_free(state);
    return NULL;
}

static size_t proxy_filter__facts_bytes(const struct proxy_facts *facts)
{
    return sizeof *facts + facts->authority_length + facts->unique_id_length;
}

/* Replaces the reader by what it found. */
static bool proxy_filter__keep_facts(struct proxy_filter__state *state)
{
    struct proxy_header *header = state->reader;
    size_t authority = header->authority_length, unique_id = header->unique_id_length;
    struct proxy_facts *facts = memory_alloc(sizeof *facts + authority + unique_id);

    if (!facts) return false;
    facts->kind = header->kind;
    facts->version = header->version;
    facts->client = header->client;
    facts->server = header->server;
    facts->authority_length = header->authority_length;
    facts->unique_id_length = header->unique_id_length;
    memcpy(facts->bytes, header->authority, authority);
    memcpy(facts->bytes + authority, header->unique_id, unique_id);
    state->facts = facts;
    memory_free(header);
    state->reader = NULL;
    return true;
}

static enum filter_result proxy_filter__feed(void *of_session, struct filter_io *io)
{
    struct proxy_filter__state *state = of_session;
    struct proxy_header_error error;

    if (state->facts) return FILTER_OPEN; /* LOCAL, and data follows */
    switch (proxy_header_read(state->reader, &io->in, &io->in_length, &error)) {
    case PROXY_HEADER_MORE: return FILTER_MORE;
    case PROXY_HEADER_BAD: return filter_fail(io->error, "%s", error.text);
    case PROXY_HEADER_DONE:
    default: break;
    }
    if (!proxy_filter__keep_facts(state)) {
        io->error->reason = WEIR_REASON_EXHAUSTED;
        return filter_fail(io->error, "no memory for a PROXY header");
    }
    bool waits = state->facts->kind == PROXY_HEADER_LOCAL && io->in_length == 0;
    return waits ? FILTER_MORE : FILTER_OPEN;
}

static bool proxy_filter__client(const void *of_session, struct weir_address *client)
{
    const struct proxy_filter__state *state = of_session;
    const struct proxy_facts *facts = state->facts;

    if (facts->kind != PROXY_HEADER_CLIENT) return false;
    *client = (struct weir_address){.port = facts->client.port};
    memcpy(client->ip, facts->client.ip, sizeof client->ip);
    return true;
}

static size_t proxy_filter__held_bytes(const void *of_session)
{
    const struct proxy_filter__state *state = of_session;

    return sizeof *state +
           (state->facts ? proxy_filter__facts_bytes(state->facts) : sizeof *state->reader);
}

static void proxy_filter__release(void *of_session)
{
    struct proxy_filter__state *state = of_session;

    memory_free(state->reader);
    memory_free(state->facts);
    memory_free(state);
}

const struct proxy_facts *proxy_filter_facts(const void *of_session)
{
    const struct proxy_filter__state *state = of_session;

    return state->facts;
}

const struct filter_kind proxy_filter_kind = {
    .name = "proxy",
    .reason = WEIR_REASON_PROXY,
    .use = proxy_filter__use,
    .open = proxy_filter__open,
    .feed = proxy_filter__feed,
    .client = proxy_filter__client,
    .held_bytes = proxy_filter__held_bytes,
    .release = proxy_filter__release,
};
