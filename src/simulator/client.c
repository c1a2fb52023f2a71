/* SPDX-License-Identifier: MIT */
/* client.c - the list of a test's clients, each with an address of its own. */
#include "client.h"

#include "address.h"
#include "check.h"
#include "server_state.h"

#define CLIENT__PORT_FIRST 40000u

static const struct listen_spec *client__spec(const struct weir_test *test, size_t listener)
{
    weir_check_use(test->is_started, "weir_test_start comes before peers and sockets");
    weir_check_use(listener < test->server->listeners_count,
                   "the index is below weir_server_listeners_count");
    return test->server->listeners[listener];
}

struct net_address client_target(const struct weir_test *test, size_t listener)
{
    struct net_address target = client__spec(test, listener)->where.address;

    if (!address_is_any(&target)) return target;
    return address_of_v4(0x7f000001, target.port);
}

void client_add(struct client *client, struct weir_test *test, const char *kind,
                const struct weir_codec *codec, const struct net_address *address)
{
    client->test = test;
    client->kind = kind;
    client->codec = codec;
    client->number = ++test->clients_count;
    client->address = *address;
    client->next = test->clients;
    test->clients = client;
}

void client_init(struct client *client, struct weir_test *test, size_t listener,
                 enum weir_proto proto, const char *from)
{
    const struct service *service = &client__spec(test, listener)->service;
    struct net_address address = client_target(test, listener);

    weir_check_use(service->proto == proto, "peers connect to TCP listeners, sockets to UDP ones");
    client->is_datagram = proto == WEIR_UDP;
    address.port = 0;
    if (from)
        weir_check_use(net_address_parse(from, &address),
                       "the address of a peer is written like 10.0.0.7:0");
    client_add(client, test, client->is_datagram ? "socket" : "peer", service->codec, &address);
    if (address.port == 0)
        client->address.port = (uint16_t)(CLIENT__PORT_FIRST + client->number % 20000);
}

struct client *client_find(const struct weir_test *test, const struct net_address *address,
                           bool is_datagram)
{
    struct client *client = test->clients;

    while (client &&
           !(client->is_datagram == is_datagram && address_equals(&client->address, address)))
        client = client->next;
    return client;
}

void client_move_all(const struct weir_test *test)
{
    for (struct client *client = test->clients; client; client = client->next)
        if (client->move) client->move(client);
}

void client_free_all(struct weir_test *test)
{
    struct client *next;

    for (struct client *client = test->clients; client; client = next) {
        next = client->next;
        client->free(client);
    }
    test->clients = NULL;
}
