/* SPDX-License-Identifier: MIT */
/* tap.c - a handler that passes each callback on to the user's.
 *
 *      server -> struct tap (a copy of the user's table) -> the user's function
 *
 * Whether a session of UDP is kept depends on which callbacks are null: if it is not kept for the
 * user's handler, the tap adds none. Callbacks that are not tapped reach the user's function
 * directly. */
#include "tap.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "client.h"
#include "server_state.h"
#include "session_state.h"
#include "sim_wire.h"
#include "story.h"

struct tap {
    struct weir_handler handler;
    const struct weir_handler *inner;
    struct weir_test *test;
    struct tap *next;
};

static const struct tap *tap__of(const struct weir_session *session)
{
    return weir_container_of((struct weir_handler *)(uintptr_t)session->service->handler,
                             struct tap, handler);
}

/* ---- sessions ---- */

#define TAP__NAME_BYTES 40

/* Writes whose session it is: "peer 3". Returns `text`. */
static const char *tap__name(const struct weir_session *session, char text[TAP__NAME_BYTES])
{
    const struct client *client =
        client_find(tap__of(session)->test, &session->peer, session->is_datagram);

    if (client)
        snprintf(text, TAP__NAME_BYTES, "%s %u", client->kind, client->number);
    else
        snprintf(text, TAP__NAME_BYTES, "session %llx", (unsigned long long)session->id);
    return text;
}

/* Returns the position of the session among the open ones; open_count: it is not open. */
static size_t tap__position(const struct weir_test *test, uint64_t id)
{
    size_t at = 0;

    while (at < test->open_count && test->open_ids[at] != id) at++;
    return at;
}

static void tap__add_open(struct weir_test *test, uint64_t id)
{
    if (test->open_count == test->open_capacity) {
        size_t capacity = test->open_capacity * 2 + 16;
        uint64_t *ids = wire_memory(capacity, sizeof *ids);
        if (test->open_ids) memcpy(ids, test->open_ids, test->open_count * sizeof *ids);
        wire_memory_free(test->open_ids);
        test->open_ids = ids;
        test->open_capacity = capacity;
    }
    test->open_ids[test->open_count++] = id;
}

/* A callback other than on_open is about to run. */
static void tap__check_open(const struct weir_session *session, const char *callback)
{
    struct weir_test *test = tap__of(session)->test;
    bool is_tracked = session->service->handler->on_open && !session_is_transient(session);

    if (is_tracked && tap__position(test, session->id) == test->open_count)
        story_fail(test, "%s for a session that is not open", callback);
}

/* ---- callbacks ---- */

static void tap__on_open(struct weir_session *session)
{
    const struct tap *tap = tap__of(session);
    struct weir_test *test = tap->test;
    struct client *client = client_find(test, &session->peer, session->is_datagram);
    char name[TAP__NAME_BYTES];

    story_tell(test, "on_open %s", tap__name(session, name));
    if (tap__position(test, session->id) < test->open_count)
        story_fail(test, "on_open twice for one session");
    tap__add_open(test, session->id);
    test->opened_count++;
    if (client) {
        client->session = session->id;
        client->reason = WEIR_REASON_NONE;
    }
    if (tap->inner->on_open) tap->inner->on_open(session);
}

static void tap__on_message(struct weir_session *session, const struct weir_message *message)
{
    const struct tap *tap = tap__of(session);
    char name[TAP__NAME_BYTES], text[STORY_BYTES_TEXT];

    story_tell(tap->test, "on_message %s: %zu bytes %s", tap__name(session, name), message->length,
               story_bytes(message->bytes, message->length, text));
    tap__check_open(session, "on_message");
    tap->test->messages_count++;
    tap->inner->on_message(session, message);
}

static void tap__on_timer(struct weir_session *session)
{
    const struct tap *tap = tap__of(session);
    char name[TAP__NAME_BYTES];

    story_tell(tap->test, "on_timer %s", tap__name(session, name));
    tap__check_open(session, "on_timer");
    tap->inner->on_timer(session);
}

static void tap__on_drain(struct weir_session *session)
{
    const struct tap *tap = tap__of(session);
    char name[TAP__NAME_BYTES];

    story_tell(tap->test, "on_drain %s", tap__name(session, name));
    tap__check_open(session, "on_drain");
    tap->inner->on_drain(session);
}

static void tap__on_room(struct weir_session *session)
{
    const struct tap *tap = tap__of(session);
    char name[TAP__NAME_BYTES];

    story_tell(tap->test, "on_room %s", tap__name(session, name));
    tap__check_open(session, "on_room");
    tap->inner->on_room(session);
}

static void tap__on_peer_done(struct weir_session *session)
{
    const struct tap *tap = tap__of(session);
    char name[TAP__NAME_BYTES];

    story_tell(tap->test, "on_peer_done %s", tap__name(session, name));
    tap__check_open(session, "on_peer_done");
    tap->inner->on_peer_done(session);
}

static void tap__on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    const struct tap *tap = tap__of(session);
    struct weir_test *test = tap->test;
    struct client *client = client_find(test, &session->peer, session->is_datagram);
    char name[TAP__NAME_BYTES];

    story_tell(test, "on_close %s: %s%s%s", tap__name(session, name), weir_reason_text(reason),
               text[0] != '\0' ? ": " : "", text);
    tap__check_open(session, "on_close");
    if (reason == WEIR_REASON_NONE) story_fail(test, "on_close without a reason");
    if (tap->inner->on_close) tap->inner->on_close(session, reason, text);
    if (session->service->handler->on_open && test->open_count > 0) {
        size_t at = tap__position(test, session->id);
        if (at < test->open_count) test->open_ids[at] = test->open_ids[--test->open_count];
    }
    test->closed_count++;
    if (!client) return;
    client->session = session->id;
    client->reason = reason;
    snprintf(client->reason_text, sizeof client->reason_text, "%s", text);
}

/* ---- life ---- */

/* Whether the service has sessions in any case, so that two more callbacks change nothing. */
static bool tap__keeps_sessions(const struct service *service)
{
    const struct weir_handler *handler = service->handler;

    return service->proto == WEIR_TCP || handler->session_bytes > 0 || handler->on_open ||
           handler->on_close || handler->on_timer;
}

void tap_add(struct weir_test *test)
{
    struct weir_server *server = test->server;
    struct listen_spec *spec = server->listeners[server->listeners_count - 1];
    struct service *service = &spec->service;
    struct tap *tap = wire_memory(1, sizeof *tap);

    tap->test = test;
    tap->inner = service->handler;
    tap->handler = *service->handler;
    if (tap__keeps_sessions(service)) tap->handler.on_open = tap__on_open;
    if (tap->inner->on_message) tap->handler.on_message = tap__on_message;
    if (tap->inner->on_timer) tap->handler.on_timer = tap__on_timer;
    if (tap->inner->on_drain) tap->handler.on_drain = tap__on_drain;
    if (tap->inner->on_room) tap->handler.on_room = tap__on_room;
    if (tap->inner->on_peer_done) tap->handler.on_peer_done = tap__on_peer_done;
    if (tap__keeps_sessions(service)) tap->handler.on_close = tap__on_close;
    service->handler = &tap->handler;
    listen_spec_copy_service(spec, server->workers_asked);
    tap->next = test->taps;
    test->taps = tap;
}

void tap_free_all(struct weir_test *test)
{
    while (test->taps) {
        struct tap *tap = test->taps;
        test->taps = tap->next;
        wire_memory_free(tap);
    }
    wire_memory_free(test->open_ids);
}
