/* SPDX-License-Identifier: MIT */
/* request_reply.c - answers requests in the order in which the answers become available:
 * `request_reply [ADDR:]PORT`.
 *
 *      frame      | length: 4 bytes | number: 4 bytes | text ... |
 *
 * Both directions use this frame, in big endian; the length counts the bytes after it. The client
 * chooses the number. The reply to a request has the same number, so that a client can have several
 * requests in flight.
 *
 *      echo TEXT     is answered immediately
 *      later TEXT    is answered a little later; of several waiting requests, the last one first
 *      ask TEXT      is answered by the console: it prints "ask SESSION NUMBER TEXT", and an
 *                    input line "SESSION NUMBER ANSWER" is sent as the reply
 *
 * A client may half-close its connection after its last request: the session is held until each
 * deferred reply was sent. examples/client is the client. The console is an example of a component
 * with its own threads, such as a database: it stores a session's id instead of the session, and
 * calls weir_send() and weir_release(). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#define REQUEST__NUMBER_BYTES 4
#define REQUEST__TEXT_BYTES_MAX 200
#define REQUEST__BYTES_MAX (REQUEST__NUMBER_BYTES + REQUEST__TEXT_BYTES_MAX)
#define REQUEST__WAITING_MAX 8 /* "later" requests of one session */
#define REQUEST__LATER_MS 30

/* A number and a text: a request or its reply. */
struct request {
    uint32_t number;
    char text[REQUEST__TEXT_BYTES_MAX + 1];
};

/* The state of a session. It is bounded, as all memory should be that a peer can make us use. */
struct request__waiting {
    struct request requests[REQUEST__WAITING_MAX];
    uint32_t count;
};

/* ---- messages ---- */

static bool request__read(const struct weir_message *message, struct request *request)
{
    const uint8_t *bytes = message->bytes;
    size_t length = message->length - REQUEST__NUMBER_BYTES;

    if (message->length < REQUEST__NUMBER_BYTES || message->length > REQUEST__BYTES_MAX)
        return false;
    request->number =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    memcpy(request->text, bytes + REQUEST__NUMBER_BYTES, length);
    request->text[length] = '\0';
    return true;
}

/* Returns the number of bytes written to `bytes`. The codec adds the length before them. */
static size_t request__write(uint32_t number, const char *text, uint8_t bytes[REQUEST__BYTES_MAX])
{
    size_t length = strlen(text);

    if (length > REQUEST__TEXT_BYTES_MAX) length = REQUEST__TEXT_BYTES_MAX;
    for (int i = 0; i < REQUEST__NUMBER_BYTES; i++) bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    memcpy(bytes + REQUEST__NUMBER_BYTES, text, length);
    return REQUEST__NUMBER_BYTES + length;
}

/* ---- the handler: on the session's own thread ---- */

static void request__reply(struct weir_session *session, uint32_t number, const char *text)
{
    uint8_t bytes[REQUEST__BYTES_MAX];
    size_t length = request__write(number, text, bytes);

    /* The client waits for this reply: if it cannot be queued, close the session. */
    enum weir_code code = weir_session_send(session, bytes, length);
    if (code == WEIR_QUEUE_FULL || code == WEIR_NO_BUFFERS) weir_session_abort(session);
}

static void request__defer(struct weir_session *session, const struct request *request)
{
    struct request__waiting *waiting = weir_session_state(session);

    if (waiting->count == REQUEST__WAITING_MAX) {
        request__reply(session, request->number, "too many requests wait");
        return;
    }
    waiting->requests[waiting->count++] = *request;
    weir_session_hold(session); /* one for each reply that follows later */
    weir_session_start_timer(session, REQUEST__LATER_MS); /* one timer for all waiting requests */
}

static void request__on_timer(struct weir_session *session)
{
    struct request__waiting *waiting = weir_session_state(session);

    while (waiting->count > 0) {
        const struct request *request = &waiting->requests[--waiting->count];
        request__reply(session, request->number, request->text + strlen("later "));
        weir_session_release(session);
    }
}

static void request__on_message(struct weir_session *session, const struct weir_message *message)
{
    struct request request;

    if (!request__read(message, &request)) {
        weir_session_fail(session, "a request is a number of 4 bytes and at most 200 of text");
    } else if (strncmp(request.text, "echo ", 5) == 0) {
        request__reply(session, request.number, request.text + 5);
    } else if (strncmp(request.text, "later ", 6) == 0) {
        request__defer(session, &request);
    } else if (strncmp(request.text, "ask ", 4) == 0) {
        weir_session_hold(session);
        printf("ask %" PRIu64 " %" PRIu32 " %s\n", weir_session_id(session), request.number,
               request.text + 4);
        fflush(stdout);
    } else {
        request__reply(session, request.number, "no such request: echo, later or ask");
    }
}

static const struct weir_handler request_reply = {
    .size = sizeof(struct weir_handler),
    .name = "request_reply",
    .session_bytes = sizeof(struct request__waiting),
    .on_message = request__on_message,
    .on_timer = request__on_timer,
};

/* ---- the console: another thread, which uses session ids only ---- */

/* Handles the input line "SESSION NUMBER ANSWER". */
static void request__answer(struct weir_server *server, const char *line)
{
    uint8_t bytes[REQUEST__BYTES_MAX];
    char *end;
    uint64_t session = strtoull(line, &end, 10);
    uint32_t number = (uint32_t)strtoul(end, &end, 10);
    enum weir_code code;

    if (*end != ' ') {
        fprintf(stderr, "write SESSION NUMBER ANSWER, as they were printed\n");
        return;
    }
    code = weir_send(server, session, bytes, request__write(number, end + 1, bytes));
    if (code == WEIR_OK) code = weir_release(server, session);
    if (code != WEIR_OK) fprintf(stderr, "not sent: %s\n", weir_code_text(code));
}

/* Reads lines until an empty one or the end of the input. */
static void request__read_console(struct weir_server *server)
{
    char line[512];

    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0') return;
        request__answer(server, line);
    }
}

int main(int argc, char **argv)
{
    struct weir_listen listener = {.size = sizeof listener,
                                   .address = argc > 1 ? argv[1] : "7003",
                                   .codec = "u32be,max=1k",
                                   .custom_handler = &request_reply};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

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
    request__read_console(server);
    weir_server_drain(server, 2000);
    weir_server_wait(server);
    weir_server_free(server);
    return 0;
}
