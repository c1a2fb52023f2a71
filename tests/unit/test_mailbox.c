/* SPDX-License-Identifier: MIT */
/* test_mailbox.c - the mailbox: each command once and in its sender's order, full, closed,
 * woken; and all of it with senders on threads of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mailbox.h"
#include "memory_faults.h"
#include "plain_socket.h"
#include "require.h"
#include "thread.h"
#include "transport_alone.h"

static struct mailbox mailbox;
static struct net *net;

static struct net *open_net(void)
{
    struct net_options options;
    struct net *opened;

    net_options_init(&options);
    options.transport = transport_alone_name();
    options.stream_buffers_max = 16;
    options.datagram_buffers_max = 16;
    options.handles_max = 16;
    require_equal(net_open(&options, &opened, NULL), WEIR_OK);
    return opened;
}

static void begin(uint32_t commands_max)
{
    net = open_net();
    require(mailbox_init(&mailbox, commands_max, 1000));
    mailbox_open(&mailbox, net);
}

static void end(void)
{
    require(mailbox_shut(&mailbox));
    require(mailbox_shut(&mailbox)); /* and stays so */
    mailbox_free(&mailbox);
    mailbox_free(&mailbox); /* harmless */
    net_free(net);
}

static enum mailbox_posted post(uint64_t id)
{
    struct mailbox_command choice = {.kind = MAILBOX_FINISH, .id = id};

    return mailbox_post(&mailbox, &choice);
}

static uint64_t take(void)
{
    struct mailbox_command choice;

    require(mailbox_take(&mailbox, &choice));
    require_equal(choice.kind, MAILBOX_FINISH);
    return choice.id;
}

static bool is_empty(void)
{
    struct mailbox_command choice;

    return !mailbox_take(&mailbox, &choice);
}

/* Whether a wake-up has come; waits for none. */
static bool was_woken(void)
{
    struct net_event events[4];
    bool woken = false;
    uint32_t count;

    while ((count = net_wait(net, 0, events, 4)) > 0)
        for (uint32_t i = 0; i < count; i++) woken |= events[i].kind == NET_WOKEN;
    return woken;
}

static void a_command_is_copied_whole(void **state)
{
    struct mailbox_command choice = {.kind = MAILBOX_BROADCAST,
                                     .service = (const struct service *)&mailbox,
                                     .socket = {.os_handle = 77},
                                     .peer = {.ip = {1, 2, 3}, .port = 4},
                                     .id = 5,
                                     .payload = (struct payload *)&net};
    struct mailbox_command got;

    (void)state;
    begin(4);
    require_equal(mailbox_post(&mailbox, &choice), MAILBOX_POSTED);
    require(mailbox_take(&mailbox, &got));
    require_equal(got.kind, MAILBOX_BROADCAST);
    require(got.service == choice.service && got.payload == choice.payload);
    require_equal(got.socket.os_handle, 77);
    require_equal(got.id, 5);
    require(memcmp(&got.peer, &choice.peer, sizeof got.peer) == 0);
    end();
}

/* Many laps, at every size and fill. */
static void the_first_in_is_the_first_out(void **state)
{
    (void)state;
    for (uint32_t commands_max = 1; commands_max <= 9; commands_max++) {
        uint64_t in = 0, out = 0;
        begin(commands_max);
        require(mailbox.cells_count >= commands_max && mailbox.cells_count <= 2 * commands_max);
        for (uint32_t lap = 0; lap < 100; lap++) {
            uint64_t fill = 1 + lap % mailbox.cells_count;
            while (in - out < fill) require_equal(post(in++), MAILBOX_POSTED);
            require_equal(mailbox_count(&mailbox), fill);
            while (out + lap % 2 < in) require_equal(take(), out++);
        }
        while (out < in) require_equal(take(), out++);
        require(is_empty());
        end();
    }
}

static void full_says_so(void **state)
{
    (void)state;
    begin(3);
    for (uint64_t i = 0; i < 4; i++) require_equal(post(i), MAILBOX_POSTED);
    require_equal(post(4), MAILBOX_FULL);
    require_equal(take(), 0);
    require_equal(post(4), MAILBOX_POSTED);
    require_equal(post(5), MAILBOX_FULL);
    for (uint64_t i = 1; i <= 4; i++) require_equal(take(), i);
    require(is_empty());
    end();
}

static void shut_only_while_empty_and_then_for_ever(void **state)
{
    (void)state;
    net = open_net();
    require(mailbox_init(&mailbox, 4, 1000));
    require_equal(post(1), MAILBOX_SHUT); /* not open yet */
    mailbox_wake(&mailbox);
    require(!was_woken());
    mailbox_open(&mailbox, net);
    require_equal(post(2), MAILBOX_POSTED);
    require(!mailbox_shut(&mailbox));
    require_equal(post(3), MAILBOX_POSTED); /* the attempt changed nothing */
    require_equal(take(), 2);
    require_equal(take(), 3);
    require(was_woken());
    require(mailbox_shut(&mailbox));
    require_equal(post(4), MAILBOX_SHUT);
    mailbox_wake(&mailbox);
    require(!was_woken());
    require(is_empty());
    require_equal(mailbox_count(&mailbox), 0);
    mailbox_free(&mailbox);
    net_free(net);
}

static void one_wake_up_is_enough(void **state)
{
    (void)state;
    begin(8);
    require(!was_woken());
    post(1);
    require(was_woken());
    post(2);
    post(3);
    require(!was_woken()); /* the first has not been answered by a look */
    for (uint64_t i = 1; i <= 3; i++) require_equal(take(), i);
    post(4);
    require(!was_woken()); /* nor now: the look has not come to its end */
    require_equal(take(), 4);
    require(is_empty());
    post(5);
    require(was_woken());
    mailbox_wake(&mailbox);
    require(was_woken()); /* always */
    require_equal(take(), 5);
    end();
}

/* Pauses between reserving a cell and writing the command, as a sender may. */
static void an_unwritten_command_delays_the_next(void **state)
{
    (void)state;
    begin(4);
    require_equal(post(1), MAILBOX_POSTED);
    require_equal(take(), 1);
    require(is_empty());
    uint64_t position = atomic_fetch_add(&mailbox.tail, 1);
    require_equal(post(3), MAILBOX_POSTED);
    require(is_empty());
    require(!mailbox_shut(&mailbox));
    uint64_t tail = mailbox.tail;
    mailbox.tail = position; /* now it writes */
    require_equal(post(2), MAILBOX_POSTED);
    mailbox.tail = tail;
    require_equal(take(), 2);
    require_equal(take(), 3);
    require(is_empty());
    end();
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    memory_fail_nth(1, 0);
    require(!mailbox_init(&mailbox, 4, 1000));
    memory_fail_nth(0, 0);
    mailbox_free(&mailbox);
}

static void free_while_open(void *argument)
{
    (void)argument;
    mailbox_free(&mailbox);
}

static void an_open_one_is_not_freed(void **state)
{
    (void)state;
    begin(1);
    require_death(free_while_open, NULL, "MAILBOX__SHUT");
    end();
}

/* ---- with threads ---- */

#define SENDERS 4
#define COMMANDS_MAX 20000u
#define COMMANDS_WINE 2000u /* each wake-up passes Wine's server process: minutes if it is busy */

static uint32_t commands_count = COMMANDS_MAX; /* per sender */

static struct sender {
    struct thread *thread;
    uint32_t number;
    uint32_t posted_count, full_count;
    bool shut;
} senders[SENDERS];

static uint64_t id_of(uint32_t sender, uint32_t choice)
{
    return (uint64_t)sender << 32 | choice;
}

/* Posts its commands, each until it is accepted; ends early when the mailbox is closed. */
static void send_commands(void *argument)
{
    struct sender *sender = argument;

    while (sender->posted_count < commands_count && !sender->shut) {
        enum mailbox_posted posted = post(id_of(sender->number, sender->posted_count));
        if (posted == MAILBOX_POSTED) sender->posted_count++;
        if (posted == MAILBOX_SHUT) sender->shut = true;
        if (posted != MAILBOX_FULL) continue;
        sender->full_count++;
        thread_yield();
    }
}

static void start_senders(void (*run)(void *argument))
{
    int os_error;

    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.number = i};
        senders[i].thread = thread_start("sender", run, &senders[i], &os_error);
        require(senders[i].thread != NULL);
    }
}

static void join_senders(void)
{
    for (uint32_t i = 0; i < SENDERS; i++) thread_join(senders[i].thread);
}

/* As a worker does: sleeps until it is woken, then takes all there is. A lost wake-up would let it
 * sleep forever. */
static uint32_t take_step(uint32_t taken[SENDERS], uint32_t most)
{
    struct net_event events[4];
    struct mailbox_command choice;
    uint32_t count = 0;

    require(net_wait(net, NET_FOREVER, events, 4) > 0);
    for (; count < most && mailbox_take(&mailbox, &choice); count++) {
        uint32_t sender = (uint32_t)(choice.id >> 32);
        require(sender < SENDERS);
        require_equal(choice.id, id_of(sender, taken[sender]));
        taken[sender]++;
    }
    return count;
}

static void each_command_comes_once_and_in_order(void **state)
{
    static const uint32_t sizes[] = {1, 2, 64, 4096};

    (void)state;
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint32_t taken[SENDERS] = {0}, count = 0;
        begin(sizes[i]);
        start_senders(send_commands);
        while (count < SENDERS * commands_count) count += take_step(taken, UINT32_MAX);
        join_senders();
        require(is_empty());
        for (uint32_t n = 0; n < SENDERS; n++) require_equal(taken[n], commands_count);
        end();
    }
}

/* The owner shuts as soon as it finds the mailbox empty, somewhere in the middle, and frees its net
 * at the same time: accepted commands are seen, others stay, and no thread wakes a freed net. */
static void shutting_loses_no_command(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t taken[SENDERS] = {0}, count = 0;
        begin(8);
        start_senders(send_commands);
        while (count < 10 * round) count += take_step(taken, UINT32_MAX);
        while (!mailbox_shut(&mailbox)) take_step(taken, UINT32_MAX);
        net_free(net);
        join_senders();
        for (uint32_t n = 0; n < SENDERS; n++) require_equal(senders[n].posted_count, taken[n]);
        mailbox_free(&mailbox);
    }
}

static void wake_on(void *argument)
{
    (void)argument;
    while ((atomic_load(&mailbox.tail) >> 63) == 0) mailbox_wake(&mailbox);
    mailbox_wake(&mailbox);
}

static void no_thread_wakes_a_freed_net(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        struct net_event events[4];
        begin(8);
        start_senders(wake_on);
        require(net_wait(net, NET_FOREVER, events, 4) > 0);
        require(mailbox_shut(&mailbox));
        net_free(net);
        join_senders();
        mailbox_free(&mailbox);
    }
}

/* One that has looked before the mailbox was shut, and takes its time to wake. */
static void leave_late(void *argument)
{
    (void)argument;
    while ((atomic_load(&mailbox.tail) >> 63) == 0) thread_yield();
    for (int i = 0; i < 100; i++) thread_yield();
    net_wake(mailbox.net); /* it still lives */
    atomic_fetch_sub(&mailbox.posters, 1);
}

static void shutting_waits_for_active_senders(void **state)
{
    int os_error;

    (void)state;
    begin(8);
    atomic_fetch_add(&mailbox.posters, 1);
    struct thread *thread = thread_start("late", leave_late, NULL, &os_error);
    require(thread != NULL);
    require(mailbox_shut(&mailbox));
    require_equal(mailbox.posters, 0);
    thread_join(thread);
    mailbox_free(&mailbox);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_copied_whole),
        cmocka_unit_test(the_first_in_is_the_first_out),
        cmocka_unit_test(full_says_so),
        cmocka_unit_test(shut_only_while_empty_and_then_for_ever),
        cmocka_unit_test(one_wake_up_is_enough),
        cmocka_unit_test(an_unwritten_command_delays_the_next),
        cmocka_unit_test(without_memory_there_is_none),
        cmocka_unit_test(an_open_one_is_not_freed),
        cmocka_unit_test(each_command_comes_once_and_in_order),
        cmocka_unit_test(shutting_loses_no_command),
        cmocka_unit_test(no_thread_wakes_a_freed_net),
        cmocka_unit_test(shutting_waits_for_active_senders),
    };

    if (plain_is_wine()) commands_count = COMMANDS_WINE;
    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
