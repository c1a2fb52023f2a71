/* SPDX-License-Identifier: MIT */
/* websocket_lws.c - the server of websocket_weir.c on libwebsockets: `websocket_lws PORT MODE`.
 * websocket.py compiles it if libwebsockets is installed.
 *
 *      received -> the ring of messages -> each session sends those that it has not sent
 *
 * In the mode echo a session has a message of its own instead: its client waits for the answer. */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER__MESSAGE_BYTES_MAX 65536
#define SERVER__RING 64 /* more than the load lets be under way */

/* A message with room for the header in front of it. */
struct server__message {
    size_t length;
    uint8_t bytes[LWS_PRE + SERVER__MESSAGE_BYTES_MAX];
};

struct server__session {
    struct server__message *message; /* that is being received; with echo, until it is sent */
    uint64_t sent;                   /* messages of the ring */
};

static struct server__message server__ring[SERVER__RING];
static uint64_t server__count; /* messages that were put into the ring */
static bool server__broadcasts;

static void server__take(struct lws *wsi, struct server__session *session)
{
    if (!server__broadcasts) {
        lws_callback_on_writable(wsi);
        return;
    }
    struct server__message *slot = &server__ring[server__count++ % SERVER__RING];
    slot->length = session->message->length;
    memcpy(slot->bytes + LWS_PRE, session->message->bytes + LWS_PRE, slot->length);
    session->message->length = 0;
    lws_callback_on_writable_all_protocol(lws_get_context(wsi), lws_get_protocol(wsi));
}

static int server__send(struct lws *wsi, struct server__session *session)
{
    struct server__message *message = session->message;

    if (server__broadcasts) {
        if (session->sent == server__count) return 0;
        message = &server__ring[session->sent++ % SERVER__RING];
    }
    if (message->length == 0) return 0;
    int sent = lws_write(wsi, message->bytes + LWS_PRE, message->length, LWS_WRITE_BINARY);
    if (sent < (int)message->length) return -1;
    if (!server__broadcasts)
        message->length = 0;
    else if (session->sent < server__count)
        lws_callback_on_writable(wsi);
    return 0;
}

static int server__receive(struct lws *wsi, struct server__session *session, const void *bytes,
                           size_t length)
{
    struct server__message *message = session->message;

    if (message->length + length > SERVER__MESSAGE_BYTES_MAX) return -1;
    memcpy(message->bytes + LWS_PRE + message->length, bytes, length);
    message->length += length;
    if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0)
        server__take(wsi, session);
    return 0;
}

static int server__on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                            void *bytes, size_t length)
{
    struct server__session *session = user;

    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        session->message = calloc(1, sizeof *session->message);
        session->sent = server__count;
        return session->message ? 0 : -1;
    case LWS_CALLBACK_CLOSED: free(session->message); return 0;
    case LWS_CALLBACK_RECEIVE: return server__receive(wsi, session, bytes, length);
    case LWS_CALLBACK_SERVER_WRITEABLE: return server__send(wsi, session);
    default: return lws_callback_http_dummy(wsi, reason, user, bytes, length);
    }
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {
        {.name = "bench",
         .callback = server__on_event,
         .per_session_data_size = sizeof(struct server__session),
         .rx_buffer_size = SERVER__MESSAGE_BYTES_MAX},
        {.name = NULL}};
    struct lws_context_creation_info info = {.protocols = protocols, .iface = "127.0.0.1"};

    if (argc != 3) {
        fprintf(stderr, "websocket_lws PORT echo|broadcast\n");
        return 64;
    }
    info.port = (int)strtol(argv[1], NULL, 10);
    server__broadcasts = strcmp(argv[2], "broadcast") == 0;
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (!context) return 1;
    while (lws_service(context, 0) >= 0) continue;
    lws_context_destroy(context);
    return 0;
}
