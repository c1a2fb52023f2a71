/* SPDX-License-Identifier: MIT */
/* datagram_peer.c - the UDP sockets of a test. Datagrams that arrive wait in the network. */
#include "check.h"
#include "client.h"
#include "sim_wire.h"
#include "story.h"

struct weir_test_socket {
    struct client client;
    struct sim_datagrams *wire;
    struct net_address to;
};

static void datagram_peer__free(struct client *client)
{
    struct weir_test_socket *socket = weir_container_of(client, struct weir_test_socket, client);

    if (socket->wire) sim_datagrams_close(socket->wire);
    wire_memory_free(socket);
}

struct weir_test_socket *weir_test_socket_open(struct weir_test *test, size_t listener,
                                               const char *from)
{
    struct weir_test_socket *socket = wire_memory(1, sizeof *socket);

    socket->to = client_target(test, listener);
    client_init(&socket->client, test, listener, WEIR_UDP, from);
    socket->client.free = datagram_peer__free;
    socket->wire = sim_datagrams_open(test->simulation, &socket->client.address);
    if (socket->wire) return socket;
    test->clients = socket->client.next;
    wire_memory_free(socket);
    return NULL;
}

void weir_test_socket_send(struct weir_test_socket *socket, const void *bytes, size_t length)
{
    char text[STORY_BYTES_TEXT];

    weir_check_use(length <= SIM_DATAGRAM_BYTES_MAX, "a datagram has at most 65507 bytes");
    story_tell(socket->client.test, "socket %u sends %zu bytes %s", socket->client.number, length,
               story_bytes(bytes, length, text));
    sim_datagrams_send(socket->wire, &socket->to, bytes, (uint32_t)length);
}

bool weir_test_socket_receive(struct weir_test_socket *socket, void *bytes, size_t size,
                              size_t *length)
{
    uint32_t count = 0,
             room = size < SIM_DATAGRAM_BYTES_MAX ? (uint32_t)size : SIM_DATAGRAM_BYTES_MAX;
    char text[STORY_BYTES_TEXT];

    if (!sim_datagrams_receive(socket->wire, bytes, room, &count, NULL)) return false;
    *length = count;
    story_tell(socket->client.test, "socket %u receives %u bytes %s", socket->client.number, count,
               story_bytes(bytes, count < room ? count : room, text));
    return true;
}

enum weir_reason weir_test_socket_reason(const struct weir_test_socket *socket)
{
    return socket->client.reason;
}
