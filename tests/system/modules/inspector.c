/* SPDX-License-Identifier: MIT */
/* inspector.c - a module that takes arguments, writes to the log, and answers questions about the
 * sessions and workers of its server: "limit", "self", "list", "workers", "log TEXT". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

struct inspector_state {
    unsigned limit;
};

static enum weir_code inspector__open(struct weir_server *server, const char *arguments,
                                      void **user, struct weir_error *error)
{
    struct inspector_state *state = calloc(1, sizeof *state);

    if (!state) return WEIR_NO_MEMORY;
    if (sscanf(arguments, "limit=%u", &state->limit) != 1) {
        snprintf(error->reason, sizeof error->reason, "its arguments are '%s'", arguments);
        snprintf(error->hint, sizeof error->hint, "write '?limit=N'");
        free(state);
        return WEIR_INVALID;
    }
    weir_log(server, WEIR_LOG_WARNING, "inspector opens with limit=%u", state->limit);
    *user = state;
    return WEIR_OK;
}

static void inspector__close(struct weir_server *server, void *user)
{
    struct inspector_state *state = user;

    weir_log(server, WEIR_LOG_WARNING, "inspector closes with limit=%u", state->limit);
    free(state);
}

static void inspector__send(struct weir_session *session, const char *text)
{
    weir_session_send(session, text, strlen(text));
}

/* ---- lists ---- */

struct inspector_list {
    struct weir_server *server;
    uint64_t asker;
    unsigned count, slices, datagram_count;
    uint64_t bytes_in;
};

static void inspector__on_session(void *user, const struct weir_session_info *info)
{
    struct inspector_list *list = user;

    list->count++;
    list->datagram_count += info->proto == WEIR_UDP;
    list->bytes_in += info->bytes_in;
}

static void inspector__on_end(void *user, uint64_t cursor);

static enum weir_code inspector__ask(struct inspector_list *list, uint64_t cursor)
{
    struct weir_sessions_query query = {.size = sizeof query,
                                        .cursor = cursor,
                                        .count_max = 3,
                                        .user = list,
                                        .on_session = inspector__on_session,
                                        .on_end = inspector__on_end};

    list->slices++;
    return weir_sessions_list(list->server, &query);
}

static void inspector__on_end(void *user, uint64_t cursor)
{
    struct inspector_list *list = user;
    char text[128];

    if (cursor != 0 && inspector__ask(list, cursor) == WEIR_OK) return;
    snprintf(text, sizeof text, "sessions=%u datagram_sessions=%u bytes_in=%" PRIu64, list->count,
             list->datagram_count, list->bytes_in);
    weir_send(list->server, list->asker, text, strlen(text));
    free(list);
}

static void inspector__list(struct weir_session *session)
{
    struct inspector_list *list = calloc(1, sizeof *list);

    if (!list) return;
    list->server = weir_session_server(session);
    list->asker = weir_session_id(session);
    if (inspector__ask(list, 0) != WEIR_OK) free(list);
}

/* ---- others ---- */

static void inspector__self(struct weir_session *session)
{
    struct weir_session_info info;
    char text[256], peer[WEIR_ADDRESS_TEXT_BYTES];

    weir_session_inspect(session, &info);
    snprintf(text, sizeof text,
             "%s %s %s listener=%u codec=%s handler=%s in=%" PRIu64 "/%" PRIu64 " pause=%s ends=%s",
             info.proto == WEIR_TCP ? "tcp" : "udp",
             weir_address_text(&info.peer, peer, sizeof peer), weir_session_state_text(info.state),
             info.listener, info.codec, info.handler, info.bytes_in, info.messages_in,
             weir_pause_text(info.pause), weir_reason_text(info.deadline_reason));
    inspector__send(session, text);
}

static void inspector__workers(struct weir_session *session)
{
    struct weir_server *server = weir_session_server(session);
    uint32_t count = weir_server_workers_count(server);
    uint64_t sessions = 0, iterations = 0;
    char text[128];

    for (uint32_t i = 0; i < count; i++) {
        struct weir_worker_stats stats;
        weir_server_worker_stats(server, i, &stats);
        sessions += stats.sessions;
        iterations += stats.loop_iterations;
    }
    snprintf(text, sizeof text, "workers=%u sessions=%" PRIu64 " iterates=%d", count, sessions,
             iterations > 0);
    inspector__send(session, text);
}

static void inspector__on_message(struct weir_session *session, const struct weir_message *message)
{
    const struct inspector_state *state = weir_session_user(session);
    char word[64], text[64];

    snprintf(word, sizeof word, "%.*s", (int)message->length, (const char *)message->bytes);
    if (strcmp(word, "self") == 0) {
        inspector__self(session);
    } else if (strcmp(word, "list") == 0) {
        inspector__list(session);
    } else if (strcmp(word, "workers") == 0) {
        inspector__workers(session);
    } else if (strncmp(word, "log ", 4) == 0) {
        weir_log(weir_session_server(session), WEIR_LOG_ERROR, "error %s", word + 4);
        weir_log(weir_session_server(session), WEIR_LOG_WARNING, "warning %s", word + 4);
        weir_log(weir_session_server(session), WEIR_LOG_INFO, "info %s", word + 4);
        weir_log(weir_session_server(session), WEIR_LOG_DETAIL, "detail %s", word + 4);
        inspector__send(session, "logged");
    } else {
        snprintf(text, sizeof text, "limit=%u", state->limit);
        inspector__send(session, text);
    }
}

static void inspector__on_timer(struct weir_session *session)
{
    (void)session; /* UDP: so that each peer has a session */
}

static const struct weir_handler inspector = {
    .size = sizeof(struct weir_handler),
    .name = "inspector",
    .summary = "answers questions about sessions and workers",
    .on_message = inspector__on_message,
    .on_timer = inspector__on_timer,
    .open = inspector__open,
    .close = inspector__close,
};

WEIR_MODULE(&inspector, NULL);
