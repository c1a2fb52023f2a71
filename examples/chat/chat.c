/* SPDX-License-Identifier: MIT */
/* chat.c - a chat server with rooms: start `chat [ADDR:]PORT`, then run `nc 127.0.0.1 7002` once
 * per guest.
 *
 *      The first line of a guest is the guest's name. Afterwards /join ROOM changes the room, /quit
 *      leaves, and every other line is sent to the room.
 *
 * A room is a group: it exists while it has members, and its members can be on different workers.
 * The data of a guest is the session's state, which no other thread accesses: no lock is needed. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#define CHAT__NAME_BYTES_MAX 20
#define CHAT__LINE_BYTES_MAX 400

/* Zeroed when the session begins. An empty name means that the guest has not sent a name yet. */
struct chat__guest {
    char name[CHAT__NAME_BYTES_MAX + 1];
    char room[CHAT__NAME_BYTES_MAX + 1];
};

/* ---- output ---- */

static void chat__send_text(struct weir_session *session, const char *text)
{
    /* If the guest's send queue is full, this line is dropped. */
    (void)weir_session_send(session, text, strlen(text));
}

/* Sends to all other members of the guest's room. */
static void chat__send_room(struct weir_session *session, const char *format, ...)
{
    const struct chat__guest *guest = weir_session_state(session);
    char text[CHAT__LINE_BYTES_MAX + 100];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)weir_broadcast(weir_session_server(session), guest->room, text, (size_t)length,
                         weir_session_id(session));
}

/* ---- commands ---- */

/* Allows only letters, digits and dashes, because names appear on other guests' terminals. */
static bool chat__is_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t length = strspn(text, allowed);

    return length > 0 && length <= CHAT__NAME_BYTES_MAX && text[length] == '\0';
}

static void chat__leave_room(struct weir_session *session)
{
    struct chat__guest *guest = weir_session_state(session);

    chat__send_room(session, "* %s left", guest->name);
    weir_session_leave(session, guest->room);
}

static void chat__enter_room(struct weir_session *session, const char *room)
{
    struct chat__guest *guest = weir_session_state(session);

    memcpy(guest->room, room, strlen(room) + 1); /* a valid name fits */
    if (weir_session_join(session, guest->room) != WEIR_OK) {
        weir_session_abort(session); /* out of memory: the guest would be in no room */
        return;
    }
    chat__send_room(session, "* %s came", guest->name);
}

static void chat__set_name(struct weir_session *session, const char *name)
{
    struct chat__guest *guest = weir_session_state(session);

    if (!chat__is_name(name)) {
        chat__send_text(session, "* letters, digits and dashes, please: what is your name?");
        return;
    }
    memcpy(guest->name, name, strlen(name) + 1); /* a valid name fits */
    chat__send_text(session, "* you are in the lobby");
    chat__enter_room(session, "lobby");
}

static void chat__handle_line(struct weir_session *session, const char *line)
{
    const struct chat__guest *guest = weir_session_state(session);

    if (guest->name[0] == '\0') {
        chat__set_name(session, line);
    } else if (strcmp(line, "/quit") == 0) {
        chat__send_text(session, "* goodbye");
        weir_session_finish(session); /* sends the queued line first */
    } else if (strncmp(line, "/join ", 6) == 0 && chat__is_name(line + 6)) {
        chat__leave_room(session);
        chat__enter_room(session, line + 6);
    } else if (line[0] == '/') {
        chat__send_text(session, "* /join ROOM, /quit");
    } else {
        chat__send_room(session, "%s: %s", guest->name, line);
    }
}

/* ---- the handler ---- */

static void chat__on_open(struct weir_session *session)
{
    chat__send_text(session, "* what is your name?");
}

static void chat__on_message(struct weir_session *session, const struct weir_message *message)
{
    char line[CHAT__LINE_BYTES_MAX + 1];

    if (message->length > CHAT__LINE_BYTES_MAX) {
        chat__send_text(session, "* the line is too long");
        return;
    }
    /* A message has no terminating NUL and must not be modified. Control characters are replaced,
     * because other guests' terminals would interpret them. */
    for (size_t i = 0; i < message->length; i++)
        line[i] = (char)(message->bytes[i] < ' ' ? '?' : message->bytes[i]);
    line[message->length] = '\0';
    chat__handle_line(session, line);
}

/* Called for every session that was opened, however it ended; can still broadcast to the room. */
static void chat__on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    const struct chat__guest *guest = weir_session_state(session);

    (void)reason;
    (void)text;
    if (guest->name[0] != '\0') chat__send_room(session, "* %s left", guest->name);
}

static void chat__on_drain(struct weir_session *session)
{
    chat__send_text(session, "* the server is going down");
    weir_session_finish(session);
}

static const struct weir_handler chat = {
    .size = sizeof(struct weir_handler),
    .name = "chat",
    .session_bytes = sizeof(struct chat__guest),
    .on_open = chat__on_open,
    .on_message = chat__on_message,
    .on_close = chat__on_close,
    .on_drain = chat__on_drain,
};

int main(int argc, char **argv)
{
    struct weir_listen listener = {
        .size = sizeof listener, .address = argc > 1 ? argv[1] : "7002", .custom_handler = &chat};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    /* The maximum applies in both directions, and outgoing lines also contain the name. */
    listener.codec = "line,max=500,oversize=skip";
    weir_config_init(&config);
    config.broadcast_policy = WEIR_BROADCAST_DROP_OLDEST; /* slow readers miss lines, and stay */
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
    weir_server_drain(server, 2000); /* calls chat__on_drain for every guest */
    weir_server_wait(server);
    weir_server_free(server);
    return 0;
}
