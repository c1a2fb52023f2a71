/* SPDX-License-Identifier: MIT */
/* proxy_filter.c - the PROXY header as a filter.
 *
 *      open -> reader -- header complete --> facts -> FILTER_OPEN
 *                              | LOCAL             ^ the first byte, or WAIT_MS without one
 *                              '--> waits ---------'
 *
 * LOCAL means that the proxy speaks for itself. Mostly this is a health check, which closes
 * immediately and must not reach the handler. But HAProxy also sends it for clients of a
 * Unix-domain socket, and for checks that exchange data.
 */
#include "proxy_filter.h"

#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "memory.h"

/* Longer than a check that closes immediately, shorter than a person waits for a greeting. */
#define PROXY_FILTER__WAIT_MS 1000u
#define PROXY_FILTER__LOGGED_BYTES_MAX 136u /* of an escaped authority or unique id, with a NUL */

struct proxy_filter {
    struct filter filter;
    proxy_filter_use *use;
    void *user;
    void (*free_user)(void *user);
};

struct proxy_filter__state {
    const struct filter_worker *worker;
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

void *proxy_filter_user(const struct filter *filter)
{
    return ((const struct proxy_filter *)filter)->user;
}

static enum filter_use proxy_filter__use(const struct filter *filter,
                                         const struct weir_address *peer)
{
    const struct proxy_filter *own = (const struct proxy_filter *)filter;

    return own->use(own->user, peer);
}

/* ---- one session ---- */

static void *proxy_filter__open(const struct filter *filter, struct filter_worker *worker,
                                struct filter_error *error)
{
    struct proxy_filter__state *state = memory_alloc(sizeof *state);

    (void)filter;
    (void)error;
    if (!state) return NULL;
    state->worker = worker;
    state->reader = memory_alloc(sizeof *state->reader);
    if (state->reader) return state;
    memory_free(state);
    return NULL;
}

/* Returns the bytes of the facts, with two NULs. */
static size_t proxy_filter__facts_bytes(size_t authority_length, size_t unique_id_length)
{
    return sizeof(struct proxy_facts) + authority_length + unique_id_length + 2;
}

/* Replaces the reader by what it found. */
static bool proxy_filter__keep_facts(struct proxy_filter__state *state)
{
    struct proxy_header *header = state->reader;
    size_t authority = header->authority_length, unique_id = header->unique_id_length;
    struct proxy_facts *facts = memory_alloc(proxy_filter__facts_bytes(authority, unique_id));

    if (!facts) return false;
    facts->kind = header->kind;
    facts->version = header->version;
    facts->client = header->client;
    facts->server = header->server;
    facts->authority_length = header->authority_length;
    facts->unique_id_length = header->unique_id_length;
    memcpy(facts->text, header->authority, authority);
    memcpy(facts->text + authority + 1, header->unique_id, unique_id);
    state->facts = facts;
    memory_free(header);
    state->reader = NULL;
    return true;
}

static enum filter_result proxy_filter__feed(void *of_session, struct filter_io *io)
{
    struct proxy_filter__state *state = of_session;
    struct proxy_header_error error;

    if (state->facts) return FILTER_OPEN; /* LOCAL has waited */
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
    if (state->facts->kind != PROXY_HEADER_LOCAL || io->in_length > 0) return FILTER_OPEN;
    io->wake_ms = state->worker->now_ms + PROXY_FILTER__WAIT_MS;
    return FILTER_MORE;
}

static bool proxy_filter__is_idle(const void *of_session)
{
    const struct proxy_filter__state *state = of_session;

    return state->facts != NULL; /* LOCAL waits */
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

/* Appends `, NAME "TEXT"` to a text that ends at `used`, unless the bytes are empty. */
static void proxy_filter__append(char *text, size_t size, const char *name, const char *bytes,
                                 size_t length)
{
    char escaped[PROXY_FILTER__LOGGED_BYTES_MAX];
    size_t used = strlen(text);

    if (length == 0) return;
    escape_text((const uint8_t *)bytes, length, escaped, sizeof escaped);
    snprintf(text + used, size - used, ", %s \"%s\"", name, escaped);
}

static void proxy_filter__describe(const void *of_session, char *text, size_t size)
{
    const struct proxy_filter__state *state = of_session;
    const struct proxy_facts *facts = state->facts;

    text[0] = '\0';
    proxy_filter__append(text, size, "authority", proxy_facts_authority(facts),
                         facts->authority_length);
    proxy_filter__append(text, size, "unique id", proxy_facts_unique_id(facts),
                         facts->unique_id_length);
}

static size_t proxy_filter__held_bytes(const void *of_session)
{
    const struct proxy_filter__state *state = of_session;

    const struct proxy_facts *facts = state->facts;

    if (!facts) return sizeof *state + sizeof *state->reader;
    return sizeof *state +
           proxy_filter__facts_bytes(facts->authority_length, facts->unique_id_length);
}

static void proxy_filter__release(void *of_session)
{
    struct proxy_filter__state *state = of_session;

    memory_free(state->reader);
    memory_free(state->facts);
    memory_free(state);
}

const char *proxy_facts_authority(const struct proxy_facts *facts)
{
    return facts->text;
}

const char *proxy_facts_unique_id(const struct proxy_facts *facts)
{
    return facts->text + facts->authority_length + 1;
}

const struct proxy_facts *proxy_filter_facts(const void *of_session)
{
    const struct proxy_filter__state *state = of_session;

    return state->facts;
}

const struct filter_kind proxy_filter_kind = {
    .name = "proxy",
    .reason = WEIR_REASON_PROXY,
    .is_transparent = true,
    .use = proxy_filter__use,
    .open = proxy_filter__open,
    .feed = proxy_filter__feed,
    .is_idle = proxy_filter__is_idle,
    .client = proxy_filter__client,
    .describe = proxy_filter__describe,
    .held_bytes = proxy_filter__held_bytes,
    .release = proxy_filter__release,
};
