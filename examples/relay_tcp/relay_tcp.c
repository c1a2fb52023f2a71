/* SPDX-License-Identifier: MIT */
/* relay_tcp.c - passes each connection on to another server: `relay_tcp [ADDR:]PORT HOST:PORT`.
 *
 *      client --> session ... session --> HOST:PORT      bytes, resets and FINs, in both directions
 *             <--                     <--
 *
 * A client is not read from until its connection to HOST:PORT is established. Each side is paused
 * while the send queue of the other one is full, so a slow reader slows its sender down, and the
 * relay holds no more than two queues for a connection. A FIN is passed on alone: the other
 * direction goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

/* The state of a session. Both sessions of a connection are on the same worker. */
struct relay__side {
    struct weir_session *other; /* null: not connected yet, or it has ended */
    uint64_t connector;         /* not 0 while it is not connected yet */
    void *kept;                 /* a message that the other side's queue had no room for; or null */
    size_t kept_bytes;
};

static const char *relay__target;

/* ---- both sides ---- */

static void relay__on_message(struct weir_session *session, const struct weir_message *message)
{
    struct relay__side *side = weir_session_state(session);

    if (!side->other) return; /* it has just ended, and so will this one */
    enum weir_code code = weir_session_send(side->other, message->bytes, message->length);
    if (code == WEIR_OK || code == WEIR_CANCELLED) return;
    side->kept = malloc(message->length);
    if (code != WEIR_QUEUE_FULL || !side->kept) { /* nothing may be missing in the middle */
        weir_session_abort(session);
        return;
    }
    memcpy(side->kept, message->bytes, message->length);
    side->kept_bytes = message->length;
    weir_session_pause(session); /* until relay__on_room() */
}

/* The send queue of this session has room again, so the other side can go on. */
static void relay__on_room(struct weir_session *session)
{
    struct weir_session *other = ((struct relay__side *)weir_session_state(session))->other;
    struct relay__side *sender = other ? weir_session_state(other) : NULL;

    if (!sender || !sender->kept) return;
    enum weir_code code = weir_session_send(session, sender->kept, sender->kept_bytes);
    if (code == WEIR_QUEUE_FULL) return; /* on_room is called again */
    free(sender->kept);
    sender->kept = NULL;
    if (code == WEIR_OK)
        weir_session_resume(other);
    else
        weir_session_abort(session);
}

static void relay__on_peer_done(struct weir_session *session)
{
    const struct relay__side *side = weir_session_state(session);

    weir_session_hold(session); /* the other direction goes on */
    if (side->other) weir_session_end_output(side->other);
}

static void relay__on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    struct relay__side *side = weir_session_state(session);

    (void)text;
    free(side->kept);
    if (side->connector != 0) weir_disconnect(weir_session_server(session), side->connector);
    if (!side->other) return;
    ((struct relay__side *)weir_session_state(side->other))->other = NULL;
    /* After both FINs the other side sends what is queued, and ends by itself. */
    if (reason != WEIR_REASON_PEER_DONE) weir_session_abort(side->other);
}

/* ---- the side of the server ---- */

static void relay__on_connected(struct weir_session *session)
{
    struct weir_session *client = weir_session_connect_user(session);
    struct relay__side *side = weir_session_state(session), *other = weir_session_state(client);

    side->other = client;
    other->other = session;
    other->connector = 0;
    weir_session_resume(client);
}

static void relay__on_failed(struct weir_server *server, uint64_t connector,
                             const struct weir_error *error, void *user)
{
    struct relay__side *side = weir_session_state(user);
    char text[512];

    (void)server;
    (void)connector;
    fprintf(stderr, "%s\n", weir_error_text(error, text, sizeof text));
    side->connector = 0;
    weir_session_abort(user);
}

static const struct weir_handler relay__server_side = {
    .size = sizeof(struct weir_handler),
    .name = "relay_tcp server side",
    .session_bytes = sizeof(struct relay__side),
    .on_open = relay__on_connected,
    .on_message = relay__on_message,
    .on_room = relay__on_room,
    .on_peer_done = relay__on_peer_done,
    .on_close = relay__on_close,
};

/* ---- the side of the client ---- */

static void relay__on_open(struct weir_session *session)
{
    struct relay__side *side = weir_session_state(session);
    struct weir_connect_options connect;

    weir_session_pause(session); /* until relay__on_connected() */
    weir_connect_init(&connect);
    connect.address = relay__target;
    connect.custom_handler = &relay__server_side;
    connect.on_failed = relay__on_failed;
    connect.user = session; /* on_close ends the connector: neither callback comes after it */
    if (weir_connect(weir_session_server(session), &connect, &side->connector, NULL) != WEIR_OK)
        weir_session_abort(session);
}

static const struct weir_handler relay__client_side = {
    .size = sizeof(struct weir_handler),
    .name = "relay_tcp",
    .session_bytes = sizeof(struct relay__side),
    .on_open = relay__on_open,
    .on_message = relay__on_message,
    .on_room = relay__on_room,
    .on_peer_done = relay__on_peer_done,
    .on_close = relay__on_close,
};

int main(int argc, char **argv)
{
    struct weir_listen listener = {.size = sizeof listener,
                                   .address = argc > 1 ? argv[1] : "7004",
                                   .codec = "raw",
                                   .custom_handler = &relay__client_side};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    relay__target = argc > 2 ? argv[2] : "localhost:5050";
    weir_config_init(&config);
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
        weir_server_listen(server, &listener, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        weir_server_free(server);
        return 1;
    }
    weir_server_listener(server, 0, &info);
    printf("%s; press Enter to stop\n", weir_address_text(&info.address, text, sizeof text));
    fflush(stdout);
    getchar();
    weir_server_drain(server, 2000);
    weir_server_wait(server);
    weir_server_free(server);
    return 0;
}
