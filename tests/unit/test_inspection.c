/* SPDX-License-Identifier: MIT */
/* test_inspection.c - the calls of a server for tools, log lines of the program, and the `open` and
 * `close` of handlers: real workers, real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "address.h"
#include "clock.h"
#include "memory_faults.h"
#include "plain_socket.h"
#include "require.h"
#include "thread.h"
#include "transport_alone.h"

#define PATIENCE_NS (UINT64_C(60) * 1000 * CLOCK_NS_PER_MS)

static struct weir_error error;

/* ---- handlers ---- */

static struct {
    uint32_t opens, closes;
    char arguments[4][32];
    int users[4];
    _Atomic(void *) user; /* of the session that was opened last */
    enum weir_code code;  /* that open returns */
} opened;

static enum weir_code open_handler(struct weir_server *server, const char *arguments, void **user,
                                   struct weir_error *why)
{
    assert_non_null(server);
    assert_ptr_equal(*user, &opened);
    if (opened.code != WEIR_OK) {
        snprintf(why->reason, sizeof why->reason, "it does not want '%s'", arguments);
        return opened.code;
    }
    snprintf(opened.arguments[opened.opens], sizeof opened.arguments[0], "%s", arguments);
    *user = &opened.users[opened.opens++];
    return WEIR_OK;
}

static void close_handler(struct weir_server *server, void *user)
{
    weir_log(server, WEIR_LOG_ERROR, "closed");
    opened.closes++;
    assert_ptr_equal(user, &opened.users[opened.opens - opened.closes]); /* the last one first */
}

static void note_user(struct weir_session *session)
{
    atomic_store(&opened.user, weir_session_user(session));
}

static const struct weir_handler handler_opened = {.size = sizeof(struct weir_handler),
                                                   .name = "opened",
                                                   .user = &opened,
                                                   .on_open = note_user,
                                                   .open = open_handler,
                                                   .close = close_handler};

/* ---- servers ---- */

static _Atomic uint32_t lines[5]; /* by level */
static char last_line[512];

static void count_line(void *user, enum weir_log_level level, const char *line)
{
    (void)user;
    snprintf(last_line, sizeof last_line, "%s", line);
    atomic_fetch_add(&lines[level], 1);
}

static struct weir_server *open_server(enum weir_log_level level)
{
    struct weir_config config;
    struct weir_server *server;

    memset(lines, 0, sizeof lines);
    weir_config_init(&config);
    config.transport = transport_alone_name();
    config.workers = 2;
    config.log = count_line;
    config.log_level = level;
    assert_int_equal(weir_server_open(&config, &server, &error), WEIR_OK);
    return server;
}

static enum weir_code listen_with(struct weir_server *server, const struct weir_handler *handler,
                                  const char *arguments)
{
    const struct weir_listen listen = {.size = sizeof listen,
                                       .proto = WEIR_TCP,
                                       .address = "127.0.0.1:0",
                                       .custom_handler = handler,
                                       .handler_arguments = arguments};

    return weir_server_listen(server, &listen, &error);
}

static plain_socket connect_to(const struct weir_server *server, size_t listener)
{
    plain_socket socket = plain_open(true, true, 0);
    uint64_t started_ns = clock_now_ns();
    struct weir_listener_info info;

    weir_server_listener(server, listener, &info);
    struct net_address address = address_of_public(&info.address);
    assert_true(plain_connect(socket, true, &address));
    while (plain_connected(socket) == PLAIN_WAIT)
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
    return socket;
}

/* Waits until the server has this many open sessions. */
static void wait_open(const struct weir_server *server, uint64_t count)
{
    uint64_t started_ns = clock_now_ns();
    struct weir_stats stats;

    do {
        thread_yield();
        weir_server_stats(server, &stats);
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
    } while (stats.open != count);
}

/* ---- open and close of handlers ---- */

static void a_handler_is_opened_once_per_arguments(void **state)
{
    struct weir_server *server = open_server(WEIR_LOG_ERROR);

    (void)state;
    memset(&opened, 0, sizeof opened);
    assert_int_equal(listen_with(server, &handler_opened, "a=1"), WEIR_OK);
    assert_int_equal(listen_with(server, &handler_opened, NULL), WEIR_OK);
    assert_int_equal(listen_with(server, NULL, NULL), WEIR_OK); /* echo */
    assert_int_equal(listen_with(server, &handler_opened, "a=1"), WEIR_OK);
    assert_int_equal(opened.opens, 2);
    assert_string_equal(opened.arguments[0], "a=1");
    assert_string_equal(opened.arguments[1], "");
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    for (size_t i = 0; i < 4; i++) {
        if (i == 2) continue;
        atomic_store(&opened.user, NULL);
        plain_socket client = connect_to(server, i);
        wait_open(server, 1);
        while (!atomic_load(&opened.user)) thread_yield();
        assert_ptr_equal(atomic_load(&opened.user), &opened.users[i == 1]);
        plain_close(client);
        wait_open(server, 0);
    }
    assert_int_equal(opened.closes, 0);
    weir_server_free(server);
    assert_int_equal(opened.closes, 2);
    assert_int_equal(lines[WEIR_LOG_ERROR], 2);
}

static void a_refused_open_is_an_error(void **state)
{
    struct weir_server *server = open_server(WEIR_LOG_ERROR);
    struct weir_handler without_close = handler_opened;
    char text[512];

    (void)state;
    memset(&opened, 0, sizeof opened);
    opened.code = WEIR_DENIED;
    assert_int_equal(listen_with(server, &handler_opened, "x"), WEIR_DENIED);
    assert_string_equal(weir_error_text(&error, text, sizeof text),
                        "cannot open handler opened: it does not want 'x'");
    assert_int_equal(weir_server_listen(server,
                                        &(struct weir_listen){.size = sizeof(struct weir_listen),
                                                              .address = "127.0.0.1:0",
                                                              .custom_handler = &handler_opened},
                                        NULL),
                     WEIR_DENIED);
    assert_int_equal(listen_with(server, NULL, ""), WEIR_OK);
    assert_int_equal(listen_with(server, NULL, "a"), WEIR_INVALID);
    assert_string_equal(weir_error_text(&error, text, sizeof text),
                        "cannot use handler echo: it takes no arguments; leave out '?' and what "
                        "follows");
    opened.code = WEIR_OK;
    memory_fail_nth(1, 0);
    assert_int_equal(listen_with(server, &handler_opened, "x"), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    without_close.close = NULL;
    assert_int_equal(listen_with(server, &without_close, "x"), WEIR_OK);
    assert_int_equal(weir_server_listeners_count(server), 2);
    weir_server_free(server);
    assert_int_equal(opened.closes, 0);
}

static enum weir_code return_nonsense(struct weir_server *server, const char *arguments,
                                      void **user, struct weir_error *why)
{
    (void)server, (void)arguments, (void)user, (void)why;
    return WEIR_CODES_COUNT;
}

static void listen_with_nonsense(void *server)
{
    struct weir_handler handler = handler_opened;

    handler.open = return_nonsense;
    listen_with(server, &handler, "");
}

/* ---- the log ---- */

static void log_without_a_level(void *server)
{
    weir_log(server, (enum weir_log_level)99, "text");
}

static void log_a_trace(void *server)
{
    weir_log(server, WEIR_LOG_TRACE, "text");
}

static void the_log_has_a_level(void **state)
{
    (void)state;
    for (int level = WEIR_LOG_ERROR; level <= WEIR_LOG_DETAIL; level++) {
        struct weir_server *server = open_server((enum weir_log_level)level);
        for (int i = WEIR_LOG_ERROR; i <= WEIR_LOG_DETAIL; i++)
            weir_log(server, (enum weir_log_level)i, "%s %d\n", "line", i);
        assert_int_equal(listen_with(server, NULL, NULL), WEIR_OK);
        assert_int_equal(weir_server_start(server, &error), WEIR_OK); /* it starts the log */
        weir_log(server, WEIR_LOG_ERROR, "%s %d\n", "last", level);
        weir_server_free(server);
        assert_int_equal(atomic_load(&lines[WEIR_LOG_ERROR]), 2);
        assert_int_equal(atomic_load(&lines[WEIR_LOG_DETAIL]), level == WEIR_LOG_DETAIL);
        assert_int_equal(atomic_load(&lines[WEIR_LOG_INFO]) > 0, level >= WEIR_LOG_INFO);
        assert_non_null(strchr(last_line, '?')); /* no second line */
    }
    struct weir_config config;
    struct weir_server *server;
    weir_config_init(&config);
    assert_int_equal(weir_server_open(&config, &server, &error), WEIR_OK);
    weir_log(server, WEIR_LOG_ERROR, "nothing receives it");
    weir_server_free(server);
}

/* ---- lists ---- */

static struct {
    _Atomic uint32_t count, ends;
    uint64_t cursor, id;
} listed;

static void take_session(void *user, const struct weir_session_info *info)
{
    (void)user;
    listed.id = info->id;
    atomic_fetch_add(&listed.count, 1);
}

static void take_end(void *user, uint64_t cursor)
{
    (void)user;
    listed.cursor = cursor;
    atomic_fetch_add(&listed.ends, 1);
}

static const struct weir_sessions_query all = {
    .size = sizeof all, .on_session = take_session, .on_end = take_end};

/* Asks, and waits for the answer. */
static void list_slice(struct weir_server *server, const struct weir_sessions_query *query)
{
    uint32_t before = atomic_load(&listed.ends);

    assert_int_equal(weir_sessions_list(server, query), WEIR_OK);
    while (atomic_load(&listed.ends) == before) thread_yield();
}

static void other_threads_list_the_sessions_of_all_workers(void **state)
{
    enum { CLIENTS = 8 };
    struct weir_server *server = open_server(WEIR_LOG_ERROR);
    struct weir_sessions_query query = all;
    plain_socket clients[CLIENTS];

    (void)state;
    memset(&listed, 0, sizeof listed);
    assert_int_equal(weir_server_workers_count(server), 0);
    assert_int_equal(weir_sessions_list(server, &all), WEIR_GONE);
    assert_int_equal(listen_with(server, NULL, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    assert_int_equal(weir_server_workers_count(server), 2);
    for (int i = 0; i < CLIENTS; i++) clients[i] = connect_to(server, 0);
    wait_open(server, CLIENTS);
    do {
        list_slice(server, &query);
        query.cursor = listed.cursor;
    } while (query.cursor != 0);
    assert_int_equal(listed.count, CLIENTS);
    query.id = listed.id;
    list_slice(server, &query);
    assert_int_equal(listed.count, CLIENTS + 1);
    query.id ^= UINT64_C(1) << 56; /* of another node */
    assert_int_equal(weir_sessions_list(server, &query), WEIR_GONE);
    query.id = UINT64_C(9) << 48; /* of a worker that does not exist */
    assert_int_equal(weir_sessions_list(server, &query), WEIR_GONE);
    query = all;
    query.size = 8;
    assert_int_equal(weir_sessions_list(server, &query), WEIR_INVALID);
    uint64_t sessions = 0;
    for (uint32_t i = 0; i < 2; i++) {
        struct weir_worker_stats stats;
        weir_server_worker_stats(server, i, &stats);
        assert_true(stats.loop_iterations > 0);
        sessions += stats.sessions;
    }
    assert_int_equal(sessions, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) plain_close(clients[i]);
    weir_server_stop(server);
    weir_server_wait(server);
    assert_int_equal(weir_sessions_list(server, &all), WEIR_GONE);
    weir_server_free(server);
}

/* ---- groups and frames ---- */

static void join_group(struct weir_session *session, const struct weir_message *message)
{
    assert_int_equal(weir_session_join(session, "all"), WEIR_OK);
    weir_session_send_back(session, message);
}

static struct {
    _Atomic uint32_t ends;
    uint64_t cursor;
    uint32_t groups, members;
} grouped;

static void take_group(void *user, const struct weir_group_info *info)
{
    (void)user;
    assert_string_equal(info->name, "all");
    grouped.groups++;
    grouped.members += info->members;
}

static void take_groups_end(void *user, uint64_t cursor)
{
    (void)user;
    grouped.cursor = cursor;
    atomic_fetch_add(&grouped.ends, 1);
}

static const struct weir_groups_query all_groups = {
    .size = sizeof all_groups, .on_group = take_group, .on_end = take_groups_end};

/* Lists all groups of this name, or all, on all workers. */
static void list_groups(struct weir_server *server, const char *name)
{
    struct weir_groups_query query = all_groups;

    query.group = name;
    grouped.groups = grouped.members = 0;
    do {
        uint32_t before = atomic_load(&grouped.ends);
        assert_int_equal(weir_groups_list(server, &query), WEIR_OK);
        while (atomic_load(&grouped.ends) == before) thread_yield();
        query.cursor = grouped.cursor;
    } while (query.cursor != 0);
}

static const struct weir_handler joining = {
    .size = sizeof(struct weir_handler), .name = "joining", .on_message = join_group};

/* Sends one byte, and waits for the answer. */
static void exchange(plain_socket client, const char *text)
{
    uint64_t started_ns = clock_now_ns();
    char bytes[16];

    plain_send(client, text, 1);
    while (plain_receive(client, bytes, sizeof bytes, false) == PLAIN_WAIT)
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
}

static void other_threads_list_the_groups_of_all_workers(void **state)
{
    enum { CLIENTS = 8 };
    struct weir_server *server = open_server(WEIR_LOG_ERROR);
    struct weir_groups_query query = all_groups;
    char long_name[WEIR_GROUP_NAME_BYTES_MAX + 2];
    plain_socket clients[CLIENTS];

    (void)state;
    assert_int_equal(weir_groups_list(server, &all_groups), WEIR_GONE);
    assert_int_equal(listen_with(server, &joining, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(server, 0);
        exchange(clients[i], "x");
    }
    list_groups(server, NULL);
    assert_int_equal(grouped.members, CLIENTS);
    assert_in_range(grouped.groups, 1, 2); /* one for each worker that has members */
    list_groups(server, "all");
    assert_int_equal(grouped.members, CLIENTS);
    list_groups(server, "others");
    assert_int_equal(grouped.groups, 0);
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    query.group = long_name;
    assert_int_equal(weir_groups_list(server, &query), WEIR_INVALID);
    query = all_groups;
    query.size = 8;
    assert_int_equal(weir_groups_list(server, &query), WEIR_INVALID);
    for (int i = 0; i < CLIENTS; i++) plain_close(clients[i]);
    weir_server_stop(server);
    weir_server_wait(server);
    assert_int_equal(weir_groups_list(server, &all_groups), WEIR_GONE);
    weir_server_free(server);
}

static struct {
    char received, sent; /* the first bytes of the last frames; 0: there is none */
    uint64_t received_count;
} frames;

static void take_frames(void *user, const struct weir_session_info *info)
{
    (void)user;
    listed.id = info->id;
    memset(&frames, 0, sizeof frames);
    if (info->received_frame) {
        frames.received = (char)info->received_frame->bytes[0];
        frames.received_count = info->received_frame->count;
    }
    if (info->sent_frame) frames.sent = (char)info->sent_frame->bytes[0];
}

static void other_threads_see_the_frames_of_a_session(void **state)
{
    struct weir_server *server = open_server(WEIR_LOG_ERROR);
    struct weir_sessions_query query = all;

    (void)state;
    query.on_session = take_frames;
    assert_int_equal(listen_with(server, &joining, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    plain_socket client = connect_to(server, 0);
    exchange(client, "a");
    listed.id = 0;
    while (listed.id == 0) {
        list_slice(server, &query);
        query.cursor = listed.cursor;
    }
    query.id = listed.id;
    assert_int_equal(weir_session_watch(server, query.id, 600000), WEIR_OK);
    list_slice(server, &query);
    assert_int_equal(frames.received, 0); /* it came before */
    exchange(client, "b");
    list_slice(server, &query);
    assert_int_equal(frames.received, 'b');
    assert_int_equal(frames.sent, 'b');
    assert_int_equal(frames.received_count, 1);
    assert_int_equal(weir_session_watch(server, query.id ^ 1, 1000), WEIR_GONE);
    assert_int_equal(weir_session_watch(server, query.id ^ UINT64_C(1) << 56, 1000), WEIR_GONE);
    plain_close(client);
    weir_server_free(server);
}

/* ---- the longest iteration ---- */

#define BLOCKED_NS (30 * CLOCK_NS_PER_MS)

static void block(struct weir_session *session, const struct weir_message *message)
{
    uint64_t began_ns = clock_now_ns();

    while (clock_now_ns() - began_ns < BLOCKED_NS) thread_yield();
    weir_session_send_back(session, message);
}

static void a_handler_that_blocks_is_seen(void **state)
{
    static const struct weir_handler blocking = {
        .size = sizeof(struct weir_handler), .name = "blocking", .on_message = block};
    struct weir_server *server = open_server(WEIR_LOG_ERROR);
    struct weir_worker_stats stats[2] = {{.sessions = 0}};
    uint64_t started_ns = clock_now_ns();
    char bytes[16];

    (void)state;
    assert_int_equal(listen_with(server, &blocking, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    plain_socket client = connect_to(server, 0);
    while (stats[0].iteration_max_ns < BLOCKED_NS && stats[1].iteration_max_ns < BLOCKED_NS) {
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
        plain_send(client, "x", 1);
        while (plain_receive(client, bytes, sizeof bytes, false) == PLAIN_WAIT) thread_yield();
        for (uint32_t i = 0; i < 2; i++) weir_server_worker_stats(server, i, &stats[i]);
    }
    plain_close(client);
    weir_server_free(server);
}

/* ---- histograms ---- */

/* Sends one byte after the other, until the handler of a listener was measured. */
static void run_until_measured(const struct weir_server *server, uint32_t listener,
                               plain_socket client)
{
    struct weir_histogram times = {.count = 0};
    uint64_t started_ns = clock_now_ns();
    char bytes[16];

    while (times.count == 0) {
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
        plain_send(client, "x", 1);
        while (plain_receive(client, bytes, sizeof bytes, false) == PLAIN_WAIT) thread_yield();
        assert_int_equal(weir_server_histogram(server, WEIR_HISTOGRAM_HANDLER, listener, &times),
                         WEIR_OK);
    }
    assert_true(weir_histogram_percentile_ns(&times, 500) >= BLOCKED_NS * 9 / 10);
    assert_true(times.sum_ns >= times.count * BLOCKED_NS);
}

static void a_server_has_histograms(void **state)
{
    static const struct weir_handler blocking = {
        .size = sizeof(struct weir_handler), .name = "blocking", .on_message = block};
    struct weir_server *server = open_server(WEIR_LOG_ERROR);
    struct weir_histogram times, sum;
    struct weir_listener_info info;

    (void)state;
    assert_int_equal(weir_server_histogram(server, WEIR_HISTOGRAM_ITERATION, 0, &times), WEIR_GONE);
    assert_int_equal(listen_with(server, NULL, NULL), WEIR_OK);
    assert_int_equal(listen_with(server, &blocking, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    plain_socket client = connect_to(server, 1);
    wait_open(server, 1);
    weir_server_listener(server, 0, &info);
    assert_int_equal(info.sessions, 0);
    weir_server_listener(server, 1, &info);
    assert_int_equal(info.sessions, 1);
    assert_int_equal(info.sessions_max, UINT32_MAX);
    run_until_measured(server, info.id, client);
    /* The other listener's handler, and that of outbound sessions, were not called. */
    weir_server_histogram(server, WEIR_HISTOGRAM_HANDLER, 1, &times);
    assert_int_equal(times.count, 0);
    assert_int_equal(weir_server_histogram(server, WEIR_HISTOGRAM_HANDLER, 0, &times), WEIR_OK);
    assert_int_equal(times.count, 0);
    memset(&sum, 0, sizeof sum);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(weir_server_histogram(server, WEIR_HISTOGRAM_ITERATION, i, &times),
                         WEIR_OK);
        sum.count += times.count;
    }
    assert_true(sum.count > 0);
    assert_int_equal(
        weir_server_histogram(server, WEIR_HISTOGRAM_ITERATION, WEIR_WORKERS_ALL, &times), WEIR_OK);
    assert_true(times.count >= sum.count);
    assert_int_equal(weir_server_histogram(server, WEIR_HISTOGRAM_OPENING, 1, &times), WEIR_OK);
    assert_int_equal(times.count, 0);
    assert_int_equal(times.buckets_count, 72);
    assert_int_equal(weir_server_histogram(server, WEIR_HISTOGRAM_OPENING, 2, &times), WEIR_GONE);
    assert_int_equal(times.buckets_count, 0);
    assert_int_equal(weir_server_histogram(server, WEIR_HISTOGRAM_HANDLER, 9, &times), WEIR_GONE);
    assert_int_equal(weir_server_histogram(server, (enum weir_histogram_kind)9, 0, &times),
                     WEIR_INVALID);
    plain_close(client);
    weir_server_free(server);
}

/* ---- misuse ---- */

static void list_without_callbacks(void *server)
{
    struct weir_sessions_query query = all;

    query.on_end = NULL;
    weir_sessions_list(server, &query);
}

static void list_without_sessions(void *server)
{
    struct weir_sessions_query query = all;

    query.on_session = NULL;
    weir_sessions_list(server, &query);
}

static void list_too_many(void *server)
{
    struct weir_sessions_query query = all;

    query.count_max = WEIR_SESSIONS_PER_SLICE_MAX + 1;
    weir_sessions_list(server, &query);
}

static void list_groups_without_an_end(void *server)
{
    struct weir_groups_query query = all_groups;

    query.on_end = NULL;
    weir_groups_list(server, &query);
}

static void list_groups_without_groups(void *server)
{
    struct weir_groups_query query = all_groups;

    query.on_group = NULL;
    weir_groups_list(server, &query);
}

static void list_too_many_groups(void *server)
{
    struct weir_groups_query query = all_groups;

    query.count_max = WEIR_GROUPS_PER_SLICE_MAX + 1;
    weir_groups_list(server, &query);
}

static void ask_for_no_worker(void *server)
{
    struct weir_worker_stats stats;

    weir_server_worker_stats(server, 0, &stats);
}

static void misuse_is_named(void **state)
{
    struct weir_server *server = open_server(WEIR_LOG_ERROR);

    (void)state;
    require_death(list_without_callbacks, server, "a weir_sessions_query has both callbacks");
    require_death(list_without_sessions, server, "a weir_sessions_query has both callbacks");
    require_death(list_too_many, server,
                  "weir_sessions_query.count_max is at most WEIR_SESSIONS_PER_SLICE_MAX");
    require_death(list_groups_without_an_end, server, "a weir_groups_query has both callbacks");
    require_death(list_groups_without_groups, server, "a weir_groups_query has both callbacks");
    require_death(list_too_many_groups, server,
                  "weir_groups_query.count_max is at most WEIR_GROUPS_PER_SLICE_MAX");
    require_death(ask_for_no_worker, server, "the index is below weir_server_workers_count");
    require_death(log_without_a_level, server,
                  "weir_log takes a level from WEIR_LOG_ERROR to WEIR_LOG_DETAIL");
    require_death(log_a_trace, server,
                  "weir_log takes a level from WEIR_LOG_ERROR to WEIR_LOG_DETAIL");
    require_death(listen_with_nonsense, server, "open of a weir_handler returns an enum weir_code");
    weir_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_is_opened_once_per_arguments),
        cmocka_unit_test(a_refused_open_is_an_error),
        cmocka_unit_test(the_log_has_a_level),
        cmocka_unit_test(other_threads_list_the_sessions_of_all_workers),
        cmocka_unit_test(other_threads_list_the_groups_of_all_workers),
        cmocka_unit_test(other_threads_see_the_frames_of_a_session),
        cmocka_unit_test(a_handler_that_blocks_is_seen),
        cmocka_unit_test(a_server_has_histograms),
        cmocka_unit_test(misuse_is_named),
    };

    return cmocka_run_group_tests_name("inspection", tests, NULL, NULL);
}
