/* SPDX-License-Identifier: MIT */
/* queue.c - a queue of texts between clients, with answers that come later: `queue [ADDR:]PORT`.
 *
 *      push TEXT     adds a text; answer: "ok", or "full"
 *      pop           takes the oldest text; answer: "text TEXT". If there is none, the answer comes
 *                    with the next push
 *      wait SECONDS  closes the client's connection when it is silent for longer (0: never)
 *
 * While a client waits for a text, its session is paused: what it sends meanwhile is answered later
 * and in order, and TCP's flow control bounds it. The session is also held, so that a client may
 * half-close its connection after the request (`nc -N`). Clients that disappear leave the queue.
 *
 * The server has one worker, so the handler's data needs no lock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#define QUEUE__TEXT_BYTES_MAX 200u
#define QUEUE__TEXTS_MAX 1000u
#define QUEUE__SECONDS_MAX 86400ul

/* A text that waits for a client. */
struct queue__text {
    char bytes[QUEUE__TEXT_BYTES_MAX + 1];
};

/* The state of a session: it waits in the list of those that pop. */
struct queue__client {
    struct weir_session *session, *next;
    bool waits;
};

static struct {
    struct queue__text texts[QUEUE__TEXTS_MAX];
    uint32_t first, count;
    struct weir_session *waiting, *waiting_last; /* oldest first */
} queue;

/* ---- clients that wait ---- */

static struct queue__client *queue__client_of(struct weir_session *session)
{
    return weir_session_state(session);
}

static void queue__wait(struct weir_session *session)
{
    struct queue__client *client = queue__client_of(session);

    client->waits = true;
    client->next = NULL;
    if (queue.waiting)
        queue__client_of(queue.waiting_last)->next = session;
    else
        queue.waiting = session;
    queue.waiting_last = session;
    weir_session_pause(session);
    weir_session_hold(session);
}

/* The client does not wait any longer: it is answered, or it has disappeared. */
static void queue__leave(struct weir_session *session)
{
    struct weir_session *previous = NULL, *at = queue.waiting;

    while (at != session) {
        previous = at;
        at = queue__client_of(at)->next;
    }
    struct weir_session *next = queue__client_of(session)->next;
    if (previous)
        queue__client_of(previous)->next = next;
    else
        queue.waiting = next;
    if (queue.waiting_last == session) queue.waiting_last = previous;
    queue__client_of(session)->waits = false;
}

/* ---- answers ---- */

static void queue__send(struct weir_session *session, const char *word, const char *text)
{
    const struct weir_part parts[] = {{word, strlen(word)}, {text, strlen(text)}};

    if (weir_session_sendv(session, parts, 2) != WEIR_OK) weir_session_abort(session);
}

static void queue__push(struct weir_session *session, const char *text)
{
    struct weir_session *waiting = queue.waiting;

    if (waiting) {
        queue__leave(waiting);
        queue__send(waiting, "text ", text);
        weir_session_release(waiting);
        weir_session_resume(waiting);
    } else if (queue.count == QUEUE__TEXTS_MAX) {
        queue__send(session, "full", "");
        return;
    } else {
        uint32_t at = (queue.first + queue.count++) % QUEUE__TEXTS_MAX;
        snprintf(queue.texts[at].bytes, sizeof queue.texts[at].bytes, "%s", text);
    }
    queue__send(session, "ok", "");
}

static void queue__pop(struct weir_session *session)
{
    if (queue.count == 0) {
        queue__wait(session);
        return;
    }
    queue__send(session, "text ", queue.texts[queue.first].bytes);
    queue.first = (queue.first + 1) % QUEUE__TEXTS_MAX;
    queue.count--;
}

static void queue__set_timeout(struct weir_session *session, const char *text)
{
    char *end;
    unsigned long seconds = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || seconds > QUEUE__SECONDS_MAX ||
        weir_session_set_idle_timeout(session, (uint32_t)seconds * 1000) != WEIR_OK)
        weir_session_fail(session, "wait needs a number of seconds");
    else
        queue__send(session, "ok", "");
}

/* ---- the handler ---- */

static void queue__on_message(struct weir_session *session, const struct weir_message *message)
{
    char line[QUEUE__TEXT_BYTES_MAX + 1];

    memcpy(line, message->bytes, message->length); /* the codec limits it */
    line[message->length] = '\0';
    if (strncmp(line, "push ", 5) == 0)
        queue__push(session, line + 5);
    else if (strcmp(line, "pop") == 0)
        queue__pop(session);
    else if (strncmp(line, "wait ", 5) == 0)
        queue__set_timeout(session, line + 5);
    else
        weir_session_fail(session, "a request is push TEXT, pop, or wait SECONDS");
}

static void queue__on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    if (queue__client_of(session)->waits) queue__leave(session);
}

static const struct weir_handler handler = {
    .size = sizeof(struct weir_handler),
    .name = "queue",
    .session_bytes = sizeof(struct queue__client),
    .on_message = queue__on_message,
    .on_close = queue__on_close,
};

int main(int argc, char **argv)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .address = argc > 1 ? argv[1] : "7007",
                                 .codec = "line,max=200",
                                 .custom_handler = &handler};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    weir_config_init(&config);
    config.workers = 1;
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
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
    return 0;
}
