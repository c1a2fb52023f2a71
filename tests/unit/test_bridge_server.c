/* SPDX-License-Identifier: MIT */
/* test_bridge_server.c - a server with a bridge: which bridges it accepts, calls for other nodes,
 * calls before the start and after the end, and several workers, threads and a bridge's thread that
 * call at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/bridge.h>

#include "address.h"
#include "atomic.h"
#include "clock.h"
#include "plain_socket.h"
#include "recording_bridge.h"
#include "require.h"
#include "thread.h"

#define NODE 3u
#define WORKERS 4u
#define CLIENTS 12u
#define ROUNDS 200u
#define SENDERS 3u
#define BROADCASTS 300u
#define ELSEWHERE (UINT64_C(7) << 56 | 1u << 24) /* a session of node 7 */

static struct weir_server *server;
static struct weir_error error;

static void open_server(const struct weir_handler *handler, uint32_t workers)
{
    const struct weir_listen listen = {
        .size = sizeof listen, .address = "127.0.0.1:0", .custom_handler = handler};
    struct weir_config config;

    weir_config_init(&config);
    config.workers = workers;
    config.node = NODE;
    require(weir_server_open(&config, &server, NULL) == WEIR_OK);
    require(weir_server_listen(server, &listen, NULL) == WEIR_OK);
}

static void open_recorded(void)
{
    memset(&recording, 0, sizeof recording);
    open_server(&recording_handler, 1);
    assert_int_equal(weir_server_set_bridge(server, &recording_bridge, &error), WEIR_OK);
}

/* ---- which bridges ---- */

static void a_bridge_has_all_callbacks(void **state)
{
    (void)state;
    open_server(&recording_handler, 1);
    for (size_t at = offsetof(struct weir_bridge, on_broadcast); at < sizeof(struct weir_bridge);
         at += sizeof(void (*)(void))) {
        struct weir_bridge bridge = recording_bridge;
        memset((char *)&bridge + at, 0, sizeof(void (*)(void)));
        assert_int_equal(weir_server_set_bridge(server, &bridge, &error), WEIR_INVALID);
        assert_string_equal(error.reason, "a callback is null");
    }
    struct weir_bridge bridge = recording_bridge;
    bridge.size = 0;
    assert_int_equal(weir_server_set_bridge(server, &bridge, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "weir_bridge");
    weir_server_free(server);
}

static void a_server_has_one_bridge_from_before_its_start(void **state)
{
    (void)state;
    open_recorded();
    assert_int_equal(weir_server_set_bridge(server, &recording_bridge, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "it has one");
    weir_server_free(server);
    open_server(&recording_handler, 1);
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    assert_int_equal(weir_server_set_bridge(server, &recording_bridge, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "the server has started");
    assert_int_equal(weir_send(server, ELSEWHERE, "a", 1), WEIR_GONE); /* no bridge */
    assert_int_equal(weir_send_name(server, "ada", "a", 1), WEIR_GONE);
    assert_int_equal(weir_abort(server, ELSEWHERE), WEIR_GONE);
    weir_server_free(server);
}

/* ---- calls for other nodes ---- */

static void calls_by_id_reach_other_nodes(void **state)
{
    (void)state;
    open_recorded();
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    assert_int_equal(weir_send(server, ELSEWHERE, "hello", 5), WEIR_OK);
    assert_int_equal(recording.id, ELSEWHERE);
    assert_int_equal(weir_finish(server, ELSEWHERE), WEIR_UNREACHABLE); /* the bridge's result */
    assert_int_equal(weir_abort(server, ELSEWHERE + 1), WEIR_UNREACHABLE);
    assert_int_equal(recording.id, ELSEWHERE + 1);
    recording_expect("send hello\nfinish\nabort\n");
    assert_int_equal(weir_send_name(server, "ada", "hi", 2), WEIR_MAILBOX_FULL);
    recording_expect("send ada hi\n");
    weir_server_free(server);
}

static void other_calls_stay_on_this_node(void **state)
{
    (void)state;
    open_recorded();
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    assert_int_equal(weir_send(server, 0, "a", 1), WEIR_GONE); /* of a transient session */
    assert_int_equal(weir_send(server, (uint64_t)NODE << 56 | 1u << 24, "a", 1), WEIR_GONE);
    assert_int_equal(weir_send(server, (uint64_t)NODE << 56 | UINT64_C(9) << 48, "a", 1),
                     WEIR_GONE); /* there is no such worker */
    assert_int_equal(weir_finish(server, 0), WEIR_GONE);
    assert_int_equal(weir_release(server, ELSEWHERE), WEIR_GONE);
    assert_int_equal(weir_resume(server, ELSEWHERE), WEIR_GONE);
    assert_int_equal(weir_session_watch(server, ELSEWHERE, 1), WEIR_GONE);
    assert_int_equal(weir_send_name(server, "", "a", 1), WEIR_GONE);
    assert_int_equal(weir_bridge_send_name(server, "ada", "a", 1), WEIR_GONE);
    recording_expect("");
    weir_server_free(server);
}

/* ---- when ---- */

static void count_nothing(const struct weir_group_members *count, void *argument)
{
    (void)argument;
    (void)count;
}

static void the_bridge_calls_at_any_time(void **state)
{
    (void)state;
    open_recorded();
    assert_int_equal(weir_bridge_node(server), NODE);
    assert_false(weir_bridge_draining(server));
    assert_int_equal(weir_bridge_broadcast(server, "room", "a", 1, 0), WEIR_GONE);
    assert_int_equal(weir_bridge_send_name(server, "ada", "a", 1), WEIR_GONE);
    assert_int_equal(weir_bridge_evict(server, "ada", 1), WEIR_OK);
    assert_int_equal(weir_bridge_group_count(server, "room", 0, count_nothing, NULL), WEIR_GONE);
    assert_int_equal(weir_send(server, (uint64_t)NODE << 56 | 1u << 24, "a", 1), WEIR_GONE);
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    assert_int_equal(weir_bridge_broadcast(server, "room", "a", 1, 0), WEIR_OK);
    assert_int_equal(weir_bridge_broadcast(server, "", "a", 1, 0), WEIR_INVALID);
    weir_server_stop(server);
    assert_true(weir_bridge_draining(server));
    weir_server_wait(server);
    assert_int_equal(weir_bridge_broadcast(server, "room", "a", 1, 0), WEIR_OK);
    assert_int_equal(weir_bridge_evict(server, "ada", 1), WEIR_OK);
    assert_int_equal(weir_bridge_group_count(server, "room", 0, count_nothing, NULL), WEIR_GONE);
    recording_expect("");
    weir_server_free(server);
}

/* ---- many threads ---- */

/* A session that holds a name, as the bridge knows it. */
struct holder {
    char name; /* '\0': none */
    uint64_t id;
};

static struct {
    struct lock *lock; /* protects all but the atomics */
    struct holder holders[CLIENTS * 4];
    uint32_t rooms_open, begins;
    uint32_t last[SENDERS]; /* number of the last broadcast of each thread */
    struct weir_bridge_count *asked[64];
    uint32_t asked_count;
    _Atomic uint32_t counts_asked, counts_reported, names_bound;
    _Atomic bool stops;
} all;

static void all_on_broadcast(void *user, const char *group, const void *bytes, size_t length,
                             uint64_t except_id)
{
    char text[32];
    unsigned sender, number;

    (void)user, (void)group, (void)except_id;
    snprintf(text, sizeof text, "%.*s", (int)length, (const char *)bytes);
    require(sscanf(text, "%u %u", &sender, &number) == 2);
    lock_take(all.lock);
    require_equal(number, all.last[sender] + 1); /* each once, and in order */
    all.last[sender] = number;
    lock_give_back(all.lock);
}

static enum weir_code all_on_send(void *user, uint64_t id, const void *bytes, size_t length)
{
    (void)user, (void)id, (void)bytes, (void)length;
    return WEIR_OK;
}

static enum weir_code all_on_close(void *user, uint64_t id, bool abort)
{
    (void)user, (void)id, (void)abort;
    return WEIR_OK;
}

static enum weir_code all_on_send_name(void *user, const char *name, const void *bytes,
                                       size_t length)
{
    (void)user, (void)name, (void)bytes, (void)length;
    return WEIR_GONE;
}

static enum weir_code all_on_group_begin(void *user, const char *group)
{
    (void)user, (void)group;
    lock_take(all.lock);
    bool lacks_memory = all.begins++ % 5 == 0;
    if (!lacks_memory) require(all.rooms_open++ < WORKERS);
    lock_give_back(all.lock);
    return lacks_memory ? WEIR_NO_MEMORY : WEIR_OK;
}

static void all_on_group_end(void *user, const char *group)
{
    (void)user, (void)group;
    lock_take(all.lock);
    require(all.rooms_open-- > 0);
    lock_give_back(all.lock);
}

/* Returns the holder after `after` of the name; null: there is none. The name '\0' finds room. */
static struct holder *find_holder(char name, struct holder *after)
{
    struct holder *at = after ? after + 1 : all.holders;

    for (; at < all.holders + CLIENTS * 4; at++)
        if (at->name == name) return at;
    return NULL;
}

static enum weir_code all_on_name_bound(void *user, const char *name, uint64_t id,
                                        enum weir_bind how)
{
    (void)user;
    lock_take(all.lock);
    struct holder *held = find_holder(name[0], NULL);
    require(!held || how == WEIR_BIND_REPLACE);
    require(!held || !find_holder(name[0], held)); /* the one before has already lost it */
    struct holder *free_one = find_holder('\0', NULL);
    require(free_one != NULL);
    *free_one = (struct holder){name[0], id};
    lock_give_back(all.lock);
    atomic_fetch_add(&all.names_bound, 1);
    return WEIR_OK;
}

static void all_on_name_unbound(void *user, const char *name, uint64_t id)
{
    (void)user;
    lock_take(all.lock);
    struct holder *held = find_holder(name[0], NULL);
    while (held && held->id != id) held = find_holder(name[0], held);
    require(held != NULL);
    held->name = '\0';
    lock_give_back(all.lock);
}

static void all_on_count(void *user, const char *group, uint32_t deadline_ms,
                         struct weir_bridge_count *count)
{
    (void)user, (void)group, (void)deadline_ms;
    lock_take(all.lock);
    bool is_kept = all.asked_count < 64;
    if (is_kept) all.asked[all.asked_count++] = count;
    lock_give_back(all.lock);
    if (!is_kept) weir_bridge_counted(count, 1, 0, 0, true);
}

static const struct weir_bridge all_bridge = {
    .size = sizeof all_bridge,
    .user = &all,
    .on_broadcast = all_on_broadcast,
    .on_send = all_on_send,
    .on_close = all_on_close,
    .on_send_name = all_on_send_name,
    .on_group_begin = all_on_group_begin,
    .on_group_end = all_on_group_end,
    .on_name_bound = all_on_name_bound,
    .on_name_unbound = all_on_name_unbound,
    .on_count = all_on_count,
};

static void report_count(const struct weir_group_members *count, void *argument)
{
    (void)argument;
    require(count->members >= 1);
    atomic_fetch_add(&all.counts_reported, 1);
}

static void obey(struct weir_session *session, char command)
{
    const char name[] = {command, '\0'};

    switch (command) {
    case 'j': weir_session_join(session, "room"); break;
    case 'l': weir_session_leave(session, "room"); break;
    case 'u': weir_session_unbind(session); break;
    case 'c':
        if (weir_group_count(server, "room", 0, report_count, NULL) == WEIR_OK)
            atomic_fetch_add(&all.counts_asked, 1);
        break;
    case '1':
    case '2': weir_session_bind(session, name, WEIR_BIND_REPLACE); break;
    default: weir_session_bind(session, name, WEIR_BIND_IF_FREE);
    }
}

static void all_on_message(struct weir_session *session, const struct weir_message *message)
{
    for (size_t i = 0; i < message->length; i++) obey(session, (char)message->bytes[i]);
}

static const struct weir_handler all_handler = {
    .size = sizeof(struct weir_handler), .name = "all", .on_message = all_on_message};

/* The bridge's thread: answers questions, evicts, and passes on what other nodes sent. */
static void serve_bridge(void *argument)
{
    (void)argument;
    for (uint32_t round = 0; !atomic_load(&all.stops); round++) {
        lock_take(all.lock);
        struct weir_bridge_count *count = all.asked_count > 0 ? all.asked[--all.asked_count] : NULL;
        struct holder holder = all.holders[round % (CLIENTS * 4)];
        lock_give_back(all.lock);
        const char name[] = {holder.name, '\0'};
        if (count) weir_bridge_counted(count, 1, 0, 0, false);
        if (holder.name && round % 50 == 0) weir_bridge_evict(server, name, holder.id);
        if (holder.name) weir_bridge_send_name(server, name, "x", 1);
        if (round % 20 == 0) weir_bridge_broadcast(server, "room", "from elsewhere", 14, holder.id);
        thread_yield();
    }
}

static void broadcast_often(void *argument)
{
    uint32_t sender = *(const uint32_t *)argument;
    char text[32];

    for (uint32_t n = 1; n <= BROADCASTS; n++) {
        snprintf(text, sizeof text, "%u %u", sender, n);
        while (weir_broadcast(server, "room", text, strlen(text), 0) == WEIR_MAILBOX_FULL)
            thread_yield();
    }
}

static plain_socket connect_client(void)
{
    struct weir_listener_info info;
    plain_socket client = plain_open(true, true, 0);

    weir_server_listener(server, 0, &info);
    struct net_address address = address_of_public(&info.address);
    require(plain_connect(client, true, &address));
    while (plain_connected(client) == PLAIN_WAIT) thread_yield();
    return client;
}

/* Sends commands by clients, and connects those again that were evicted. */
static void talk(void)
{
    static const char commands[] = "j1l2j3uc4j1c2l";
    plain_socket clients[CLIENTS];
    char bytes[512];

    for (uint32_t i = 0; i < CLIENTS; i++) clients[i] = connect_client();
    for (uint32_t round = 0; round < ROUNDS * CLIENTS; round++) {
        plain_socket *client = &clients[round % CLIENTS];
        int32_t got;
        do got = plain_receive(*client, bytes, sizeof bytes, false);
        while (got > 0);
        if (got != PLAIN_WAIT) {
            plain_close(*client);
            *client = connect_client();
        }
        plain_send(*client, &commands[(round * 5 + round / CLIENTS) % (sizeof commands - 1)], 1);
        thread_yield();
    }
    for (uint32_t i = 0; i < CLIENTS; i++) plain_close(clients[i]);
}

static struct thread *start(void (*run)(void *argument), void *argument)
{
    int os_error;
    struct thread *thread = thread_start("bridge", run, argument, &os_error);

    require(thread != NULL);
    return thread;
}

static void all_threads_call_at_the_same_time(void **state)
{
    static uint32_t senders[SENDERS] = {0, 1, 2};
    struct thread *threads[SENDERS];

    (void)state;
    memset(&all, 0, sizeof all);
    all.lock = lock_open();
    open_server(&all_handler, WORKERS);
    assert_int_equal(weir_server_set_bridge(server, &all_bridge, &error), WEIR_OK);
    struct thread *bridging = start(serve_bridge, NULL); /* also before the start */
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    for (uint32_t i = 0; i < SENDERS; i++) threads[i] = start(broadcast_often, &senders[i]);
    talk();
    for (uint32_t i = 0; i < SENDERS; i++) thread_join(threads[i]);
    weir_server_stop(server);
    weir_server_wait(server); /* the bridge still answers */
    atomic_store(&all.stops, true);
    thread_join(bridging);
    for (uint32_t i = 0; i < SENDERS; i++) assert_int_equal(all.last[i], BROADCASTS);
    assert_int_equal(all.rooms_open, 0);
    for (uint32_t i = 0; i < CLIENTS * 4; i++) assert_int_equal(all.holders[i].name, 0);
    assert_int_equal(atomic_load(&all.counts_asked), atomic_load(&all.counts_reported));
    assert_true(atomic_load(&all.names_bound) > 0);
    weir_server_free(server);
    lock_free(all.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bridge_has_all_callbacks),
        cmocka_unit_test(a_server_has_one_bridge_from_before_its_start),
        cmocka_unit_test(calls_by_id_reach_other_nodes),
        cmocka_unit_test(other_calls_stay_on_this_node),
        cmocka_unit_test(the_bridge_calls_at_any_time),
        cmocka_unit_test(all_threads_call_at_the_same_time),
    };

    return cmocka_run_group_tests_name("bridge_server", tests, NULL, NULL);
}
