/* SPDX-License-Identifier: MIT */
/* test_unix_sockets.c - Unix-domain listeners and connections, on every transport of Linux.
 *
 * Requirements: a connection is as one of TCP; a stale file is replaced, and nothing else is ever
 * removed; the file goes with its listener.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "address.h"
#include "linux_unix.h"
#include "world.h"

#define TEST__BYTES 400000u
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const test__transports[] = {"epoll", "uring"};

static char test__folder[64];
static char test__path[96];

static int test__set_up(void **state)
{
    (void)state;
    snprintf(test__folder, sizeof test__folder, "/tmp/weir-unix-XXXXXX");
    require(mkdtemp(test__folder) != NULL);
    snprintf(test__path, sizeof test__path, "%s/socket", test__folder);
    return 0;
}

/* Requires that the folder is empty. */
static int test__tear_down(void **state)
{
    (void)state;
    require(rmdir(test__folder) == 0);
    return 0;
}

static bool test__exists(const char *path)
{
    struct stat found;

    return lstat(path, &found) == 0;
}

/* ---- helpers over a world ---- */

static struct line *test__listen(struct world *world, const char *path, uint32_t backlog)
{
    const struct net_listen_options options = {.unix_path = path, .backlog = backlog};
    struct line *listener = world_listen_on(world, &options);

    line_accept(listener, true);
    return listener;
}

static struct line *test__connect(struct world *world, const char *path)
{
    const struct net_connect_options options = {.unix_path = path};
    struct line *line = world_line_for(world);
    struct weir_error error;
    char text[512];

    line->connects = true;
    if (net_connect(world->net, &options, line, &line->handle, &error) != WEIR_OK)
        require_failed(__FILE__, __LINE__, "%s", weir_error_text(&error, text, sizeof text));
    return line;
}

static void test__close(struct line *line)
{
    line_close(line);
    world_until(line->world, !line->is_open);
}

/* A listener of another program. */
static int test__bind(const char *path, int type, int backlog)
{
    struct sockaddr_un sockaddr;
    socklen_t length = linux_unix_sockaddr(path, &sockaddr);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    require(fd >= 0);
    require(bind(fd, (const struct sockaddr *)&sockaddr, length) == 0);
    if (backlog >= 0) require(listen(fd, backlog) == 0);
    return fd;
}

static enum weir_code test__try_listen(struct world *world, const char *path)
{
    const struct net_listen_options options = {.unix_path = path, .backlog = 8};
    struct net_handle handle;
    struct weir_error error = {.code = WEIR_OK};
    enum weir_code code = net_listen(world->net, &options, NULL, &handle, &error);

    require_equal(code, error.code);
    require(code == WEIR_OK || strncmp(error.subject, "unix:", 5) == 0);
    require(code == WEIR_OK || error.hint[0] != '\0');
    return code;
}

/* Sends in both directions over two lines, to the end. */
static void test__exchange(struct line *a, struct line *b)
{
    a->in_seed = 1;
    b->in_seed = 2;
    a->out_finishes = b->out_finishes = true;
    line_sends_pattern(a, 2, TEST__BYTES, 4, 4096);
    line_sends_pattern(b, 1, TEST__BYTES, 16, 4096);
    line_receive(a, true);
    line_receive(b, true);
    world_begin(a->world);
    while (a->peer_done_count + b->peer_done_count < 2) {
        world_iterate_on(a->world, "both streams end", __FILE__, __LINE__);
        if (b->world != a->world) world_iterate_until(b->world, 0);
    }
    require_equal(a->in_position, TEST__BYTES);
    require_equal(b->in_position, TEST__BYTES);
}

/* ---- connections ---- */

static void a_connection_is_complete_in_both_directions(void **state)
{
    static const struct net_address none;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *listener = test__listen(world, test__path, 8);
        struct line *line = test__connect(world, test__path);
        struct net_address peer = {.port = 1};
        world_until(world, line->connected_count == 1);
        struct line *far = world_adopt(world, line_take_socket(listener, &peer));
        require(memcmp(&peer, &none, sizeof none) == 0);
        require(memcmp(&line->local, &none, sizeof none) == 0);
        test__exchange(line, far);
        world_close(world);
        require(!test__exists(test__path));
    }
}

/* Workers do not share such a listener: one accepts, and another one adopts. */
static void a_connection_is_handed_to_another_worker(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL), *other = world_open_beside(world, NULL);
        struct line *listener = test__listen(world, test__path, 8);
        require_equal(test__try_listen(other, test__path), WEIR_ADDRESS_IN_USE);
        for (int k = 0; k < 3; k++) { /* the attempt above has left no connection */
            struct line *line = test__connect(world, test__path);
            world_until(world, line->connected_count == 1);
            test__exchange(line, world_adopt(other, line_take_socket(listener, NULL)));
        }
        world_close(other);
        world_close(world);
    }
}

static void a_socket_can_be_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *listener = test__listen(world, test__path, 8);
        struct line *line = test__connect(world, test__path);
        world_until(world, line->connected_count == 1);
        net_refuse(world->net, line_take_socket(listener, NULL));
        line_receive(line, true);
        world_until(world, line->peer_done_count + line->broken_count > 0);
        world_close(world);
    }
}

static void an_abstract_name_has_no_file(void **state)
{
    char name[96];

    (void)state;
    snprintf(name, sizeof name, "@%s", test__path + 1);
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *listener = test__listen(world, name, 8);
        require_equal(test__try_listen(world, name), WEIR_ADDRESS_IN_USE);
        struct line *line = test__connect(world, name);
        world_until(world, line->connected_count == 1);
        test__exchange(line, world_adopt(world, line_take_socket(listener, NULL)));
        test__close(listener);
        line = test__connect(world, name);
        world_until(world, line->broken_count == 1);
        require_equal(line->broken_code, WEIR_REFUSED);
        world_close(world);
    }
}

static void a_missing_listener_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *line = test__connect(world, test__path);
        world_until(world, line->broken_count == 1);
        require_equal(line->broken_code, WEIR_UNREACHABLE);
        close(test__bind(test__path, SOCK_STREAM, 1)); /* its file stays */
        line = test__connect(world, test__path);
        world_until(world, line->broken_count == 1);
        require_equal(line->broken_code, WEIR_REFUSED);
        require(unlink(test__path) == 0);
        world_close(world);
    }
}

/* The system refuses such an attempt for the moment (EAGAIN), or blocks it. */
static void an_attempt_waits_for_room_in_the_backlog(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        int fd = test__bind(test__path, SOCK_STREAM, 0), accepted;
        struct line *lines[4];
        uint32_t waiting_count = 0;
        for (size_t k = 0; k < COUNT_OF(lines); k++) lines[k] = test__connect(world, test__path);
        world_run_until_idle(world);
        for (size_t k = 0; k < COUNT_OF(lines); k++) waiting_count += lines[k]->connects;
        require_equal(waiting_count, COUNT_OF(lines) - 1);
        require_equal(test__try_listen(world, test__path), WEIR_ADDRESS_IN_USE); /* it is live */
        require(lines[3]->connects);
        test__close(lines[3]);
        require_equal(lines[3]->connected_count + lines[3]->broken_count, 0);
        for (int k = 0; k < 3; k++) {
            require((accepted = accept(fd, NULL, NULL)) >= 0); /* blocks until one arrives */
            close(accepted);
            world_until(world, lines[0]->connected_count + lines[1]->connected_count +
                                       lines[2]->connected_count >=
                                   (k < 2 ? (uint32_t)k + 2 : 3));
        }
        require_equal(world->paused_count, 0); /* only the answer is reported */
        close(fd);
        world_close(world);
        require(unlink(test__path) == 0);
    }
}

static void progress_grows_while_the_peer_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        int fd = test__bind(test__path, SOCK_STREAM, 8);
        struct line *line = test__connect(world, test__path);
        static uint8_t bytes[65536];
        world_until(world, line->connected_count == 1);
        int far = accept(fd, NULL, NULL);
        require(far >= 0);
        line_sends_pattern(line, 3, UINT64_C(1) << 30, 16, 4096);
        world_run_until_idle(world);
        require(line->send_out);
        for (int k = 0; k < 20; k++) {
            struct net_progress before = line_progress(line), after;
            require(before.undelivered_bytes > 0);
            line->out_total = line->out_position; /* the measured send is the last one */
            for (size_t got = 0; got < 3 * sizeof bytes;) {
                ssize_t count = recv(far, bytes, sizeof bytes, MSG_DONTWAIT);
                if (count <= 0) break;
                got += (size_t)count;
                if (line->send_out) world_iterate_until(world, 0);
            }
            after = line_progress(line);
            if (line->send_out)
                require((int64_t)(after.acknowledged_bytes - before.acknowledged_bytes) > 0);
            line->out_total = UINT64_C(1) << 30;
            world_run_until_idle(world);
        }
        close(far);
        close(fd);
        world_close(world);
        require(unlink(test__path) == 0);
    }
}

/* ---- files ---- */

static void a_stale_file_is_replaced(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        close(test__bind(test__path, SOCK_STREAM, 1));
        require(test__exists(test__path));
        struct line *listener = test__listen(world, test__path, 8);
        struct line *line = test__connect(world, test__path);
        world_until(world, line->connected_count == 1);
        test__close(listener);
        require(!test__exists(test__path));
        world_close(world);
    }
}

static void the_file_of_a_live_listener_stays(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

    (void)state;
    world_transport = "epoll";
    struct world *world = world_open(NULL);
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        int fd = test__bind(test__path, types[i], types[i] == SOCK_DGRAM ? -1 : 1);
        require_equal(test__try_listen(world, test__path), WEIR_ADDRESS_IN_USE);
        require(test__exists(test__path));
        close(fd);
        require(unlink(test__path) == 0);
    }
    world_close(world);
}

static void other_kinds_of_files_stay(void **state)
{
    char other[96];

    (void)state;
    world_transport = "epoll";
    struct world *world = world_open(NULL);
    int fd = open(test__path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, "weir", 4) == 4);
    close(fd);
    require_equal(test__try_listen(world, test__path), WEIR_ADDRESS_IN_USE);
    struct stat found;
    require(stat(test__path, &found) == 0 && found.st_size == 4);
    require(unlink(test__path) == 0);
    require(mkdir(test__path, 0700) == 0);
    require_equal(test__try_listen(world, test__path), WEIR_ADDRESS_IN_USE);
    require(rmdir(test__path) == 0);
    require(mkfifo(test__path, 0600) == 0);
    require_equal(test__try_listen(world, test__path), WEIR_ADDRESS_IN_USE);
    require(unlink(test__path) == 0);
    snprintf(other, sizeof other, "%s/other", test__folder); /* a link to a stale socket */
    close(test__bind(other, SOCK_STREAM, 1));
    require(symlink(other, test__path) == 0);
    require_equal(test__try_listen(world, test__path), WEIR_ADDRESS_IN_USE);
    require(test__exists(other));
    require(unlink(test__path) == 0 && unlink(other) == 0);
    world_close(world);
}

static void a_file_that_is_no_longer_its_own_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *listener = test__listen(world, test__path, 8);
        require(unlink(test__path) == 0);
        int fd = test__bind(test__path, SOCK_STREAM, 1);
        test__close(listener);
        require(test__exists(test__path));
        close(fd);
        struct line *next = test__listen(world, test__path, 8);
        require(unlink(test__path) == 0); /* gone already */
        test__close(next);
        world_close(world);
    }
}

static void the_file_has_the_mode_that_was_asked_for(void **state)
{
    static const struct {
        mode_t mask;
        uint32_t mode;
        mode_t expected;
    } cases[] = {{077, 0660, 0660}, {0, 0600, 0600}, {027, 0, 0750}, {022, 0777, 0777}};

    (void)state;
    world_transport = "uring";
    struct world *world = world_open(NULL);
    mode_t before = umask(0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct net_listen_options options = {
            .unix_path = test__path, .unix_mode = cases[i].mode, .backlog = 1};
        struct stat found;
        umask(cases[i].mask);
        struct line *listener = world_listen_on(world, &options);
        require(stat(test__path, &found) == 0);
        require_equal(found.st_mode & 07777, cases[i].expected);
        test__close(listener);
    }
    umask(before);
    world_close(world);
}

static void a_path_that_cannot_be_used_is_an_error(void **state)
{
    char path[160];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct net_connect_options options = {.unix_path = path};
        struct net_handle handle;
        struct weir_error error;
        memset(path, 'a', sizeof path);
        path[108] = '\0';
        require_equal(test__try_listen(world, path), WEIR_INVALID);
        require_equal(net_connect(world->net, &options, NULL, &handle, &error), WEIR_INVALID);
        require_equal(test__try_listen(world, ""), WEIR_INVALID);
        snprintf(path, sizeof path, "%s/missing/socket", test__folder);
        require(test__try_listen(world, path) != WEIR_OK);
        world_close(world);
    }
}

static void other_transports_have_none(void **state)
{
    const struct net_connect_options options = {.unix_path = "/tmp/weir"};
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    world_transport = "simulated";
    struct world *world = world_open(NULL);
    require(!net_info(world->net).has_unix);
    require_equal(test__try_listen(world, "/tmp/weir"), WEIR_UNSUPPORTED);
    require_equal(net_connect(world->net, &options, NULL, &handle, &error), WEIR_UNSUPPORTED);
    world_close(world);
}

/* ---- several processes ---- */

#define TEST__PROCESSES 5
#define TEST__LISTENS 0
#define TEST__IN_USE 1
#define TEST__OTHER 2

/* Listens as soon as `start` is closed, reports the outcome by a byte, and holds the listener until
 * `hold` is closed. */
static void test__compete(int start, int report, int hold)
{
    struct net_options options;
    const struct net_listen_options where = {.unix_path = test__path, .backlog = 1};
    struct net *net;
    struct net_handle handle;
    uint8_t outcome = TEST__OTHER, byte;

    net_options_init(&options);
    options.transport = "epoll";
    bool is_open = net_open(&options, &net, NULL) == WEIR_OK;
    while (read(start, &byte, 1) > 0) continue;
    if (is_open) {
        enum weir_code code = net_listen(net, &where, NULL, &handle, NULL);
        outcome = code == WEIR_OK               ? TEST__LISTENS
                  : code == WEIR_ADDRESS_IN_USE ? TEST__IN_USE
                                                : TEST__OTHER;
    }
    if (write(report, &outcome, 1) != 1) _exit(1);
    while (read(hold, &byte, 1) > 0) continue;
    _exit(0); /* the file stays, as after a crash */
}

static void of_several_processes_exactly_one_replaces_a_stale_file(void **state)
{
    (void)state;
    close(test__bind(test__path, SOCK_STREAM, 1));
    for (int round = 0; round < 15; round++) {
        int start[2], report[2], hold[2], status;
        uint32_t counts[3] = {0};
        require(pipe2(report, O_CLOEXEC) == 0 && pipe2(hold, O_CLOEXEC) == 0);
        require(pipe2(start, O_CLOEXEC) == 0);
        for (int i = 0; i < TEST__PROCESSES; i++) {
            pid_t child = fork();
            require(child >= 0);
            if (child > 0) continue;
            close(start[1]);
            close(hold[1]);
            test__compete(start[0], report[1], hold[0]);
        }
        close(start[1]);
        for (int i = 0; i < TEST__PROCESSES; i++) {
            uint8_t outcome;
            require(read(report[0], &outcome, 1) == 1);
            require(outcome < 3);
            counts[outcome]++;
        }
        require_equal(counts[TEST__LISTENS], 1);
        require_equal(counts[TEST__IN_USE], TEST__PROCESSES - 1);
        close(hold[1]);
        for (int i = 0; i < TEST__PROCESSES; i++) require(wait(&status) > 0 && status == 0);
        close(start[0]);
        close(hold[0]);
        close(report[0]);
        close(report[1]);
    }
    require(unlink(test__path) == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test__set_up, test__tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_connection_is_complete_in_both_directions),
        TEST(a_connection_is_handed_to_another_worker),
        TEST(a_socket_can_be_refused),
        TEST(an_abstract_name_has_no_file),
        TEST(a_missing_listener_refuses),
        TEST(an_attempt_waits_for_room_in_the_backlog),
        TEST(progress_grows_while_the_peer_reads),
        TEST(a_stale_file_is_replaced),
        TEST(the_file_of_a_live_listener_stays),
        TEST(other_kinds_of_files_stay),
        TEST(a_file_that_is_no_longer_its_own_stays),
        TEST(the_file_has_the_mode_that_was_asked_for),
        TEST(a_path_that_cannot_be_used_is_an_error),
        TEST(other_transports_have_none),
        TEST(of_several_processes_exactly_one_replaces_a_stale_file),
    };

    return cmocka_run_group_tests_name("unix_sockets", tests, NULL, NULL);
}
