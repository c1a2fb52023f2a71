/* SPDX-License-Identifier: MIT */
/* streaming.c - sends as many bytes as the client asks for: `streaming [ADDR:]PORT`.
 *
 *      client: "1000000000\n"     server: that many bytes, then FIN
 *
 * The handler sends until its queue is full (WEIR_QUEUE_FULL), and continues when the client has
 * read enough (on_room). It needs no timer and no thread, and a client that does not read costs at
 * most send_queue_high_bytes. The request is a line; the answer has no framing, so the session
 * changes its codec in between. The client may half-close its connection after the request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#define STREAMING__CHUNK_BYTES 65536u
#define STREAMING__BYTES_MAX UINT64_C(1000000000000)

static struct weir_frame *raw; /* the codec of answers */
/* It never changes and outlives the server: it is sent without a copy, and needs no release. */
static char chunk[STREAMING__CHUNK_BYTES];

struct streaming {
    uint64_t left; /* bytes of the answer that are not queued yet */
};

/* Queues as much of the answer as there is room for. */
static void streaming__continue(struct weir_session *session)
{
    struct streaming *streaming = weir_session_state(session);

    while (streaming->left > 0) {
        size_t length = streaming->left < sizeof chunk ? (size_t)streaming->left : sizeof chunk;
        enum weir_code code = weir_session_send_static(session, chunk, length, NULL, NULL);
        if (code == WEIR_QUEUE_FULL) return; /* on_room follows */
        if (code != WEIR_OK) {
            weir_session_abort(session);
            return;
        }
        streaming->left -= length;
    }
    weir_session_finish(session);
}

static void streaming__on_message(struct weir_session *session, const struct weir_message *message)
{
    struct streaming *streaming = weir_session_state(session);
    char text[21];

    if (message->length == 0 || message->length >= sizeof text) {
        weir_session_fail(session, "a request is a number of bytes");
        return;
    }
    memcpy(text, message->bytes, message->length);
    text[message->length] = '\0';
    char *end;
    streaming->left = strtoull(text, &end, 10);
    if (*end != '\0' || streaming->left > STREAMING__BYTES_MAX ||
        weir_session_set_codec(session, weir_frame_codec(raw)) != WEIR_OK) {
        weir_session_fail(session, "a request is a number of bytes, up to 1000000000000");
        return;
    }
    weir_session_pause(session); /* nothing further is read */
    weir_session_hold(session);  /* the client may have finished already */
    streaming__continue(session);
}

static const struct weir_handler handler = {
    .size = sizeof(struct weir_handler),
    .name = "streaming",
    .session_bytes = sizeof(struct streaming),
    .on_message = streaming__on_message,
    .on_room = streaming__continue,
};

int main(int argc, char **argv)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .address = argc > 1 ? argv[1] : "7006",
                                 .codec = "line,max=20",
                                 .custom_handler = &handler};
    struct weir_listener_info info;
    struct weir_server *server = NULL;
    struct weir_error error;
    char text[512];

    for (size_t i = 0; i < sizeof chunk; i++) chunk[i] = i % 64 == 63 ? '\n' : '.';
    if (weir_frame_open("raw", &raw, &error) != WEIR_OK ||
        weir_server_open(NULL, &server, &error) != WEIR_OK ||
        weir_server_listen(server, &listen, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        weir_server_free(server);
        return 1;
    }
    weir_server_listener(server, 0, &info);
    printf("%s; press Enter to stop\n", weir_address_text(&info.address, text, sizeof text));
    fflush(stdout);
    getchar();
    weir_server_free(server);
    weir_frame_free(raw);
    return 0;
}
