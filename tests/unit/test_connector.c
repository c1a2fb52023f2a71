/* SPDX-License-Identifier: MIT */
/* test_connector.c - outbound connections over the simulated network: names and addresses, failures
 * and their causes, cancelling, connecting again, drain and stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "fixture.h"
#include "memory_faults.h"
#include "transport.h"

#define S 1000u /* in milliseconds */

/* ---- a connector and what happens to it ---- */

struct out {
    struct connector connector;
    uint64_t id;
    uint32_t failures, freed;
    struct weir_error error; /* of the last failure */
    uint64_t failed_ms;      /* when */
};

static struct {
    uint32_t opened, closed, messages;
    uint64_t opened_ms, session_id, connector_id;
    void *user;
    enum weir_reason reason;
    bool aborts, disconnects, disconnects_in_close, connects_again; /* what the callbacks do */
    bool limits;                                                    /* the length of messages */
    bool blocks;                                                    /* on_open, for 700 ms */
    char warning[512];                                              /* about it */
    struct out *other;
    struct owner *late; /* the attempt of the session that opens; null: it is not of interest */
} seen;

static void pass_pause(struct owner *owner, struct net_handle handle);

static struct out outs[4];

static uint64_t now_ms(void)
{
    return net_now_ns(fixture.loop.worker.net) / CLOCK_NS_PER_MS;
}

static enum weir_code disconnect(const struct out *out)
{
    return connector_disconnect(&fixture.loop.worker, out->id);
}

static void on_open(struct weir_session *session)
{
    seen.opened++;
    seen.opened_ms = now_ms();
    seen.session_id = weir_session_id(session);
    seen.connector_id = weir_session_connector(session);
    seen.user = weir_session_connect_user(session);
    assert_int_equal(weir_session_send(session, "hello", 5), WEIR_OK);
    if (seen.limits) assert_int_equal(weir_session_set_message_max(session, 1000), WEIR_OK);
    if (seen.blocks) sim_work_ns(fixture.simulation, 700 * FIXTURE_MS);
    if (seen.late) pass_pause(seen.late, session->handle);
    if (seen.aborts) weir_session_abort(session);
    if (seen.disconnects) assert_int_equal(disconnect(seen.other), WEIR_OK);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    (void)session;
    seen.messages += (uint32_t)message->length;
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)text;
    seen.closed++;
    seen.reason = reason;
    if (seen.disconnects_in_close) assert_int_equal(disconnect(seen.other), WEIR_OK);
}

static const struct weir_handler handler = {
    .size = sizeof handler,
    .name = "test",
    .on_open = on_open,
    .on_message = on_message,
    .on_close = on_close,
};

static void out_start(struct out *out, const char *to);

static void on_failed(struct weir_server *server, uint64_t connector,
                      const struct weir_error *error, void *user)
{
    struct out *out = user;

    assert_null(server); /* of the fixture */
    assert_int_equal(connector, out->id);
    out->failures++;
    out->error = *error;
    out->failed_ms = now_ms();
    if (seen.disconnects) disconnect(seen.other);
    if (seen.connects_again) {
        seen.connects_again = false;
        out_start(seen.other, "10.0.0.1:80");
    }
}

static void out_freed(struct connector *connector)
{
    weir_container_of(connector, struct out, connector)->freed++;
}

/* Sets up a connector to this address. */
static void out_fill(struct out *out, const char *to)
{
    *out = (struct out){.id = 0};
    service_init(&out->connector.service, WEIR_TCP, &codec_raw, &handler, &fixture.common.config);
    assert_int_equal(dial_target_read(to, &out->connector.options.target, NULL), WEIR_OK);
    out->connector.options.text = to;
    out->connector.options.timeout_ms = 10 * S;
    out->connector.options.reconnect_min_ms = 100;
    out->connector.options.reconnect_max_ms = 1600;
    out->connector.options.on_failed = on_failed;
    out->connector.options.user = out;
    out->connector.free = out_freed;
}

static void out_begin(struct out *out)
{
    out->id = connector_add(&out->connector, &fixture.connectors, 0);
    assert_int_not_equal(out->id, 0);
    assert_true(connector_begin(&out->connector, &fixture.loop.worker));
}

static void out_start(struct out *out, const char *to)
{
    out_fill(out, to);
    out_begin(out);
}

/* ---- the network ---- */

/* The lookup of the tests: what it finds, and how many answers it may give. */
static struct {
    struct lock *lock;
    struct condition *changed;
    uint32_t allowed, began, ended;
    struct host_addresses found;
} desk;

static void desk_lookup(const char *name, struct host_addresses *found)
{
    (void)name;
    lock_take(desk.lock);
    desk.began++;
    condition_wake_all(desk.changed);
    while (desk.allowed == 0) condition_wait(desk.changed, desk.lock, CONDITION_NO_DEADLINE);
    desk.allowed--;
    *found = desk.found;
    desk.ended++;
    condition_wake_all(desk.changed);
    lock_give_back(desk.lock);
}

/* Lets the lookups that run end, and waits for them: the next test has its own. */
static void desk_end(void)
{
    lock_take(desk.lock);
    desk.allowed = desk.began - desk.ended;
    condition_wake_all(desk.changed);
    while (desk.ended < desk.began) condition_wait(desk.changed, desk.lock, CONDITION_NO_DEADLINE);
    lock_give_back(desk.lock);
}

static void desk_allow(uint32_t answers)
{
    lock_take(desk.lock);
    desk.allowed += answers;
    condition_wake_all(desk.changed);
    lock_give_back(desk.lock);
}

static void desk_until_began(uint32_t count)
{
    lock_take(desk.lock);
    while (desk.began < count) condition_wait(desk.changed, desk.lock, CONDITION_NO_DEADLINE);
    lock_give_back(desk.lock);
}

/* Lets the lookup that runs find its answer, and waits, in real time, until it is in the inbox. */
static void wait_for_answer(void)
{
    const struct inbox *inbox = &fixture.loop.connects.inbox;
    bool is_there = false;

    desk_allow(1);
    while (!is_there) {
        lock_take(inbox->lock);
        is_there = !list_is_empty(&inbox->notes);
        lock_give_back(inbox->lock);
        thread_yield();
    }
    /* The lock of the resolver is held until the worker was woken. */
    struct resolver_request none;
    resolver_request_init(&none);
    resolver_cancel(fixture.common.resolver, &none);
}

static void desk_add(const char *address)
{
    struct net_address parsed;

    assert_true(net_address_parse(address, &parsed));
    host_add(&desk.found, parsed.ip, parsed.scope);
}

static void route(const char *address, uint64_t delay_ms, enum weir_code code)
{
    const struct sim_route how = {
        .delay_ns = delay_ms * FIXTURE_MS, .code = code, .os_error = code == WEIR_OK ? 0 : 111};
    struct net_address parsed;

    assert_true(net_address_parse(address, &parsed));
    sim_set_route(fixture.simulation, &parsed, &how);
}

static struct sim_listener *listen_on(const char *address)
{
    struct net_address parsed;

    assert_true(net_address_parse(address, &parsed));
    struct sim_listener *listener = sim_listen(fixture.simulation, &parsed, 8);
    assert_non_null(listener);
    return listener;
}

static void open_world(void)
{
    struct weir_config config = fixture_config();

    memset(&seen, 0, sizeof seen);
    memset(outs, 0, sizeof outs);
    memset(&desk.found, 0, sizeof desk.found);
    desk.allowed = desk.began = desk.ended = 0;
    fixture_lookup = desk_lookup;
    fixture_open(&config, NULL, &handler_echo, 1);
}

static int open_desk(void **state)
{
    (void)state;
    desk.lock = lock_open();
    desk.changed = condition_open();
    return 0;
}

static int close_desk(void **state)
{
    (void)state;
    condition_free(desk.changed);
    lock_free(desk.lock);
    return 0;
}

/* Iterates until the listener has a connection. */
static struct sim_peer *accept_on(struct sim_listener *listener)
{
    struct sim_peer *peer = NULL;

    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && !peer; i++) {
        fixture_iterate(FIXTURE_MS);
        peer = sim_accept(listener);
    }
    assert_non_null(peer);
    return peer;
}

static void run_as_worker(bool is_own)
{
    atomic_store(&fixture.loop.worker.thread, is_own ? thread_self() : 0);
}

static void take_warning(void *user, int level, const char *line)
{
    (void)user;
    (void)level;
    if (strstr(line, "handler_warn_ms")) snprintf(seen.warning, sizeof seen.warning, "%s", line);
}

/* ---- connecting ---- */

static void it_connects_and_talks(void **state)
{
    (void)state;
    open_world();
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    out_start(&outs[0], "10.0.0.1:80");
    struct sim_peer *peer = accept_on(listener);
    fixture_run_ms(10);
    assert_int_equal(seen.opened, 1);
    assert_int_equal(seen.connector_id, outs[0].id);
    assert_int_not_equal(seen.session_id, outs[0].id);
    assert_ptr_equal(seen.user, &outs[0]);
    fixture_expect(peer, "hello");
    fixture_say(peer, "answer");
    fixture_run_ms(10);
    assert_int_equal(seen.messages, 6);
    assert_int_equal(fixture_stats().connected, 1);
    assert_int_equal(fixture_stats().open, 1);
    assert_int_equal(fixture_stats().accepted, 0);
    struct net_address peer_address = fixture_only_session()->peer;
    struct net_address listens = sim_listener_address(listener);
    assert_true(address_equals(&peer_address, &listens));
    sim_peer_finish(peer);
    fixture_run_ms(10);
    assert_int_equal(seen.reason, WEIR_REASON_PEER_DONE);
    assert_int_equal(seen.closed + outs[0].freed, 2);
    assert_int_equal(disconnect(&outs[0]), WEIR_GONE);
    sim_peer_close(peer);
    sim_listener_close(listener);
    fixture_close();
}

/* A session of an outbound connection has no deadline for the first byte of its peer. */
static void a_silent_server_is_allowed(void **state)
{
    (void)state;
    struct weir_config config = fixture_config();

    open_world();
    fixture_close();
    config.first_byte_timeout_ms = S;
    fixture_open(&config, NULL, &handler_echo, 1);
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    out_start(&outs[0], "10.0.0.1:80");
    struct sim_peer *peer = accept_on(listener);
    fixture_run_ms(5 * S);
    assert_int_equal(seen.closed, 0);
    sim_peer_close(peer);
    sim_listener_close(listener);
    fixture_close();
    assert_int_equal(outs[0].freed, 1);
}

static void a_failure_is_reported(void **state)
{
    (void)state;
    char text[256];

    open_world();
    out_start(&outs[0], "10.0.0.1:80"); /* nothing listens */
    fixture_run_ms(100);
    assert_int_equal(outs[0].failures, 1);
    assert_int_equal(outs[0].error.code, WEIR_REFUSED);
    assert_non_null(strstr(weir_error_text(&outs[0].error, text, sizeof text),
                           "cannot connect to 10.0.0.1:80: connection refused"));
    assert_int_equal(outs[0].freed, 1);
    assert_int_equal(seen.opened, 0);
    assert_int_equal(fixture_stats().connects_failed_refused, 1);
    fixture_close();
}

static void each_cause_is_counted(void **state)
{
    (void)state;
    open_world();
    route("10.0.0.1:80", 0, WEIR_UNREACHABLE);
    out_start(&outs[0], "10.0.0.1:80");
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().connects_failed_unreachable, 1);
    route("10.0.0.1:80", 0, WEIR_DENIED);
    out_start(&outs[0], "10.0.0.1:80");
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().connects_failed_other, 1);
    route("10.0.0.1:80", 0, WEIR_TIMED_OUT); /* the system's own limit */
    out_start(&outs[0], "10.0.0.1:80");
    outs[0].connector.options.on_failed = NULL;
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().connects_failed_timeout, 1);
    assert_int_equal(outs[0].failures, 0);
    assert_int_equal(outs[0].freed, 1);
    fixture_close();
}

static void an_attempt_takes_at_most_its_timeout(void **state)
{
    (void)state;
    open_world();
    route("10.0.0.1:80", 60 * S, WEIR_OK);
    out_start(&outs[0], "10.0.0.1:80");
    fixture_iterate(FIXTURE_MS);
    uint64_t began_ms = now_ms();
    fixture_run_ms(11 * S);
    assert_int_equal(outs[0].error.code, WEIR_TIMED_OUT);
    assert_in_range(outs[0].failed_ms - began_ms, 10 * S - 5, 10 * S + 5);
    assert_string_equal(outs[0].error.reason, "no answer within connect_timeout_ms");
    assert_int_equal(fixture_stats().connects_failed_timeout, 1);
    fixture_close();
}

static void without_a_timeout_it_waits_for_the_system(void **state)
{
    (void)state;
    open_world();
    route("10.0.0.1:80", 60 * S, WEIR_TIMED_OUT);
    out_fill(&outs[0], "10.0.0.1:80");
    outs[0].connector.options.timeout_ms = 0;
    out_begin(&outs[0]);
    fixture_run_ms(59 * S);
    assert_int_equal(outs[0].failures, 0);
    fixture_run_ms(2 * S);
    assert_int_equal(outs[0].error.code, WEIR_TIMED_OUT);
    assert_string_equal(outs[0].error.reason, "");
    fixture_close();
}

/* ---- names ---- */

static struct sim_listener *find_both(void)
{
    open_world();
    desk_add("10.0.0.1:1");
    desk_add("[fd00::1]:1");
    return listen_on("10.0.0.1:80");
}

static void the_second_family_starts_after_the_delay(void **state)
{
    (void)state;
    struct sim_listener *listener = find_both();

    route("[fd00::1]:80", 5 * S, WEIR_OK);
    out_start(&outs[0], "server.example:80");
    fixture_iterate(0);
    wait_for_answer();
    fixture_iterate(0);
    uint64_t began_ms = now_ms();
    struct sim_peer *peer = accept_on(listener);
    fixture_run_ms(10);
    assert_in_range(seen.opened_ms - began_ms, 250, 260);
    assert_int_equal(seen.opened, 1);
    assert_true(list_is_empty(&fixture.loop.connects.dials)); /* the other attempt is closed */
    sim_peer_close(peer);
    sim_listener_close(listener);
    fixture_close();
    assert_int_equal(outs[0].freed, 1);
}

static void the_second_family_starts_when_the_first_fails(void **state)
{
    (void)state;
    struct sim_listener *listener = find_both();

    route("[fd00::1]:80", 3, WEIR_UNREACHABLE);
    out_start(&outs[0], "server.example:80");
    fixture_iterate(0);
    wait_for_answer();
    fixture_iterate(0);
    uint64_t began_ms = now_ms();
    struct sim_peer *peer = accept_on(listener);
    fixture_run_ms(10);
    assert_in_range(seen.opened_ms - began_ms, 3, 20);
    sim_peer_close(peer);
    sim_listener_close(listener);
    fixture_close();
}

/* Both attempts succeed in the same batch of events: the first one wins, the other is closed. */
static void one_of_two_connections_is_kept(void **state)
{
    (void)state;
    struct sim_listener *listeners[2] = {find_both(), listen_on("[fd00::1]:80")};

    route("10.0.0.1:80", 500, WEIR_OK);
    route("[fd00::1]:80", 500, WEIR_OK);
    out_start(&outs[0], "server.example:80");
    fixture_iterate(0);
    wait_for_answer();
    fixture_run_ms(400);
    assert_int_equal(seen.opened, 0);
    sim_pass_ns(fixture.simulation, S * FIXTURE_MS); /* as a process that is stopped */
    fixture_iterations(20);
    assert_int_equal(seen.opened, 1);
    assert_true(list_is_empty(&fixture.loop.connects.dials));
    for (int i = 0; i < 2; i++) {
        struct sim_peer *peer = sim_accept(listeners[i]);
        if (peer) sim_peer_close(peer);
        sim_listener_close(listeners[i]);
    }
    fixture_close();
    assert_int_equal(outs[0].freed, 1);
}

static void the_last_failure_is_reported(void **state)
{
    (void)state;
    struct sim_listener *listener = find_both();

    sim_listener_close(listener);
    route("[fd00::1]:80", 1, WEIR_UNREACHABLE);
    out_start(&outs[0], "server.example:80");
    fixture_iterate(0);
    wait_for_answer();
    fixture_run_ms(100);
    assert_int_equal(outs[0].failures, 1);
    assert_int_equal(outs[0].error.code, WEIR_REFUSED);
    fixture_close();
}

static void a_name_is_not_found(void **state)
{
    (void)state;
    char text[256];

    open_world();
    desk.found.code = WEIR_UNREACHABLE;
    snprintf(desk.found.why, sizeof desk.found.why, "no host has this name");
    out_start(&outs[0], "nowhere.example:80");
    fixture_iterate(0);
    wait_for_answer();
    fixture_run_ms(10);
    assert_int_equal(outs[0].failures, 1);
    assert_string_equal(weir_error_text(&outs[0].error, text, sizeof text),
                        "cannot connect to nowhere.example:80: no host has this name; check the "
                        "name, and the system's resolver");
    assert_int_equal(fixture_stats().connects_failed_name, 1);
    fixture_close();
}

static void a_lookup_takes_at_most_the_timeout(void **state)
{
    (void)state;
    open_world();
    out_start(&outs[0], "slow.example:80");
    fixture_iterate(0);
    desk_until_began(1);
    fixture_run_ms(11 * S);
    assert_int_equal(outs[0].failures, 1);
    assert_int_equal(outs[0].error.code, WEIR_TIMED_OUT);
    assert_int_equal(fixture_stats().connects_failed_name, 1);
    fixture_close(); /* does not wait for the lookup */
    assert_int_equal(desk.ended, 0);
    desk_end();
}

static void too_many_names_wait(void **state)
{
    (void)state;
    open_world();
    out_start(&outs[0], "a.example:80");
    fixture_iterate(0);
    desk_until_began(1);
    for (int i = 1; i < 4; i++) out_start(&outs[i], "b.example:80");
    fixture_iterate(0);
    assert_int_equal(outs[3].failures, 1);
    assert_int_equal(outs[3].error.code, WEIR_NO_ROOM);
    assert_int_equal(outs[1].failures + outs[2].failures, 0);
    fixture_close();
    for (int i = 0; i < 4; i++) assert_int_equal(outs[i].freed, 1);
    desk_end();
}

/* An answer that is in the inbox already is taken back. */
static void an_answer_of_a_cancelled_dial_is_ignored(void **state)
{
    (void)state;
    struct sim_listener *listener = find_both();

    out_start(&outs[0], "server.example:80");
    fixture_iterate(0);
    wait_for_answer();
    run_as_worker(true);
    assert_int_equal(disconnect(&outs[0]), WEIR_OK);
    fixture_run_ms(100);
    assert_int_equal(outs[0].freed, 1);
    assert_int_equal(outs[0].failures + seen.opened, 0);
    sim_listener_close(listener);
    fixture_close();
}

/* Returns the owner of a handle that is connecting. */
static struct owner *connecting_owner(void)
{
    const struct handle_table *table = &fixture.loop.worker.net->handle_table;

    for (uint32_t i = 0; i < table->handles_count; i++)
        if (handle_table_at(table, i)->kind == HANDLE_CONNECTING)
            return handle_table_at(table, i)->owner;
    return NULL;
}

static void pass_pause(struct owner *owner, struct net_handle handle)
{
    const struct net_event event = {
        .kind = NET_PAUSED, .code = WEIR_SYSTEM, .os_error = 5, .handle = handle, .owner = owner};

    owner->ops->on_event(owner, &event);
}

/* Events of the batch that closes an attempt, or hands a connection over, name the attempt. */
static void late_events_find_their_owner(void **state)
{
    (void)state;
    open_world();
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    route("10.0.0.1:80", 20, WEIR_OK);
    out_start(&outs[0], "10.0.0.1:80");
    fixture_iterate(0);
    seen.late = connecting_owner();
    pass_pause(seen.late, NET_NONE);
    assert_int_equal(fixture_stats().pauses_failed, 1);
    struct sim_peer *peer = accept_on(listener); /* on_open passes one more */
    fixture_run_ms(10);
    assert_int_equal(seen.opened, 1);
    assert_int_equal(fixture_stats().pauses_failed, 2);
    seen.late = NULL;
    out_start(&outs[1], "10.0.0.1:80");
    fixture_iterate(0);
    struct owner *owner = connecting_owner();
    run_as_worker(true);
    assert_int_equal(disconnect(&outs[1]), WEIR_OK);
    pass_pause(owner, NET_NONE); /* it is closing: no effect */
    assert_int_equal(fixture_stats().pauses_failed, 2);
    sim_peer_close(peer);
    sim_listener_close(listener);
    fixture_close();
}

/* Two attempts run, and are closed one after the other. */
static void all_attempts_are_cancelled(void **state)
{
    (void)state;
    struct sim_listener *listener = find_both();

    route("10.0.0.1:80", 5 * S, WEIR_OK);
    route("[fd00::1]:80", 5 * S, WEIR_OK);
    out_start(&outs[0], "server.example:80");
    fixture_iterate(0);
    wait_for_answer();
    fixture_run_ms(400);
    assert_int_equal(disconnect(&outs[0]), WEIR_OK);
    fixture_run_ms(10);
    assert_int_equal(outs[0].freed, 1);
    assert_true(list_is_empty(&fixture.loop.connects.dials));
    sim_listener_close(listener);
    fixture_close();
}

static void no_thread_looks_up(void **state)
{
    (void)state;
    open_world();
    out_start(&outs[0], "a.example:80");
    memory_fail_nth(2, 1); /* the first one is the dial */
    fixture_iterate(0);
    memory_fail_nth(0, 0);
    assert_int_equal(outs[0].error.code, WEIR_NO_MEMORY);
    assert_int_equal(fixture_stats().connects_failed_name, 1);
    fixture_close();
}

/* ---- disconnecting ---- */

static void it_is_cancelled_at_any_time(void **state)
{
    (void)state;
    for (uint32_t is_own = 0; is_own < 2; is_own++) {
        for (uint64_t ms = 0; ms < 12; ms++) {
            open_world();
            struct sim_listener *listener = listen_on("10.0.0.1:80");
            route("10.0.0.1:80", 5, WEIR_OK);
            out_start(&outs[0], "10.0.0.1:80");
            if (ms > 0) fixture_run_ms(ms);
            run_as_worker(is_own);
            assert_int_equal(disconnect(&outs[0]), WEIR_OK);
            fixture_run_ms(100);
            assert_int_equal(outs[0].failures, 0);
            struct sim_peer *peer = sim_accept(listener);
            if (peer) sim_peer_close(peer);
            fixture_run_ms(100);
            assert_int_equal(outs[0].freed, 1);
            assert_int_equal(seen.opened, seen.closed);
            if (seen.opened) assert_int_equal(seen.reason, WEIR_REASON_APPLICATION);
            assert_int_equal(disconnect(&outs[0]), WEIR_GONE);
            sim_listener_close(listener);
            fixture_close();
        }
    }
}

static void callbacks_may_disconnect(void **state)
{
    (void)state;
    for (int in_close = 0; in_close < 2; in_close++) {
        open_world();
        struct sim_listener *listener = listen_on("10.0.0.1:80");
        seen.disconnects = !in_close;
        seen.disconnects_in_close = in_close;
        seen.other = &outs[0];
        run_as_worker(true);
        out_fill(&outs[0], "10.0.0.1:80");
        outs[0].connector.options.reconnects = true;
        out_begin(&outs[0]);
        struct sim_peer *peer = accept_on(listener);
        fixture_run_ms(10);
        sim_peer_close(peer);
        fixture_run_ms(5 * S);
        assert_int_equal(seen.opened, 1);
        assert_int_equal(seen.closed, 1);
        assert_int_equal(outs[0].freed, 1);
        sim_listener_close(listener);
        fixture_close();
    }
}

static void a_failure_may_end_the_connector_or_begin_another(void **state)
{
    (void)state;
    open_world();
    run_as_worker(true);
    seen.disconnects = seen.connects_again = true;
    seen.other = &outs[0];
    out_fill(&outs[0], "10.0.0.9:80");
    outs[0].connector.options.reconnects = true;
    seen.connects_again = false;
    out_begin(&outs[0]);
    fixture_run_ms(5 * S);
    assert_int_equal(outs[0].failures, 1);
    assert_int_equal(outs[0].freed, 1);
    seen.disconnects = false;
    seen.connects_again = true;
    seen.other = &outs[1];
    out_start(&outs[2], "10.0.0.9:80");
    fixture_run_ms(5 * S);
    assert_int_equal(outs[2].failures + outs[1].failures, 2);
    assert_int_equal(outs[2].freed + outs[1].freed, 2);
    fixture_close();
}

/* The handler resets the connection in on_open; the peer resets it in the same batch. */
static void a_connection_may_end_at_once(void **state)
{
    (void)state;
    for (int aborts = 0; aborts < 2; aborts++) {
        open_world();
        seen.aborts = aborts;
        struct sim_listener *listener = listen_on("10.0.0.1:80");
        struct net_address to = sim_listener_address(listener);
        sim_set_route(fixture.simulation, &to, &(struct sim_route){.resets = true});
        out_start(&outs[0], "10.0.0.1:80");
        fixture_run_ms(100);
        assert_int_equal(seen.opened, seen.closed);
        assert_int_equal(seen.opened + outs[0].failures, 1);
        assert_int_equal(outs[0].freed, 1);
        sim_listener_close(listener);
        fixture_close();
    }
}

/* ---- connecting again ---- */

static void it_connects_again_with_growing_waits(void **state)
{
    (void)state;
    uint64_t longest_ms = 0, last_ms = 0;

    open_world();
    out_fill(&outs[0], "10.0.0.1:80");
    outs[0].connector.options.reconnects = true;
    out_begin(&outs[0]);
    for (uint32_t failures = 1; failures <= 40; failures++) {
        uint64_t bound_ms = failures > 5 ? 1600 : UINT64_C(100) << (failures - 1);
        for (int i = 0; i < FIXTURE_ITERATIONS_MAX && outs[0].failures < failures; i++)
            fixture_iterate(FIXTURE_MS);
        assert_int_equal(outs[0].failures, failures);
        assert_int_equal(outs[0].connector.wait_max_ms, bound_ms);
        if (last_ms > 0) {
            uint64_t waited_ms = outs[0].failed_ms - last_ms;
            assert_true(waited_ms <= bound_ms + 10);
            if (waited_ms > longest_ms) longest_ms = waited_ms;
        }
        last_ms = outs[0].failed_ms;
    }
    assert_true(longest_ms > 800); /* random over the whole bound */
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    struct sim_peer *peer = accept_on(listener);
    fixture_run_ms(10);
    assert_int_equal(seen.opened, 1);
    fixture_close();
    assert_int_equal(outs[0].freed, 1);
    (void)peer; /* freed with the simulation */
}

/* Such a setting gives the session a service of its own, which is freed with it. */
static void it_connects_again_after_a_session_with_settings(void **state)
{
    (void)state;

    open_world();
    seen.limits = true;
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    out_fill(&outs[0], "10.0.0.1:80");
    outs[0].connector.options.reconnects = true;
    out_begin(&outs[0]);
    for (uint32_t sessions = 1; sessions <= 2; sessions++) {
        struct sim_peer *peer = accept_on(listener);
        fixture_run_ms(10);
        assert_int_equal(seen.opened, sessions);
        sim_peer_close(peer);
    }
    accept_on(listener);
    assert_int_equal(seen.closed, 2);
    fixture_close();
    assert_int_equal(outs[0].freed, 1);
}

static void each_session_has_another_id(void **state)
{
    (void)state;
    uint64_t first_session;

    open_world();
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    out_fill(&outs[0], "10.0.0.1:80");
    outs[0].connector.options.reconnects = true;
    out_begin(&outs[0]);
    struct sim_peer *peer = accept_on(listener);
    fixture_run_ms(10);
    first_session = seen.session_id;
    sim_peer_close(peer); /* after a short session the bound stays */
    peer = accept_on(listener);
    fixture_run_ms(10);
    assert_int_equal(seen.opened, 2);
    assert_int_equal(seen.connector_id, outs[0].id);
    assert_int_not_equal(seen.session_id, first_session);
    assert_int_equal(outs[0].connector.wait_max_ms, 100);
    sim_peer_close(peer);
    peer = accept_on(listener);
    assert_int_equal(outs[0].connector.wait_max_ms, 200);
    fixture_run_ms(5 * S); /* a long one lets it begin anew */
    sim_peer_close(peer);
    peer = accept_on(listener);
    assert_int_equal(outs[0].connector.wait_max_ms, 100);
    assert_int_equal(outs[0].freed, 0);
    sim_peer_close(peer);
    sim_listener_close(listener);
    fixture_close();
    assert_int_equal(outs[0].freed, 1);
}

/* ---- drain and stop ---- */

static void a_drain_ends_waits_and_completes_attempts(void **state)
{
    (void)state;
    open_world();
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    route("10.0.0.1:80", 500, WEIR_OK);
    out_fill(&outs[0], "10.0.0.9:80"); /* refused: it waits */
    outs[0].connector.options.reconnects = true;
    outs[0].connector.options.reconnect_min_ms = outs[0].connector.options.reconnect_max_ms =
        1000 * S;
    out_begin(&outs[0]);
    out_fill(&outs[1], "10.0.0.1:80");
    outs[1].connector.options.reconnects = true;
    out_begin(&outs[1]);
    fixture_run_ms(100);
    assert_int_equal(outs[0].failures, 1);
    remote_drain(&fixture.loop.worker, 10 * S);
    fixture_iterate(FIXTURE_MS);
    assert_int_equal(outs[0].failures, 2);
    assert_int_equal(outs[0].error.code, WEIR_CANCELLED);
    out_start(&outs[2], "10.0.0.9:80"); /* for a request in progress */
    struct sim_peer *peer = accept_on(listener);
    fixture_run_ms(10);
    fixture_expect(peer, "hello");
    assert_int_equal(outs[2].error.code, WEIR_REFUSED);
    sim_peer_finish(peer);
    fixture_run_to_the_end();
    assert_int_equal(seen.opened, 1);
    assert_int_equal(outs[0].freed + outs[1].freed + outs[2].freed, 3);
    sim_peer_close(peer);
    sim_listener_close(listener);
    out_fill(&outs[3], "10.0.0.1:80");
    outs[3].id = connector_add(&outs[3].connector, &fixture.connectors, 0);
    assert_false(connector_begin(&outs[3].connector, &fixture.loop.worker)); /* it has ended */
    fixture_close();
}

static void a_stop_cancels_everything(void **state)
{
    (void)state;
    open_world();
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    route("10.0.0.2:80", 5 * S, WEIR_OK);
    out_fill(&outs[0], "10.0.0.1:80");
    outs[0].connector.options.reconnects = true;
    out_begin(&outs[0]);
    out_start(&outs[1], "10.0.0.2:80");
    out_start(&outs[2], "slow.example:80");
    fixture_iterate(0);
    desk_until_began(1);
    struct sim_peer *peer = accept_on(listener);
    fixture_run_ms(100);
    remote_stop(&fixture.loop.worker);
    out_start(&outs[3], "10.0.0.1:80");
    fixture_run_to_the_end();
    for (int i = 1; i < 4; i++) assert_int_equal(outs[i].error.code, WEIR_CANCELLED);
    assert_int_equal(outs[0].failures, 0);
    assert_int_equal(seen.reason, WEIR_REASON_SHUTDOWN);
    for (int i = 0; i < 4; i++) assert_int_equal(outs[i].freed, 1);
    assert_int_equal(fixture_stats().connects_cancelled, 3);
    sim_peer_close(peer);
    sim_listener_close(listener);
    fixture_close();
    desk_end();
}

/* A worker whose net did not open frees what waits for it. */
static void a_worker_that_never_ran_frees_its_connectors(void **state)
{
    (void)state;
    struct loop loop = {.has_commands = false};

    open_world();
    assert_true(loop_init(&loop, 0, &fixture.common, 0));
    out_fill(&outs[0], "10.0.0.1:80");
    outs[0].id = connector_add(&outs[0].connector, &fixture.connectors, 0);
    assert_true(connector_begin(&outs[0].connector, &loop.worker));
    loop_free(&loop);
    assert_int_equal(outs[0].freed, 1);
    fixture_close();
}

/* A connector that was made before its worker ran begins with it. */
static void it_begins_with_the_worker(void **state)
{
    (void)state;
    static struct loop loop;
    struct net_options options;

    open_world();
    net_options_init(&options);
    options.transport = "simulated";
    options.simulation = fixture.simulation;
    assert_true(loop_init(&loop, 0, &fixture.common, 0));
    out_fill(&outs[0], "10.0.0.1:80");
    outs[0].id = connector_add(&outs[0].connector, &fixture.connectors, 0);
    assert_true(connector_begin(&outs[0].connector, &loop.worker));
    assert_int_equal(loop_open(&loop, &options, NULL), WEIR_OK);
    assert_true(loop_iterate(&loop, NET_FOREVER)); /* does not wait */
    assert_true(outs[0].connector.was_started);
    remote_stop(&loop.worker);
    while (loop_iterate(&loop, net_now_ns(loop.worker.net) + FIXTURE_MS)) continue;
    loop_close(&loop);
    loop_free(&loop);
    assert_int_equal(outs[0].freed, 1);
    fixture_close();
}

/* One that another thread adds while the worker ends is still cancelled. */
static void the_last_one_is_not_lost(void **state)
{
    (void)state;
    open_world();
    out_start(&outs[0], "10.0.0.1:80");
    assert_false(connector_all_ended(&fixture.loop.worker));
    remote_stop(&fixture.loop.worker);
    fixture_run_to_the_end();
    assert_int_equal(outs[0].failures, 1);
    assert_int_equal(outs[0].error.code, WEIR_CANCELLED);
    assert_int_equal(outs[0].freed, 1);
    fixture_close();
}

/* ---- limits ---- */

static void a_name_can_be_one_character(void **state)
{
    struct dial_target target;

    (void)state;
    assert_int_equal(dial_target_read("a:80", &target, NULL), WEIR_OK);
    assert_string_equal(target.name, "a");
    assert_int_equal(dial_target_read("*:80", &target, NULL), WEIR_INVALID);
}

static void sessions_max_holds(void **state)
{
    (void)state;
    static struct out many[11];

    open_world();
    route("10.0.0.1:80", 5 * S, WEIR_OK);
    for (int i = 0; i < 11; i++) out_start(&many[i], "10.0.0.1:80");
    fixture_run_ms(100);
    assert_int_equal(many[10].failures, 1);
    assert_int_equal(many[10].error.code, WEIR_NO_ROOM);
    assert_string_equal(many[10].error.reason, "sessions_max are open");
    for (int i = 0; i < 10; i++) assert_int_equal(many[i].failures, 0);
    fixture_close();
    for (int i = 0; i < 11; i++) assert_int_equal(many[i].freed, 1);
}

static void memory_is_exhausted(void **state)
{
    (void)state;
    open_world();
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    out_start(&outs[0], "10.0.0.1:80");
    memory_fail_nth(1, 1);
    fixture_iterate(FIXTURE_MS); /* no dial */
    memory_fail_nth(0, 0);
    assert_int_equal(outs[0].error.code, WEIR_NO_MEMORY);
    out_start(&outs[1], "10.0.0.1:80");
    fixture_iterate(0);
    memory_fail_nth(1, 1);
    for (int i = 0; i < 100 && outs[1].failures == 0; i++) fixture_iterate(FIXTURE_MS);
    memory_fail_nth(0, 0); /* no session for an established connection */
    assert_int_equal(outs[1].error.code, WEIR_NO_MEMORY);
    assert_int_equal(seen.opened, 0);
    out_start(&outs[2], "10.0.0.1:80");
    struct account *account = &fixture.loop.worker.account;
    account->charged_bytes += UINT64_C(1) << 40;
    account->table_bytes += UINT64_C(1) << 40;
    fixture_iterate(0); /* sessions and dials have used up their part */
    account->charged_bytes -= UINT64_C(1) << 40;
    account->table_bytes -= UINT64_C(1) << 40;
    assert_int_equal(outs[2].error.code, WEIR_NO_MEMORY);
    sim_listener_close(listener);
    fixture_close();
    assert_int_equal(fixture_stats().connects_failed_other, 3);
}

/* From when its worker sees it until it is freed. */
static void a_connector_is_in_the_account(void **state)
{
    (void)state;
    open_world();
    const struct account *account = &fixture.loop.worker.account;
    uint64_t before_bytes = account->charged_bytes;
    out_fill(&outs[0], "10.0.0.1:80");
    outs[0].connector.memory_bytes = 1000;
    outs[0].connector.options.reconnects = true;
    outs[0].connector.options.reconnect_min_ms = 9 * S;
    outs[0].connector.options.reconnect_max_ms = 9 * S;
    out_begin(&outs[0]);
    assert_int_equal(account->charged_bytes, before_bytes);
    for (int i = 0; i < 100 && outs[0].failures == 0; i++) fixture_iterate(FIXTURE_MS);
    for (int i = 0; i < 10; i++) fixture_iterate(FIXTURE_MS); /* its dial is freed */
    assert_int_equal(account->charged_bytes, before_bytes + 1000);
    assert_int_equal(disconnect(&outs[0]), WEIR_OK);
    fixture_iterate(0);
    assert_int_equal(outs[0].freed, 1);
    assert_int_equal(account->charged_bytes, before_bytes);
    fixture_close();
}

static void no_handle_is_left(void **state)
{
    (void)state;
    fixture_handles_max = 2; /* the listener and the UDP socket */
    open_world();
    fixture_handles_max = 0;
    out_start(&outs[0], "10.0.0.1:80");
    fixture_iterate(0);
    assert_int_equal(outs[0].failures, 1);
    assert_int_equal(outs[0].error.code, WEIR_NO_ROOM);
    fixture_close();
}

static void test_seeds(void **state)
{
    (void)state;
    static const enum weir_code codes[] = {WEIR_OK, WEIR_OK, WEIR_REFUSED, WEIR_UNREACHABLE};

    for (uint64_t seed = 1; seed <= 60; seed++) {
        open_world();
        struct sim_listener *listener = listen_on("10.0.0.1:80");
        for (uint64_t i = 0; i < 12 + seed % 7; i++) {
            uint64_t dice = sim_random(fixture.simulation, 1u << 20);
            struct out *out = &outs[dice % 4];
            if (out->id == 0 || out->freed) {
                route("10.0.0.1:80", dice / 4 % 40, codes[dice / 256 % 4]);
                out_fill(out, "10.0.0.1:80");
                out->connector.options.reconnects = dice & 2048;
                out_begin(out);
            } else if (dice / 512 % 3 == 0) {
                run_as_worker(dice & 4096);
                disconnect(out);
            }
            fixture_run_ms(1 + dice / 8192 % 50);
            struct sim_peer *peer = sim_accept(listener);
            if (peer && dice & 16384) sim_peer_close(peer);
        }
        if (seed % 2) remote_drain(&fixture.loop.worker, 300);
        for (int i = 0; i < 20; i++) fixture_iterate(20 * FIXTURE_MS);
        fixture_close();
        for (int i = 0; i < 4; i++) assert_true(outs[i].id == 0 || outs[i].freed == 1);
    }
}

/* While events are measured because a callback has blocked: those of attempts to connect have no
 * handler yet, and a wake has no owner. */
static void an_on_open_that_blocks_is_reported(void **state)
{
    (void)state;
    open_world();
    fixture.common.log = (struct log){.write = take_warning};
    struct sim_listener *listener = listen_on("10.0.0.1:80");
    seen.blocks = true;
    out_start(&outs[0], "10.0.0.1:80");
    struct sim_peer *first = accept_on(listener);
    fixture_run_ms(2 * S);
    assert_non_null(strstr(seen.warning, "worker 0: its callbacks did not return for 7"));
    net_wake(fixture.loop.worker.net);
    fixture_run_ms(10);
    out_start(&outs[1], "10.0.0.1:80");
    struct sim_peer *second = accept_on(listener);
    fixture_run_ms(2 * S);
    assert_non_null(
        strstr(seen.warning, "worker 0: its callbacks (timers, posts, new connections"));
    sim_peer_close(first);
    sim_peer_close(second);
    sim_listener_close(listener);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_connects_and_talks),
        cmocka_unit_test(a_silent_server_is_allowed),
        cmocka_unit_test(a_failure_is_reported),
        cmocka_unit_test(each_cause_is_counted),
        cmocka_unit_test(an_attempt_takes_at_most_its_timeout),
        cmocka_unit_test(without_a_timeout_it_waits_for_the_system),
        cmocka_unit_test(the_second_family_starts_after_the_delay),
        cmocka_unit_test(the_second_family_starts_when_the_first_fails),
        cmocka_unit_test(one_of_two_connections_is_kept),
        cmocka_unit_test(the_last_failure_is_reported),
        cmocka_unit_test(a_name_is_not_found),
        cmocka_unit_test(a_lookup_takes_at_most_the_timeout),
        cmocka_unit_test(too_many_names_wait),
        cmocka_unit_test(an_answer_of_a_cancelled_dial_is_ignored),
        cmocka_unit_test(late_events_find_their_owner),
        cmocka_unit_test(all_attempts_are_cancelled),
        cmocka_unit_test(no_thread_looks_up),
        cmocka_unit_test(it_is_cancelled_at_any_time),
        cmocka_unit_test(callbacks_may_disconnect),
        cmocka_unit_test(a_failure_may_end_the_connector_or_begin_another),
        cmocka_unit_test(a_connection_may_end_at_once),
        cmocka_unit_test(it_connects_again_with_growing_waits),
        cmocka_unit_test(it_connects_again_after_a_session_with_settings),
        cmocka_unit_test(each_session_has_another_id),
        cmocka_unit_test(a_drain_ends_waits_and_completes_attempts),
        cmocka_unit_test(a_stop_cancels_everything),
        cmocka_unit_test(a_worker_that_never_ran_frees_its_connectors),
        cmocka_unit_test(it_begins_with_the_worker),
        cmocka_unit_test(the_last_one_is_not_lost),
        cmocka_unit_test(a_name_can_be_one_character),
        cmocka_unit_test(sessions_max_holds),
        cmocka_unit_test(memory_is_exhausted),
        cmocka_unit_test(a_connector_is_in_the_account),
        cmocka_unit_test(no_handle_is_left),
        cmocka_unit_test(an_on_open_that_blocks_is_reported),
        cmocka_unit_test(test_seeds),
    };

    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
/* thread_start: names are looked up on a thread, so that ThreadSanitizer runs this test */
