/* SPDX-License-Identifier: MIT */
/* game_room.c - a game without locks: `game_room [ADDR:]PORT`.
 *
 *      join ROOM NAME     enters room 0 or 1
 *      move DX DY         moves the player, at most 1 per direction
 *
 * Twenty times a second, the players of a room in which something changed receive a line such as
 * "room 0: Ada 1,0; Bob 0,-1".
 *
 * Each room lives on one worker, and only that worker touches it:
 *
 *      sessions on any worker --weir_post--> room 0 on worker 0, room 1 on worker 1
 *      the worker's tick:     the room --weir_send--> its players, on any worker
 *
 * A player that has gone leaves the room at the next tick, because weir_send() reports it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#define GAME__ROOMS 2 /* one worker for each */
#define GAME__PLAYERS_MAX 16
#define GAME__NAME_BYTES 16
#define GAME__TICK_MS 50

struct game__player {
    uint64_t session; /* the id: the session itself may be on another worker */
    char name[GAME__NAME_BYTES];
    int x, y;
};

/* Owned by one worker. */
struct game__room {
    struct game__player players[GAME__PLAYERS_MAX];
    int count;
    int changed;
};

/* What a session posts to the worker of its room, which frees it. */
struct game__action {
    uint64_t session;
    char name[GAME__NAME_BYTES]; /* "": a move */
    int dx, dy;
};

/* The state of a session. */
struct game__guest {
    int joined;
    uint32_t room;
};

/* ---- on the worker of the room ---- */

static struct game__player *game__find(struct game__room *room, uint64_t session)
{
    for (int i = 0; i < room->count; i++)
        if (room->players[i].session == session) return &room->players[i];
    return NULL;
}

static void game__enter(struct weir_worker *worker, const struct game__action *action)
{
    struct game__room *room = weir_worker_user(worker);

    if (room->count == GAME__PLAYERS_MAX) {
        weir_send(weir_worker_server(worker), action->session, "the room is full", 16);
        return;
    }
    struct game__player *player = &room->players[room->count++];
    *player = (struct game__player){.session = action->session};
    memcpy(player->name, action->name, sizeof player->name);
    room->changed = 1;
}

static void game__on_action(struct weir_worker *worker, void *argument)
{
    struct game__action *action = argument;
    struct game__room *room = weir_worker_user(worker);
    struct game__player *player = game__find(room, action->session);

    if (action->name[0] != '\0') {
        game__enter(worker, action);
    } else if (player) {
        player->x += action->dx;
        player->y += action->dy;
        room->changed = 1;
    }
    free(action);
}

/* Writes where everyone is. Returns the length. */
static size_t game__write(const struct game__room *room, uint32_t index, char *text, size_t size)
{
    int used = snprintf(text, size, "room %u:", index);

    for (int i = 0; i < room->count; i++)
        used += snprintf(text + used, size - (size_t)used, "%s %s %d,%d", i > 0 ? ";" : "",
                         room->players[i].name, room->players[i].x, room->players[i].y);
    return (size_t)used;
}

static void game__on_tick(struct weir_worker *worker)
{
    struct game__room *room = weir_worker_user(worker);
    char text[64 + GAME__PLAYERS_MAX * (GAME__NAME_BYTES + 32)];

    if (!room->changed) return;
    room->changed = 0;
    size_t length = game__write(room, weir_worker_index(worker), text, sizeof text);
    for (int i = 0; i < room->count;) {
        uint64_t session = room->players[i].session;
        if (weir_send(weir_worker_server(worker), session, text, length) != WEIR_GONE) {
            i++;
            continue;
        }
        room->players[i] = room->players[--room->count];
        room->changed = 1; /* the others hear of it with the next tick */
    }
}

static enum weir_code game__on_worker_start(struct weir_worker *worker)
{
    struct game__room *room = calloc(1, sizeof *room);

    weir_worker_set_user(worker, room);
    return room ? WEIR_OK : WEIR_NO_MEMORY;
}

static void game__on_worker_end(struct weir_worker *worker)
{
    free(weir_worker_user(worker));
}

/* ---- on the worker of the session ---- */

/* Passes the action on. The player is disconnected if the room cannot take more. */
static void game__post(struct weir_session *session, const struct game__action *action)
{
    const struct game__guest *guest = weir_session_state(session);
    struct game__action *copy = malloc(sizeof *copy);

    if (copy) {
        *copy = *action;
        copy->session = weir_session_id(session);
        if (weir_post(weir_session_server(session), guest->room, game__on_action, copy) == WEIR_OK)
            return;
        free(copy);
    }
    weir_session_fail(session, "the room is too busy");
}

static void game__on_message(struct weir_session *session, const struct weir_message *message)
{
    struct game__guest *guest = weir_session_state(session);
    struct game__action action = {0};
    char line[64];
    unsigned room;

    snprintf(line, sizeof line, "%.*s", (int)message->length, (const char *)message->bytes);
    if (!guest->joined && sscanf(line, "join %1u %15[A-Za-z]", &room, action.name) == 2 &&
        room < GAME__ROOMS) {
        guest->joined = 1;
        guest->room = room;
        game__post(session, &action);
    } else if (guest->joined && sscanf(line, "move %2d %2d", &action.dx, &action.dy) == 2 &&
               abs(action.dx) <= 1 && abs(action.dy) <= 1) {
        game__post(session, &action);
    } else {
        weir_session_fail(session, "write join ROOM NAME once, then move DX DY");
    }
}

static const struct weir_handler game_room = {.size = sizeof(struct weir_handler),
                                              .name = "game_room",
                                              .session_bytes = sizeof(struct game__guest),
                                              .on_message = game__on_message};

int main(int argc, char **argv)
{
    struct weir_listen listener = {.size = sizeof listener,
                                   .address = argc > 1 ? argv[1] : "7004",
                                   .codec = "line,max=1k",
                                   .custom_handler = &game_room};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    weir_config_init(&config);
    config.workers = GAME__ROOMS;
    config.on_worker_start = game__on_worker_start;
    config.on_worker_end = game__on_worker_end;
    config.on_tick = game__on_tick;
    config.tick_ms = GAME__TICK_MS;
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
    weir_server_free(server);
    return 0;
}
