/* SPDX-License-Identifier: MIT */
/* relay.c - a game server: players log in over TCP and exchange positions over UDP:
 * `relay [ADDR:]PORT [[ADDR:]PORT for UDP]`.
 *
 *      TCP, each message after its length (2 bytes, big endian, like all numbers):
 *      -> 'L' room (1) name          <- 'W' player (2) token (8)     the login
 *                                    <- 'J' player (2) name          another one of the room came
 *                                    <- 'Q' player (2)               ... and left
 *      UDP, each datagram:
 *      -> 'H' token (8)              <- 'h'                          "I am this player"
 *      -> 'P' number (4) x (4) y (4) <- 'T' tick (4) count (2), then for each player of the room
 *                                       player (2) number (4) x (4) y (4); 20 times per second
 *
 * A player has two sessions, and the token binds them: it reaches the client over TCP, and comes
 * back from the client's UDP address. So the address is not forged, and the handler vouches for it
 * (weir_session_vouch()): the positions of a room are larger than the position of one player.
 *
 * Names do the rest. A login binds the player's name: who logs in again elsewhere evicts the older
 * session. The UDP session binds the player's number: a client that changes its address (another
 * network) evicts the session of the old address.
 *
 * There is one worker, so that the table of players needs no lock, and its tick needs no thread and
 * no timer per player: it writes the positions of each room once, and broadcasts them to the UDP
 * sessions of the room. It can serve some ten thousand players. */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#define RELAY__PLAYERS_MAX 4096
#define RELAY__NAME_BYTES_MAX 40
#define RELAY__TICK_MS 50
#define RELAY__TOKEN_BYTES 8
#define RELAY__POSITION_BYTES 12       /* number, x, y */
#define RELAY__DATAGRAM_BYTES_MAX 1400 /* fits into one packet */
#define RELAY__NAME "player/"          /* of TCP sessions: this and the name */
#define RELAY__ROOM "room/"            /* the group of a room's TCP sessions: this and the number */
#define RELAY__WATCHERS "watchers/"    /* ... and of its UDP sessions */
#define RELAY__GROUP_BYTES 16
#define RELAY__ROOMS 256

struct relay__player {
    uint8_t token[RELAY__TOKEN_BYTES];
    uint64_t tcp_id; /* 0: there is no such player */
    uint64_t udp_id; /* 0: it has not said hello */
    uint8_t room;
    bool has_position;
    uint8_t position[RELAY__POSITION_BYTES]; /* as it came */
};

static struct relay__player relay__players[RELAY__PLAYERS_MAX];
static int relay__players_end; /* no player is at this index or above */
static int relay__players_in[RELAY__ROOMS];
static uint32_t relay__ticks;

/* ---- bytes ---- */

static uint8_t *relay__put16(uint8_t *at, uint32_t number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
    return at + 2;
}

static uint8_t *relay__put32(uint8_t *at, uint32_t number)
{
    return relay__put16(relay__put16(at, number >> 16), number);
}

/* `bytes` may be null if the length is 0. */
static uint8_t *relay__put(uint8_t *at, const void *bytes, size_t length)
{
    if (length > 0) memcpy(at, bytes, length);
    return at + length;
}

/* ---- the table of players ---- */

/* Returns the index of a free entry; -1: there is none. */
static int relay__free_player(void)
{
    int player = 0;

    while (player < relay__players_end && relay__players[player].tcp_id != 0) player++;
    return player < RELAY__PLAYERS_MAX ? player : -1;
}

/* Returns the index of the player with this token; -1: there is none. */
static int relay__find(const uint8_t token[RELAY__TOKEN_BYTES])
{
    for (int player = 0; player < relay__players_end; player++)
        if (relay__players[player].tcp_id != 0 &&
            memcmp(relay__players[player].token, token, RELAY__TOKEN_BYTES) == 0)
            return player;
    return -1;
}

static void relay__add(int player, const struct relay__player *added)
{
    relay__players[player] = *added;
    relay__players_in[added->room]++;
    if (player == relay__players_end) relay__players_end++;
}

static void relay__remove(int player)
{
    relay__players_in[relay__players[player].room]--;
    memset(&relay__players[player], 0, sizeof relay__players[player]);
    while (relay__players_end > 0 && relay__players[relay__players_end - 1].tcp_id == 0)
        relay__players_end--;
}

/* ---- TCP: logins ---- */

/* State of a TCP session. */
struct relay__login {
    bool is_in; /* `player` is valid */
    int player;
};

/* Writes the name of a room's group. Returns `group`. */
static const char *relay__group(const char *kind, uint32_t room, char group[RELAY__GROUP_BYTES])
{
    snprintf(group, RELAY__GROUP_BYTES, "%s%u", kind, room);
    return group;
}

/* Sends to all others in the room: 'J' or 'Q', the player, and the name. */
static void relay__announce(struct weir_session *session, char kind, int player, const void *name,
                            size_t length)
{
    uint8_t message[3 + RELAY__NAME_BYTES_MAX], *at = message;
    char group[RELAY__GROUP_BYTES];

    *at++ = (uint8_t)kind;
    at = relay__put16(at, (uint32_t)player);
    at = relay__put(at, name, length);
    weir_broadcast(weir_session_server(session),
                   relay__group(RELAY__ROOM, relay__players[player].room, group), message,
                   (size_t)(at - message), weir_session_id(session));
}

/* Binds the name, and joins the room. Returns false if that is impossible. */
static bool relay__enter(struct weir_session *session, uint8_t room, const uint8_t *name,
                         int length)
{
    char text[sizeof RELAY__NAME + RELAY__NAME_BYTES_MAX], group[RELAY__GROUP_BYTES];

    snprintf(text, sizeof text, RELAY__NAME "%.*s", length, (const char *)name);
    return weir_session_bind(session, text, WEIR_BIND_REPLACE) == WEIR_OK &&
           weir_session_join(session, relay__group(RELAY__ROOM, room, group)) == WEIR_OK;
}

static void relay__log_in(struct weir_session *session, uint8_t room, const uint8_t *name,
                          size_t length)
{
    struct relay__login *login = weir_session_state(session);
    struct relay__player player = {.tcp_id = weir_session_id(session), .room = room};
    uint8_t message[3 + RELAY__TOKEN_BYTES], *at = message;
    int index = relay__free_player();

    if (index < 0 || weir_random(player.token, sizeof player.token) != WEIR_OK ||
        !relay__enter(session, room, name, (int)length)) {
        weir_session_fail(session, "no player can come now");
        return;
    }
    relay__add(index, &player);
    *login = (struct relay__login){.is_in = true, .player = index};
    *at++ = 'W';
    at = relay__put16(at, (uint32_t)index);
    at = relay__put(at, player.token, sizeof player.token);
    weir_session_send(session, message, (size_t)(at - message));
    relay__announce(session, 'J', index, name, length);
}

static void relay__on_login(struct weir_session *session, const struct weir_message *message)
{
    const struct relay__login *login = weir_session_state(session);
    const uint8_t *name = message->bytes + 2;

    if (message->length < 3 || message->length > 2 + RELAY__NAME_BYTES_MAX ||
        message->bytes[0] != 'L' || login->is_in || memchr(name, '\0', message->length - 2))
        weir_session_fail(session, "a login is 'L', the room and a name, once");
    else
        relay__log_in(session, message->bytes[1], name, message->length - 2);
}

/* The player leaves, with its UDP session. */
static void relay__on_logout(struct weir_session *session, enum weir_reason reason,
                             const char *text)
{
    const struct relay__login *login = weir_session_state(session);

    (void)reason;
    (void)text;
    if (!login->is_in) return;
    relay__announce(session, 'Q', login->player, NULL, 0);
    if (relay__players[login->player].udp_id != 0)
        weir_finish(weir_session_server(session), relay__players[login->player].udp_id);
    relay__remove(login->player);
}

static const struct weir_handler relay__logins = {
    .size = sizeof(struct weir_handler),
    .name = "logins",
    .session_bytes = sizeof(struct relay__login),
    .on_message = relay__on_login,
    .on_close = relay__on_logout,
};

/* ---- UDP: positions ---- */

/* State of a UDP session. */
struct relay__peer {
    bool is_known; /* `player` is valid */
    int player;
};

/* Makes the session the player's, and lets it see the room. Returns false if that is impossible. */
static bool relay__watch(struct weir_session *session, int player)
{
    char name[16], group[RELAY__GROUP_BYTES];

    snprintf(name, sizeof name, "%d", player);
    relay__group(RELAY__WATCHERS, relay__players[player].room, group);
    return weir_session_bind(session, name, WEIR_BIND_REPLACE) == WEIR_OK &&
           weir_session_join(session, group) == WEIR_OK;
}

/* The datagram tells which player this is. */
static void relay__hello(struct weir_session *session, const uint8_t *token)
{
    struct relay__peer *peer = weir_session_state(session);
    int player = relay__find(token);

    /* A wrong token gets no answer, nor does that of a second player. */
    if (player < 0 || (peer->is_known && peer->player != player)) return;
    if (!relay__watch(session, player)) return;
    weir_session_vouch(session);
    peer->is_known = true;
    peer->player = player;
    relay__players[player].udp_id = weir_session_id(session);
    weir_session_send(session, "h", 1);
}

static void relay__on_datagram(struct weir_session *session, const struct weir_message *message)
{
    const struct relay__peer *peer = weir_session_state(session);
    const uint8_t *bytes = message->bytes;

    if (message->length == 1 + RELAY__TOKEN_BYTES && bytes[0] == 'H') {
        relay__hello(session, bytes + 1);
    } else if (message->length == 1 + RELAY__POSITION_BYTES && bytes[0] == 'P' && peer->is_known) {
        struct relay__player *player = &relay__players[peer->player];
        memcpy(player->position, bytes + 1, RELAY__POSITION_BYTES);
        player->has_position = true;
    }
}

/* Writes the positions of a room, as many as fit into one datagram. Returns their number. */
static uint32_t relay__write_positions(uint32_t room, uint8_t **at, const uint8_t *end)
{
    uint32_t count = 0;

    for (int i = 0; i < relay__players_end; i++) {
        const struct relay__player *player = &relay__players[i];
        if (player->tcp_id == 0 || player->room != room || !player->has_position) continue;
        if (end - *at < 2 + RELAY__POSITION_BYTES) break;
        *at = relay__put16(*at, (uint32_t)i);
        *at = relay__put(*at, player->position, RELAY__POSITION_BYTES);
        count++;
    }
    return count;
}

/* Sends the positions of a room to all who watch it. */
static void relay__show(struct weir_server *server, uint32_t room)
{
    uint8_t datagram[RELAY__DATAGRAM_BYTES_MAX] = {'T'};
    uint8_t *at = relay__put32(datagram + 1, relay__ticks) + 2;
    uint32_t count = relay__write_positions(room, &at, datagram + sizeof datagram);
    char group[RELAY__GROUP_BYTES];

    relay__put16(datagram + 5, count);
    weir_broadcast(server, relay__group(RELAY__WATCHERS, room, group), datagram,
                   (size_t)(at - datagram), 0);
}

static void relay__on_tick(struct weir_worker *worker)
{
    relay__ticks++;
    for (uint32_t room = 0; room < RELAY__ROOMS; room++)
        if (relay__players_in[room] > 0) relay__show(weir_worker_server(worker), room);
}

static void relay__on_gone(struct weir_session *session, enum weir_reason reason, const char *text)
{
    const struct relay__peer *peer = weir_session_state(session);

    (void)reason;
    (void)text;
    if (peer->is_known && relay__players[peer->player].udp_id == weir_session_id(session))
        relay__players[peer->player].udp_id = 0;
}

static const struct weir_handler relay__positions = {
    .size = sizeof(struct weir_handler),
    .name = "positions",
    .session_bytes = sizeof(struct relay__peer),
    .on_message = relay__on_datagram,
    .on_close = relay__on_gone,
};

/* ---- the program ---- */

static void relay__print_listeners(const struct weir_server *server)
{
    for (size_t i = 0; i < weir_server_listeners_count(server); i++) {
        struct weir_listener_info info;
        char text[WEIR_ADDRESS_TEXT_BYTES];

        weir_server_listener(server, i, &info);
        printf("%s%s\n", weir_address_text(&info.address, text, sizeof text),
               info.proto == WEIR_TCP ? "; press Enter to stop" : " for positions (UDP)");
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct weir_listen tcp = {.size = sizeof tcp,
                              .proto = WEIR_TCP,
                              .address = argc > 1 ? argv[1] : "7003",
                              .codec = "u16be,max=64",
                              .custom_handler = &relay__logins};
    struct weir_listen udp = {.size = sizeof udp,
                              .proto = WEIR_UDP,
                              .address = argc > 2 ? argv[2] : tcp.address,
                              .custom_handler = &relay__positions};
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    weir_config_init(&config);
    config.workers = 1;
    config.on_tick = relay__on_tick;
    config.tick_ms = RELAY__TICK_MS;
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
        weir_server_listen(server, &tcp, &error) != WEIR_OK ||
        weir_server_listen(server, &udp, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        weir_server_free(server);
        return 1;
    }
    relay__print_listeners(server);
    getchar();
    weir_server_free(server);
    return 0;
}
