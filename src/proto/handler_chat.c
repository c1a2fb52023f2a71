/* SPDX-License-Identifier: MIT */
/* handler_chat.c - a chat with rooms. Each message is a line, with any codec that delivers lines:
 * `weir serve --codec line --handler chat`. A room is a group of sessions on any worker, and exists
 * while it has members. Users can come with nc or telnet.
 *
 *      "* ada joined"   a notice of the server: no other line begins with an asterisk
 *      "ada: hello"     what ada says
 *      "~ ada waves"    /me waves
 *
 * A name has one user on the whole server: the session binds the key of the name (chat_names.h). In
 * a cluster rooms, /who and names span all nodes. A user who takes a name that is held on another
 * node is disconnected. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "chat_line.h"
#include "chat_names.h"
#include "memory.h"
#include "telnet.h"

#define HANDLER_CHAT__FIRST_ROOM "lobby"
#define HANDLER_CHAT__GUEST "guest-" /* the first name of each user is this and the session's id */
#define HANDLER_CHAT__TEXT_BYTES (CHAT_LINE_BYTES_MAX + 100)
#define HANDLER_CHAT__HELP \
    "* /name NICK, /join ROOM, /who, /me DOES SOMETHING, /quit; any other text is sent to the room"
#define HANDLER_CHAT__GROUP \
    "chat/" /* before the name of a room: other handlers have other groups */
#define HANDLER_CHAT__COUNT_MS 1000

/* State of one session. */
struct handler_chat__member {
    char name[CHAT_LINE_NAME_BYTES_MAX + 1];
    struct telnet telnet;
    char room[CHAT_LINE_NAME_BYTES_MAX + 1];
};

/* Writes the name of the room's group, "chat/lobby". */
static const char *handler_chat__group(const char *room, char *group, size_t size)
{
    snprintf(group, size, HANDLER_CHAT__GROUP "%s", room);
    return group;
}

/* Sends a line to the session itself. The line is lost if the queue is full: the client does not
 * read. */
static void handler_chat__reply(struct weir_session *session, const char *format, ...)
{
    char text[HANDLER_CHAT__TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    weir_session_send(session, text, strlen(text));
}

/* Sends a line to all other members of the room. If one of them does not read, this session waits.
 */
static void handler_chat__broadcast(struct weir_session *session, const char *format, ...)
{
    const struct handler_chat__member *member = weir_session_state(session);
    char text[HANDLER_CHAT__TEXT_BYTES], group[WEIR_GROUP_NAME_BYTES_MAX + 1];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    weir_session_broadcast(session, handler_chat__group(member->room, group, sizeof group), text,
                           strlen(text), weir_session_id(session));
}

static void handler_chat__enter(struct weir_session *session, const char *room)
{
    struct handler_chat__member *member = weir_session_state(session);
    char group[WEIR_GROUP_NAME_BYTES_MAX + 1];

    handler_chat__group(room, group, sizeof group);
    if (weir_session_join(session, group) != WEIR_OK) {
        handler_chat__reply(session, "* cannot join %s", room);
        return;
    }
    memcpy(member->room, room, strlen(room) + 1); /* chat_line_is_name() limits its length */
    handler_chat__reply(session, "* you are in %s, as %s", member->room, member->name);
    handler_chat__broadcast(session, "* %s joined", member->name);
}

static void handler_chat__leave(struct weir_session *session)
{
    struct handler_chat__member *member = weir_session_state(session);
    char group[WEIR_GROUP_NAME_BYTES_MAX + 1];

    if (member->room[0] == '\0') return;
    handler_chat__broadcast(session, "* %s left", member->name);
    weir_session_leave(session, handler_chat__group(member->room, group, sizeof group));
    member->room[0] = '\0';
}

static void handler_chat__on_open(struct weir_session *session)
{
    struct handler_chat__member *member = weir_session_state(session);

    snprintf(member->name, sizeof member->name, HANDLER_CHAT__GUEST "%" PRIx64,
             weir_session_id(session));
    handler_chat__enter(session, HANDLER_CHAT__FIRST_ROOM);
    handler_chat__reply(session, HANDLER_CHAT__HELP);
}

/* Returns whether a name could be the first name of another user. */
static bool handler_chat__is_guest(const char *name)
{
    char front[sizeof HANDLER_CHAT__GUEST];

    snprintf(front, sizeof front, "%.*s", (int)sizeof front - 1, name);
    return chat_names_are_alike(front, HANDLER_CHAT__GUEST);
}

static void handler_chat__rename(struct weir_session *session, const char *name)
{
    struct handler_chat__member *member = weir_session_state(session);
    char before[sizeof member->name], key[CHAT_NAMES_KEY_BYTES];

    if (!chat_line_is_name(name)) {
        handler_chat__reply(session, "* a name has 1 to %d letters, digits, '-', '_' and '.'",
                            CHAT_LINE_NAME_BYTES_MAX);
        return;
    }
    enum weir_code code = WEIR_NAME_TAKEN;
    if (!handler_chat__is_guest(name))
        code = weir_session_bind(session, chat_names_key(name, key), WEIR_BIND_IF_FREE);
    if (code != WEIR_OK) {
        handler_chat__reply(session,
                            code == WEIR_NAME_TAKEN
                                ? "* %s, or a name that looks like it, is taken; choose another"
                                : "* cannot take the name %s now",
                            name);
        return;
    }
    memcpy(before, member->name, sizeof before);
    memcpy(member->name, name, strlen(name) + 1); /* chat_line_is_name() limits its length */
    handler_chat__broadcast(session, "* %s is now %s", before, member->name);
    handler_chat__reply(session, "* you are now %s", member->name);
}

static void handler_chat__join(struct weir_session *session, const char *room)
{
    if (!chat_line_is_name(room)) {
        handler_chat__reply(session, "* a room has 1 to %d letters, digits, '-', '_' and '.'",
                            CHAT_LINE_NAME_BYTES_MAX);
        return;
    }
    handler_chat__leave(session);
    handler_chat__enter(session, room);
}

/* The user can have left meanwhile: then the line is lost. */
static void handler_chat__on_count(const struct weir_group_members *count, void *argument)
{
    const uint64_t *id = argument;
    char text[HANDLER_CHAT__TEXT_BYTES];

    snprintf(text, sizeof text, "* %s%" PRIu64 " in %s", count->incomplete ? "at least " : "",
             count->members, count->group + strlen(HANDLER_CHAT__GROUP));
    (void)weir_send(count->server, *id, text, strlen(text));
    memory_free(argument);
}

static void handler_chat__count(struct weir_session *session)
{
    const struct handler_chat__member *member = weir_session_state(session);
    char group[WEIR_GROUP_NAME_BYTES_MAX + 1];
    uint64_t *id = memory_alloc(sizeof *id);
    bool is_counting = false;

    if (id) {
        *id = weir_session_id(session);
        is_counting =
            weir_group_count(weir_session_server(session),
                             handler_chat__group(member->room, group, sizeof group),
                             HANDLER_CHAT__COUNT_MS, handler_chat__on_count, id) == WEIR_OK;
    }
    if (is_counting) return;
    memory_free(id);
    handler_chat__reply(session, "* cannot count now");
}

/* Tells a user why a line was rejected. */
static void handler_chat__reject(struct weir_session *session, const struct chat_line *line)
{
    switch (line->kind) {
    case CHAT_LINE_UNKNOWN:
        handler_chat__reply(session, "* no such command; /help lists them");
        break;
    case CHAT_LINE_TOO_LONG:
        handler_chat__reply(session, "* not sent: a message has at most %d characters",
                            CHAT_LINE_CHARACTERS_MAX);
        break;
    case CHAT_LINE_HIDDEN:
        handler_chat__reply(session,
                            "* not sent: character %zu, U+%04" PRIX32
                            ", is invisible or controls the terminal",
                            line->character, line->code_point);
        break;
    default:
        handler_chat__reply(session, "* not sent: character %zu is not UTF-8", line->character);
        break;
    }
}

/* Frees room and name now: the client can take long to close its side. */
static void handler_chat__quit(struct weir_session *session)
{
    handler_chat__leave(session);
    weir_session_unbind(session);
    handler_chat__reply(session, "* goodbye");
    weir_session_finish(session);
}

static void handler_chat__do(struct weir_session *session, const struct chat_line *line)
{
    const struct handler_chat__member *member = weir_session_state(session);

    switch (line->kind) {
    case CHAT_LINE_EMPTY: break;
    case CHAT_LINE_SAY: handler_chat__broadcast(session, "%s: %s", member->name, line->text); break;
    case CHAT_LINE_ME: handler_chat__broadcast(session, "~ %s %s", member->name, line->text); break;
    case CHAT_LINE_NAME: handler_chat__rename(session, line->text); break;
    case CHAT_LINE_JOIN: handler_chat__join(session, line->text); break;
    case CHAT_LINE_COUNT: handler_chat__count(session); break;
    case CHAT_LINE_HELP: handler_chat__reply(session, HANDLER_CHAT__HELP); break;
    case CHAT_LINE_QUIT: handler_chat__quit(session); break;
    default: handler_chat__reject(session, line); break;
    }
}

/* Removes telnet commands from a message, and sends the replies to them. Copies the rest, up to one
 * byte more than a line can have, and returns its length. */
static size_t handler_chat__take_telnet(struct weir_session *session,
                                        const struct weir_message *message,
                                        uint8_t data[CHAT_LINE_BYTES_MAX + 1])
{
    struct handler_chat__member *member = weir_session_state(session);
    bool is_udp = weir_session_proto(session) == WEIR_UDP;
    struct telnet_reply reply = {.length = 0};
    size_t length = 0;

    for (size_t i = 0; i < message->length; i++) {
        if (!telnet_take(&member->telnet, message->bytes[i], &reply)) continue;
        if (length <= CHAT_LINE_BYTES_MAX) data[length++] = message->bytes[i];
    }
    if (is_udp) member->telnet = (struct telnet){0}; /* a datagram is whole */
    /* The newline, which the codec has removed, can be part of a command. */
    if (member->telnet.state != TELNET_DATA) telnet_take(&member->telnet, '\n', &reply);
    if (reply.length > 0 && !is_udp) weir_session_send(session, reply.bytes, reply.length);
    return length;
}

static void handler_chat__on_message(struct weir_session *session,
                                     const struct weir_message *message)
{
    const struct handler_chat__member *member = weir_session_state(session);
    uint8_t data[CHAT_LINE_BYTES_MAX + 1];
    struct chat_line line;

    /* UTF-8 never contains IAC. */
    if (member->telnet.state == TELNET_DATA &&
        (message->length == 0 || !memchr(message->bytes, TELNET_IAC, message->length))) {
        chat_line_read(message->bytes, message->length, &line);
    } else {
        size_t length = handler_chat__take_telnet(session, message, data);
        chat_line_read(data, length, &line);
    }
    handler_chat__do(session, &line);
}

static void handler_chat__on_close(struct weir_session *session, enum weir_reason reason,
                                   const char *text)
{
    const struct handler_chat__member *member = weir_session_state(session);

    (void)reason;
    (void)text;
    if (member->room[0] != '\0') handler_chat__broadcast(session, "* %s left", member->name);
}

static void handler_chat__on_drain(struct weir_session *session)
{
    handler_chat__reply(session, "* the server is shutting down");
    weir_session_finish(session);
}

const struct weir_handler handler_chat = {
    .size = sizeof(struct weir_handler),
    .name = "chat",
    .summary = "a chat with rooms",
    .session_bytes = sizeof(struct handler_chat__member),
    .on_open = handler_chat__on_open,
    .on_message = handler_chat__on_message,
    .on_close = handler_chat__on_close,
    .on_drain = handler_chat__on_drain,
};
