/* SPDX-License-Identifier: MIT */
/* test_misuse.c - wrong calls of a program end the process with the rule that it broke, and never
 * with a report of a bug in weir. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "address.h"
#include "atomic.h"
#include "clock.h"
#include "memory.h"
#include "plain_socket.h"
#include "require.h"
#include "thread.h"

#define PATIENCE_NS (20 * 1000 * CLOCK_NS_PER_MS)
#define RULE "weir: the program broke a rule of weir.h: "

static struct weir_server *server;
static struct net_address address;

/* ---- a server whose callbacks do what the test wants ---- */

static void (*in_handler)(struct weir_session *session); /* called in on_open */
static _Atomic(struct weir_session *) opened;

static void on_open(struct weir_session *session)
{
    if (in_handler) in_handler(session);
    atomic_store(&opened, session);
}

static const struct weir_handler handler = {
    .size = sizeof(struct weir_handler), .name = "misuse", .on_open = on_open};

static struct weir_config config_of(uint32_t workers)
{
    struct weir_config config;

    weir_config_init(&config);
    config.workers = workers;
    return config;
}

static void open_server(const struct weir_config *config)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = WEIR_TCP,
                                 .address = "127.0.0.1:0",
                                 .custom_handler = &handler};

    require(weir_server_open(config, &server, NULL) == WEIR_OK);
    require(weir_server_listen(server, &listen, NULL) == WEIR_OK);
}

static void start_server(const struct weir_config *config)
{
    struct weir_listener_info info;

    open_server(config);
    require(weir_server_start(server, NULL) == WEIR_OK);
    weir_server_listener(server, 0, &info);
    address = address_of_public(&info.address);
}

/* Connects, and waits until the session has started. */
static plain_socket connect_and_wait(void)
{
    plain_socket socket = plain_open(true, true, 0);
    uint64_t began_ns = clock_now_ns();

    require(plain_connect(socket, true, &address));
    while (!atomic_load(&opened)) require(clock_now_ns() - began_ns < PATIENCE_NS);
    return socket;
}

static void wait_forever(void)
{
    for (uint64_t began_ns = clock_now_ns(); clock_now_ns() - began_ns < PATIENCE_NS;) continue;
}

/* ---- sessions on other threads ---- */

static void do_nothing(struct weir_worker *worker, void *argument)
{
    (void)worker;
    (void)argument;
}

static void visit(struct weir_session *session, void *argument)
{
    (void)session;
    (void)argument;
}

static void call_send(struct weir_session *session)
{
    weir_session_send(session, "x", 1);
}

static void call_send_back(struct weir_session *session)
{
    const struct weir_message message = {.bytes = (const uint8_t *)"x", .length = 1};

    weir_session_send_back(session, &message);
}

static void call_fail(struct weir_session *session)
{
    weir_session_fail(session, "");
}

static void call_broadcast(struct weir_session *session)
{
    weir_session_broadcast(session, "g", "x", 1, 0);
}

static void call_start_timer(struct weir_session *session)
{
    weir_session_start_timer(session, 1);
}

static void call_join(struct weir_session *session)
{
    weir_session_join(session, "g");
}

static void call_leave(struct weir_session *session)
{
    weir_session_leave(session, "g");
}

static void call_bind(struct weir_session *session)
{
    weir_session_bind(session, "n", WEIR_BIND_IF_FREE);
}

static void call_sendv(struct weir_session *session)
{
    weir_session_sendv(session, NULL, 0);
}

static void call_send_static(struct weir_session *session)
{
    weir_session_send_static(session, "x", 1, NULL, NULL);
}

static void call_set_idle_timeout(struct weir_session *session)
{
    weir_session_set_idle_timeout(session, 1);
}

static void call_set_message_max(struct weir_session *session)
{
    weir_session_set_message_max(session, 1);
}

static void call_set_codec(struct weir_session *session)
{
    weir_session_set_codec(session, NULL);
}

static void call_local_address(struct weir_session *session)
{
    struct weir_address local;

    weir_session_local_address(session, &local);
}

static void call_inspect(struct weir_session *session)
{
    struct weir_session_info info;

    weir_session_inspect(session, &info);
}

static void call_open_timer(struct weir_session *session)
{
    struct weir_timer *timer;

    weir_timer_open(weir_worker_of(session), do_nothing, NULL, &timer);
}

static void call_set_user(struct weir_session *session)
{
    weir_worker_set_user(weir_worker_of(session), NULL);
}

static void call_visit(struct weir_session *session)
{
    weir_worker_visit(weir_worker_of(session), 0, 1, visit, NULL);
}

typedef void call_on_session(struct weir_session *session);

static call_on_session *const session_calls[] = {
    call_send,
    weir_session_finish,
    weir_session_abort,
    call_fail,
    call_broadcast,
    weir_session_pause,
    weir_session_resume,
    weir_session_hold,
    weir_session_release,
    call_start_timer,
    weir_session_stop_timer,
    call_join,
    call_leave,
    call_open_timer,
    call_set_user,
    call_visit,
    call_bind,
    weir_session_unbind,
    weir_session_vouch,
    call_sendv,
    call_send_static,
    weir_session_end_output,
    call_set_idle_timeout,
    call_set_message_max,
    call_set_codec,
    call_local_address,
    call_inspect,
};

/* The argument points to the function. */
static void call_elsewhere(void *argument)
{
    call_on_session *const *call = argument;
    struct weir_config config = config_of(1);

    in_handler = NULL;
    start_server(&config);
    connect_and_wait();
    (*call)(atomic_load(&opened)); /* on this thread */
}

static void sessions_are_used_by_their_worker_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof session_calls / sizeof session_calls[0]; i++)
        require_death(call_elsewhere, (void *)(uintptr_t)&session_calls[i],
                      RULE "a session, a worker and its timers are used by the thread");
}

/* ---- servers inside their own callbacks ---- */

static void free_server(struct weir_session *session)
{
    weir_server_free(weir_session_server(session));
}

static void wait_for_server(struct weir_session *session)
{
    weir_server_wait(weir_session_server(session));
}

/* The argument points to the function. */
static void call_in_handler(void *argument)
{
    struct weir_config config = config_of(2);

    in_handler = *(call_on_session *const *)argument;
    start_server(&config);
    connect_and_wait();
    wait_forever();
}

static void free_in_log(void *user, enum weir_log_level level, const char *line)
{
    (void)user;
    (void)level;
    (void)line;
    weir_server_free(server);
}

static void free_while_logging(void *argument)
{
    struct weir_config config = config_of(1);

    (void)argument;
    config.log = free_in_log;
    config.log_level = WEIR_LOG_INFO; /* so that the start logs a line */
    start_server(&config);
    wait_forever();
}

static void free_when_stopped(void *user)
{
    (void)user;
    weir_server_free(server);
}

static void free_in_on_stopped(void *argument)
{
    struct weir_config config = config_of(1);

    (void)argument;
    config.on_stopped = free_when_stopped;
    start_server(&config);
    weir_server_stop(server);
    wait_forever();
}

static void only_the_current_message_is_sent_back(void **state)
{
    static call_on_session *const call = call_send_back;

    (void)state;
    require_death(call_elsewhere, (void *)(uintptr_t)&call,
                  RULE "weir_session_send_back is for the message that on_message is handling");
    require_death(call_in_handler, (void *)(uintptr_t)&call,
                  RULE "weir_session_send_back is for the message that on_message is handling");
}

static void a_server_is_not_freed_inside_its_callbacks(void **state)
{
    static call_on_session *const calls[] = {free_server, wait_for_server};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        require_death(call_in_handler, (void *)(uintptr_t)&calls[i],
                      RULE "weir_server_wait() and weir_server_free() are not called inside a "
                           "callback");
    require_death(free_in_on_stopped, NULL,
                  RULE "weir_server_wait() and weir_server_free() are not called inside a "
                       "callback");
    require_death(free_while_logging, NULL,
                  RULE "weir_server_wait() and weir_server_free() are not called inside `log`");
}

/* ---- servers that are freed, or not started ---- */

static void call_listen(void)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};

    weir_server_listen(server, &listen, NULL);
}

static void call_start(void)
{
    weir_server_start(server, NULL);
}

static void call_run(void)
{
    weir_server_run(server, NULL);
}

static void call_step(void)
{
    weir_server_step(server, 0);
}

static void call_drain(void)
{
    weir_server_drain(server, 0);
}

static void call_stop(void)
{
    weir_server_stop(server);
}

static void call_wait(void)
{
    weir_server_wait(server);
}

static void call_free(void)
{
    weir_server_free(server);
}

typedef void call_on_server(void);

static call_on_server *const server_calls[] = {call_listen, call_start, call_run,  call_step,
                                               call_drain,  call_stop,  call_wait, call_free};

/* The argument points to the function. */
static void call_after_free(void *argument)
{
    struct weir_config config = config_of(1);

    open_server(&config);
    weir_server_free(server);
    (*(call_on_server *const *)argument)();
}

#if defined(MEMORY_ASAN)

#include <sanitizer/common_interface_defs.h>

static void call_after_free_sanitized(void *argument)
{
    __sanitizer_set_death_callback(abort); /* as require_death() expects it */
    call_after_free(argument);
}

#endif

static void call_send_freed(void)
{
    weir_send(server, 1, "x", 1);
}

static void call_send_name(void)
{
    weir_send_name(server, "n", "x", 1);
}

static void call_broadcast_freed(void)
{
    weir_broadcast(server, "g", "x", 1, 0);
}

static void call_post(void)
{
    weir_post(server, 0, do_nothing, NULL);
}

static void call_post_session(void)
{
    weir_post_session(server, 1, visit, NULL);
}

static void call_finish(void)
{
    weir_finish(server, 1);
}

static void call_count(void)
{
    weir_group_count(server, "g", 0, NULL, NULL);
}

static void call_log(void)
{
    weir_log(server, WEIR_LOG_ERROR, "x");
}

static void call_stats(void)
{
    struct weir_stats stats;

    weir_server_stats(server, &stats);
}

static void call_failure(void)
{
    weir_server_failure(server, NULL);
}

static void call_workers_count(void)
{
    weir_server_workers_count(server);
}

static void call_worker_stats(void)
{
    struct weir_worker_stats stats;

    weir_server_worker_stats(server, 0, &stats);
}

static void call_sessions_list(void)
{
    struct weir_sessions_query query = {.size = sizeof query};

    weir_sessions_list(server, &query);
}

static void call_listeners_count(void)
{
    weir_server_listeners_count(server);
}

static void call_listener(void)
{
    struct weir_listener_info info;

    weir_server_listener(server, 0, &info);
}

static void call_connect(void)
{
    struct weir_connect_options connect;

    weir_connect_init(&connect);
    weir_connect(server, &connect, NULL, NULL);
}

static void call_disconnect(void)
{
    weir_disconnect(server, 1);
}

/* Most calls are reported by the sanitizer of memory before weir can. */
static call_on_server *const frequent_calls[] = {
    call_send_freed,    call_send_name, call_broadcast_freed, call_post,
    call_post_session,  call_finish,    call_count,           call_log,
    call_stats,         call_failure,   call_workers_count,   call_worker_stats,
    call_sessions_list, call_listener,  call_listeners_count, call_connect,
    call_disconnect,
};

static void a_freed_server_is_sent_nothing(void **state)
{
    (void)state;
#if defined(MEMORY_ASAN)
    for (size_t i = 0; i < sizeof frequent_calls / sizeof frequent_calls[0]; i++)
        require_death(call_after_free_sanitized, (void *)(uintptr_t)&frequent_calls[i],
                      "heap-use-after-free");
#elif defined(__SANITIZE_THREAD__)
    (void)frequent_calls;
    skip(); /* the sanitizer reports the first use of freed memory, and goes on */
#else
    for (size_t i = 0; i < sizeof frequent_calls / sizeof frequent_calls[0]; i++)
        require_death(call_after_free, (void *)(uintptr_t)&frequent_calls[i],
                      RULE "a server is used after weir_server_free(), or freed twice");
#endif
}

static void a_freed_server_is_not_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof server_calls / sizeof server_calls[0]; i++)
        require_death(call_after_free, (void *)(uintptr_t)&server_calls[i],
                      RULE "a server is used after weir_server_free(), or freed twice");
}

static void start_here(uint32_t workers)
{
    struct weir_config config = config_of(workers);

    open_server(&config);
    require(weir_server_start_here(server, NULL) == WEIR_OK);
}

static void start_twice(void *argument)
{
    struct weir_config config = config_of(1);

    (void)argument;
    start_server(&config);
    weir_server_start(server, NULL);
}

static void listen_here(void *argument)
{
    (void)argument;
    start_here(1);
    call_listen();
}

static void ask_for_a_listener(void *argument)
{
    struct weir_listener_info info;
    struct weir_config config = config_of(1);

    (void)argument;
    open_server(&config);
    weir_server_listener(server, 1, &info);
}

static void a_server_starts_once(void **state)
{
    (void)state;
    require_death(start_twice, NULL, RULE "weir_server_start is called once");
    require_death(listen_here, NULL, RULE "weir_server_listen() and weir_server_unlisten() of a");
    require_death(ask_for_a_listener, NULL, RULE "the index is below");
}

/* ---- posts, timers, visits ---- */

static void post_nothing(void *argument)
{
    (void)argument;
    weir_post(server, 0, NULL, NULL);
}

static void post_nothing_to_a_session(void *argument)
{
    (void)argument;
    weir_post_session(server, 1, NULL, NULL);
}

static void post_too_far(void *argument)
{
    struct weir_config config = config_of(2);

    (void)argument;
    start_server(&config);
    weir_post(server, 2, do_nothing, NULL);
}

static void open_timer_for_nothing(struct weir_session *session)
{
    struct weir_timer *timer;

    weir_timer_open(weir_worker_of(session), NULL, NULL, &timer);
}

static void visit_none(struct weir_session *session)
{
    weir_worker_visit(weir_worker_of(session), 0, 0, NULL, NULL);
}

static void work_needs_functions_and_workers(void **state)
{
    static call_on_session *const calls[] = {open_timer_for_nothing, visit_none};
    static const char *const rules[] = {RULE "weir_timer_open() needs a function to call",
                                        RULE "weir_worker_visit() visits at least one session"};

    (void)state;
    require_death(post_nothing, NULL, RULE "weir_post() needs a function to call");
    require_death(post_nothing_to_a_session, NULL,
                  RULE "weir_post_session() needs a function to call");
    require_death(post_too_far, NULL, RULE "the number of a worker is below");
    for (size_t i = 0; i < 2; i++)
        require_death(call_in_handler, (void *)(uintptr_t)&calls[i], rules[i]);
}

/* ---- timers of a worker ---- */

static struct weir_timer *timer;

static void open_timer(struct weir_session *session)
{
    require(weir_timer_open(weir_worker_of(session), do_nothing, NULL, &timer) == WEIR_OK);
}

static void start_timer(void)
{
    weir_timer_start(timer, 1, 0);
}

static void stop_timer(void)
{
    weir_timer_stop(timer);
}

static void free_timer(void)
{
    weir_timer_free(timer);
}

/* The argument points to the function. */
static void use_a_timer_elsewhere(void *argument)
{
    struct weir_config config = config_of(1);

    in_handler = open_timer;
    start_server(&config);
    connect_and_wait();
    (*(call_on_server *const *)argument)(); /* on this thread */
}

static void timers_are_used_by_their_worker_alone(void **state)
{
    static call_on_server *const calls[] = {start_timer, stop_timer, free_timer};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        require_death(use_a_timer_elsewhere, (void *)(uintptr_t)&calls[i],
                      RULE "a session, a worker and its timers are used by the thread");
}

/* ---- null names and callbacks, and connections ---- */

static void join_null(struct weir_session *session)
{
    weir_session_join(session, NULL);
}

static void leave_null(struct weir_session *session)
{
    weir_session_leave(session, NULL);
}

static void bind_null(struct weir_session *session)
{
    weir_session_bind(session, NULL, WEIR_BIND_IF_FREE);
}

static void take_count(const struct weir_group_members *count, void *argument)
{
    (void)count;
    (void)argument;
}

static void count_null(struct weir_session *session)
{
    weir_group_count(weir_session_server(session), NULL, 0, take_count, NULL);
}

static void count_without_callback(struct weir_session *session)
{
    weir_group_count(weir_session_server(session), "g", 0, NULL, NULL);
}

static void send_to_null(struct weir_session *session)
{
    weir_send_name(weir_session_server(session), NULL, "x", 1);
}

static void names_and_callbacks_are_not_null(void **state)
{
    static const struct {
        call_on_session *call;
        const char *rule;
    } cases[] = {
        {join_null, RULE "weir_session_join: the group is null"},
        {leave_null, RULE "weir_session_leave: the group is null"},
        {bind_null, RULE "weir_session_bind: the name is null"},
        {count_null, RULE "weir_group_count: the group is null"},
        {count_without_callback, RULE "weir_group_count takes a function that receives the count"},
        {send_to_null, RULE "weir_send_name: the name is null"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        require_death(call_in_handler, (void *)(uintptr_t)&cases[i].call, cases[i].rule);
}

static void disconnect_too_early(void *argument)
{
    struct weir_config config = config_of(1);

    (void)argument;
    open_server(&config);
    weir_disconnect(server, 1);
}

static void only_a_started_server_disconnects(void **state)
{
    (void)state;
    require_death(disconnect_too_early, NULL, RULE "weir_disconnect comes after weir_server_start");
}

/* ---- a server on the caller's thread ---- */

static void run_on_thread(void *argument)
{
    (*(call_on_server *const *)argument)();
}

/* The argument points to the function. */
static void call_on_another_thread(void *argument)
{
    int os_error;

    start_here(1);
    struct thread *thread = thread_start("other", run_on_thread, argument, &os_error);
    require(thread != NULL);
    thread_join(thread);
}

static void step_a_server_with_threads(void *argument)
{
    struct weir_config config = config_of(1);

    (void)argument;
    start_server(&config);
    call_step();
}

static void step_two_workers(void *argument)
{
    (void)argument;
    start_here(2);
    call_step();
}

static void step_in_a_tick(struct weir_worker *worker)
{
    (void)worker;
    call_step();
}

static void step_in_a_callback(void *argument)
{
    struct weir_config config = config_of(1);

    (void)argument;
    config.tick_ms = 1;
    config.on_tick = step_in_a_tick;
    open_server(&config);
    weir_server_run(server, NULL);
}

static void a_server_here_has_one_thread(void **state)
{
    static call_on_server *const runs[] = {call_step, call_run};
    static call_on_server *const waits[] = {call_wait, call_free};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        require_death(call_on_another_thread, (void *)(uintptr_t)&runs[i],
                      RULE "weir_server_run(), weir_server_step() and weir_server_descriptor() are "
                           "called on the thread");
    for (size_t i = 0; i < 2; i++)
        require_death(call_on_another_thread, (void *)(uintptr_t)&waits[i],
                      RULE "weir_server_wait() and weir_server_free() are called on the thread");
    require_death(step_a_server_with_threads, NULL,
                  RULE "weir_server_step() and weir_server_descriptor() are for a server");
    require_death(step_two_workers, NULL,
                  RULE "weir_server_step() is for a server with one worker");
    require_death(step_in_a_callback, NULL,
                  RULE "weir_server_run() and weir_server_step() are not called inside a callback");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_used_by_their_worker_alone),
        cmocka_unit_test(only_the_current_message_is_sent_back),
        cmocka_unit_test(a_server_is_not_freed_inside_its_callbacks),
        cmocka_unit_test(a_freed_server_is_not_used),
        cmocka_unit_test(a_freed_server_is_sent_nothing),
        cmocka_unit_test(a_server_starts_once),
        cmocka_unit_test(work_needs_functions_and_workers),
        cmocka_unit_test(timers_are_used_by_their_worker_alone),
        cmocka_unit_test(names_and_callbacks_are_not_null),
        cmocka_unit_test(only_a_started_server_disconnects),
        cmocka_unit_test(a_server_here_has_one_thread),
    };

    return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
