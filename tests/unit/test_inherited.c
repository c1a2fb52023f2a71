/* SPDX-License-Identifier: MIT */
/* test_inherited.c - sockets that another program bound, on every transport of Linux.
 *
 * Requirements: an inherited listener and an inherited UDP socket serve as own ones do; several
 * nets accept from the same listener; closing it leaves the caller's socket and its file; any other
 * descriptor is refused with its reason, and so is one of another address or protocol.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "world.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const test__transports[] = {"epoll", "uring"};

/* ---- sockets of another program ---- */

/* Binds to a free port of 127.0.0.1. `backlog` -1: does not listen. */
static int test__bind_v4(int type, int backlog)
{
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    require(fd >= 0);
    require(bind(fd, (const struct sockaddr *)&any, sizeof any) == 0);
    if (backlog >= 0) require(listen(fd, backlog) == 0);
    return fd;
}

static int test__bind_unix(const char *path, size_t path_bytes)
{
    struct sockaddr_un sockaddr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    require(fd >= 0);
    memcpy(sockaddr.sun_path, path, path_bytes);
    require(bind(fd, (const struct sockaddr *)&sockaddr,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_bytes)) == 0);
    require(listen(fd, 8) == 0);
    return fd;
}

static struct net_address test__address_of(int fd)
{
    struct net_inherited inherited;

    require_equal(net_read_inherited(fd, &inherited, NULL), WEIR_OK);
    return inherited.address;
}

static struct line *test__inherit(struct world *world, int fd)
{
    const struct net_listen_options options = {.inherited = fd, .address = test__address_of(fd)};
    struct line *listener = world_listen_on(world, &options);
    struct net_address here = line_address(listener);

    require(memcmp(&here, &options.address, sizeof here) == 0);
    return listener;
}

/* Requires that bytes pass in both directions between a new client and the listener's net. */
static void test__serve(struct world *world, struct line *listener, const struct net_address *at)
{
    struct line *client = world_start(world, at);

    world_until(world, client->connected_count == 1);
    struct line *line = world_adopt(world, line_take_socket(listener, NULL));
    client->in_seed = 1;
    line->in_seed = 2;
    line_sends_pattern(client, 2, 100000, 4, 4096);
    line_sends_pattern(line, 1, 100000, 4, 4096);
    line_receive(client, true);
    line_receive(line, true);
    world_until(world, client->in_position == 100000 && line->in_position == 100000);
    line_close(client);
    line_close(line);
    world_until(world, !client->is_open && !line->is_open);
}

/* ---- serving ---- */

static void an_inherited_listener_serves_on_every_net(void **state)
{
    static const int modes[] = {0, O_NONBLOCK}; /* as the other program left it */

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports) * COUNT_OF(modes); i++) {
        int fd = test__bind_v4(SOCK_STREAM, 8);
        struct net_address at = test__address_of(fd);
        require(fcntl(fd, F_SETFL, modes[i % 2]) == 0);
        world_transport = test__transports[i / 2];
        struct world *world = world_open(NULL), *other = world_open_beside(world, NULL);
        struct line *listeners[] = {test__inherit(world, fd), test__inherit(other, fd)};
        line_accept(listeners[0], true);
        test__serve(world, listeners[0], &at);
        line_accept(listeners[0], false);
        world_run_until_idle(world);
        line_accept(listeners[1], true);
        test__serve(other, listeners[1], &at);
        world_close(other);
        world_close(world);
        close(fd);
    }
}

/* The clients of a server that restarts wait in the socket. */
static void closing_leaves_the_socket_of_the_caller(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        int fd = test__bind_v4(SOCK_STREAM, 8);
        struct net_address at = test__address_of(fd);
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *listener = test__inherit(world, fd);
        line_accept(listener, true);
        line_close(listener);
        world_until(world, !listener->is_open);
        struct line *client = world_start(world, &at);
        world_until(world, client->connected_count == 1);
        listener = test__inherit(world, fd);
        line_accept(listener, true);
        world_adopt(world, line_take_socket(listener, NULL));
        world_close(world);
        close(fd);
    }
}

static void an_inherited_datagram_socket_receives_and_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        int fd = test__bind_v4(SOCK_DGRAM, -1);
        const struct net_listen_options options = {.inherited = fd,
                                                   .address = test__address_of(fd)};
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *client = world_bind(world, "127.0.0.1:0"), *line = world_line_for(world);
        struct net_address from = line_address(client);
        require_equal(net_bind(world->net, &options, line, &line->handle, NULL), WEIR_OK);
        line_receive(client, true);
        line_receive(line, true);
        require_equal(line_send_to(client, &options.address, NULL, "ask", 3, 0), WEIR_OK);
        world_until(world, line->got_count == 1);
        require_equal(line_send_to(line, &from, NULL, "answer", 6, 0), WEIR_OK);
        world_until(world, client->got_count == 1);
        require_equal(client->got[0].length, 6);
        require_equal(client->got[0].from.port, options.address.port);
        world_close(world);
        close(fd);
    }
}

static void the_file_of_an_inherited_listener_stays(void **state)
{
    char folder[] = "/tmp/weir-inherited-XXXXXX", path[64];

    (void)state;
    require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/socket", folder);
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        int fd = test__bind_unix(path, strlen(path) + 1);
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        const struct net_listen_options options = {.inherited = fd, .unix_path = path};
        struct line *listener = world_listen_on(world, &options), *client = world_line_for(world);
        const struct net_connect_options to = {.unix_path = path};
        line_accept(listener, true);
        client->connects = true;
        require_equal(net_connect(world->net, &to, client, &client->handle, NULL), WEIR_OK);
        world_until(world, client->connected_count == 1);
        world_adopt(world, line_take_socket(listener, NULL));
        world_close(world);
        close(fd);
        require(unlink(path) == 0); /* it was still there */
    }
    require(rmdir(folder) == 0);
}

static void a_descriptor_that_cannot_be_duplicated_is_an_error(void **state)
{
    char path[] = "/tmp/none";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        const struct net_listen_options tcp = {.inherited = 987654},
                                        local = {.inherited = 987654, .unix_path = path};
        struct net_handle handle;
        struct weir_error error;
        require(net_listen(world->net, &tcp, NULL, &handle, &error) != WEIR_OK);
        require(strstr(error.subject, "tcp ") != NULL);
        require(net_bind(world->net, &tcp, NULL, &handle, &error) != WEIR_OK);
        require(strstr(error.subject, "udp ") != NULL);
        require(net_listen(world->net, &local, NULL, &handle, &error) != WEIR_OK);
        require(strcmp(error.subject, "unix:/tmp/none") == 0);
        world_close(world);
    }
}

static void other_transports_inherit_none(void **state)
{
    int fd = test__bind_v4(SOCK_STREAM, 8);
    const struct net_listen_options options = {.inherited = fd, .address = test__address_of(fd)};
    struct net_handle handle;

    (void)state;
    world_transport = "simulated";
    struct world *world = world_open(NULL);
    require_equal(net_listen(world->net, &options, NULL, &handle, NULL), WEIR_UNSUPPORTED);
    require_equal(net_bind(world->net, &options, NULL, &handle, NULL), WEIR_UNSUPPORTED);
    world_close(world);
    close(fd);
}

/* ---- the public description ---- */

/* Requires that the descriptor is refused with a reason that contains `text`, and closes it. */
static void test__refused(int fd, const char *text)
{
    struct weir_address address;
    struct weir_error error;
    enum weir_proto proto;
    char line[512];

    require_equal(weir_descriptor_address(fd, &proto, &address, &error), WEIR_INVALID);
    weir_error_text(&error, line, sizeof line);
    if (!strstr(line, text)) require_failed(__FILE__, __LINE__, "%s", line);
    if (fd >= 0) close(fd);
}

static void other_descriptors_are_refused(void **state)
{
    (void)state;
    test__refused(987654, "EBADF");
    test__refused(open("/dev/null", O_RDONLY | O_CLOEXEC), "ENOTSOCK");
    test__refused(test__bind_v4(SOCK_STREAM, -1), "it does not listen");
    test__refused(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), "it is not bound");
    test__refused(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "it is neither TCP, UDP");
    test__refused(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), "it is neither TCP, UDP");
    test__refused(test__bind_unix("\0weir\0name", 10), "it is not bound"); /* no text has it */
}

static void a_descriptor_is_described(void **state)
{
    char name[32] = "", path[40];
    struct weir_address address;
    enum weir_proto proto;

    (void)state;
    int name_bytes = snprintf(name + 1, sizeof name - 1, "weir-%d", (int)getpid()) + 1;
    snprintf(path, sizeof path, "@%s", name + 1);
    int fds[] = {test__bind_v4(SOCK_STREAM, 1), test__bind_v4(SOCK_DGRAM, -1),
                 test__bind_unix(name, (size_t)name_bytes)};
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        require_equal(weir_descriptor_address(fds[i], &proto, &address, NULL), WEIR_OK);
        require_equal(proto, i == 1 ? WEIR_UDP : WEIR_TCP);
        require((address.port != 0) == (i < 2));
        require(strcmp(address.path, i < 2 ? "" : path) == 0);
        require_equal(address.path_bytes, strlen(address.path));
        close(fds[i]);
    }
}

/* ---- a server ---- */

static enum weir_code test__listen(struct weir_server *server, int fd, enum weir_proto proto,
                                   const char *address, struct weir_error *error)
{
    const struct weir_listen listen = {
        .size = sizeof listen, .proto = proto, .address = address, .descriptor = fd};

    return weir_server_listen(server, &listen, error);
}

static void a_server_takes_only_the_socket_of_its_address(void **state)
{
    int fd = test__bind_v4(SOCK_STREAM, 8);
    char right[32], wrong[] = "127.0.0.1:1";
    struct weir_server *server;
    struct weir_error error;

    (void)state;
    snprintf(right, sizeof right, "127.0.0.1:%u", test__address_of(fd).port);
    require_equal(weir_server_open(NULL, &server, &error), WEIR_OK);
    require_equal(test__listen(server, fd, WEIR_TCP, wrong, &error), WEIR_INVALID);
    require(strstr(error.reason, right) != NULL);
    require_equal(test__listen(server, fd, WEIR_UDP, right, &error), WEIR_INVALID);
    require(strstr(error.reason, "tcp ") != NULL);
    require_equal(test__listen(server, fd, WEIR_TCP, "unix:/tmp/weir", &error), WEIR_INVALID);
    require_equal(test__listen(server, 987654, WEIR_TCP, right, &error), WEIR_INVALID);
    require_equal(test__listen(server, fd, WEIR_TCP, right, &error), WEIR_OK);
    weir_server_free(server);
    require(listen(fd, 8) == 0); /* it is still open */
    close(fd);
}

/* One UDP socket has one worker, which therefore has all sessions of a peer. */
static void a_running_server_adds_and_removes_inherited_sockets(void **state)
{
    int fds[] = {test__bind_v4(SOCK_STREAM, 8), test__bind_v4(SOCK_DGRAM, -1)};
    char text[32];
    struct weir_server *server;
    struct weir_config config;
    struct weir_listener_info info;
    struct weir_error error;

    (void)state;
    weir_config_init(&config);
    config.workers = 2;
    require_equal(weir_server_open(&config, &server, &error), WEIR_OK);
    require_equal(test__listen(server, 0, WEIR_TCP, "127.0.0.1:0", &error), WEIR_OK);
    require_equal(weir_server_start(server, &error), WEIR_OK);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        snprintf(text, sizeof text, "127.0.0.1:%u", test__address_of(fds[i]).port);
        require_equal(test__listen(server, fds[i], i == 0 ? WEIR_TCP : WEIR_UDP, text, &error),
                      WEIR_OK);
        weir_server_listener(server, 1, &info);
        require_equal(info.workers, i == 0 ? 2 : 1);
        require_equal(info.address.port, test__address_of(fds[i]).port);
        require_equal(weir_server_unlisten(server, info.id, &error), WEIR_OK);
        close(fds[i]);
    }
    weir_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inherited_listener_serves_on_every_net),
        cmocka_unit_test(closing_leaves_the_socket_of_the_caller),
        cmocka_unit_test(an_inherited_datagram_socket_receives_and_answers),
        cmocka_unit_test(the_file_of_an_inherited_listener_stays),
        cmocka_unit_test(a_descriptor_that_cannot_be_duplicated_is_an_error),
        cmocka_unit_test(other_transports_inherit_none),
        cmocka_unit_test(other_descriptors_are_refused),
        cmocka_unit_test(a_descriptor_is_described),
        cmocka_unit_test(a_server_takes_only_the_socket_of_its_address),
        cmocka_unit_test(a_running_server_adds_and_removes_inherited_sockets),
    };

    return cmocka_run_group_tests_name("inherited", tests, NULL, NULL);
}
