/* SPDX-License-Identifier: MIT */
/* member.c - a module that does what a line says, for test_cluster.py:
 *
 *      join GROUP, cast GROUP TEXT, count GROUP    "GROUP: 3 of all" or "GROUP: 3 at least"
 *      id, send ID TEXT, finish ID                 ids in hexadecimal
 *      bind NAME, take NAME                        IF_FREE and REPLACE
 *      call NAME TEXT                              weir_send_name()
 *
 * Each answers "ok", or the number of the code; id and count with what they ask for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#define MEMBER__TEXT_BYTES 4096

static void member__reply(struct weir_session *session, enum weir_code code)
{
    char text[16] = "ok";

    if (code != WEIR_OK) snprintf(text, sizeof text, "code %d", (int)code);
    weir_session_send(session, text, strlen(text));
}

static void member__on_count(const struct weir_group_members *count, void *argument)
{
    uint64_t *id = argument;
    char text[2 * WEIR_GROUP_NAME_BYTES_MAX];

    snprintf(text, sizeof text, "%s: %" PRIu64 " %s", count->group, count->members,
             count->incomplete ? "at least" : "of all");
    weir_send(count->server, *id, text, strlen(text));
    free(id);
}

static void member__count(struct weir_session *session, const char *group)
{
    uint64_t *id = malloc(sizeof *id);

    if (!id) return;
    *id = weir_session_id(session);
    if (weir_group_count(weir_session_server(session), group, 5000, member__on_count, id) !=
        WEIR_OK)
        free(id);
}

/* Commands with a text behind the word. */
static enum weir_code member__pass(struct weir_session *session, const char *command, char *word)
{
    struct weir_server *server = weir_session_server(session);
    char *text = word + strcspn(word, " ");

    if (*text) *text++ = '\0';
    if (strcmp(command, "cast") == 0)
        return weir_broadcast(server, word, text, strlen(text), weir_session_id(session));
    if (strcmp(command, "call") == 0) return weir_send_name(server, word, text, strlen(text));
    if (strcmp(command, "send") == 0)
        return weir_send(server, strtoull(word, NULL, 16), text, strlen(text));
    if (strcmp(command, "finish") == 0) return weir_finish(server, strtoull(word, NULL, 16));
    if (strcmp(command, "join") == 0) return weir_session_join(session, word);
    if (strcmp(command, "bind") == 0) return weir_session_bind(session, word, WEIR_BIND_IF_FREE);
    if (strcmp(command, "take") == 0) return weir_session_bind(session, word, WEIR_BIND_REPLACE);
    return WEIR_INVALID;
}

static void member__on_message(struct weir_session *session, const struct weir_message *message)
{
    char line[MEMBER__TEXT_BYTES], text[32];

    snprintf(line, sizeof line, "%.*s", (int)message->length, (const char *)message->bytes);
    char *rest = line + strcspn(line, " ");
    if (*rest) *rest++ = '\0';
    if (strcmp(line, "id") == 0) {
        snprintf(text, sizeof text, "%016" PRIx64, weir_session_id(session));
        weir_session_send(session, text, strlen(text));
    } else if (strcmp(line, "count") == 0) {
        member__count(session, rest);
    } else {
        member__reply(session, member__pass(session, line, rest));
    }
}

static const struct weir_handler member = {
    .size = sizeof(struct weir_handler),
    .name = "member",
    .on_message = member__on_message,
};

WEIR_MODULE(&member, NULL);
