/* SPDX-License-Identifier: MIT */
/* injected.c - proof that the suite can fail: a transport made to misbehave in one way, and the
 * tests that must notice.
 *
 *    contract --planted=FAULT: each fresh net's table is copied, and some of its calls end here
 *
 * The group below runs this program again, once for each fault, and demands that it fails.
 */
#include <stdio.h>

#include "clock.h"
#include "contract.h"
#include "transport.h"

/* How long a faulty run may take to fail: so many times what the good one took, and not less than
 * this. Faults that make it wait for ever fail then. */
#define INJECTED__PATIENCE_TIMES 4
#define INJECTED__PATIENCE_MS_MIN UINT64_C(1500)

static const struct transport *injected__inner; /* the real one */
static struct transport injected__table;        /* its copy, spoiled */
static struct handle *injected__handle;         /* the connection that was touched last */
static uint32_t injected__calls;

/* ---- the faults: each spoils one call ---- */

static void injected__send_and_note(struct net *net, struct handle *handle,
                                    struct net_buffer *const *buffers, uint32_t count)
{
    injected__handle = handle;
    injected__inner->send(net, handle, buffers, count);
}

static void injected__wait_answers_twice(struct net *net, uint64_t until_ns)
{
    struct handle *handle = injected__handle;

    injected__inner->wait(net, until_ns);
    if (handle && handle->kind == HANDLE_CONNECTION && !handle->send_out && !handle->closing &&
        handle_table_has_room(&net->handle_table))
        handle_table_event(net, handle, NET_SENT);
}

static void injected__send_gives_back_early(struct net *net, struct handle *handle,
                                            struct net_buffer *const *buffers, uint32_t count)
{
    struct net_buffer *first = buffers[0];

    injected__inner->send(net, handle, buffers, count);
    pool_give_back(first, POOL_SYSTEM);
}

static void injected__close_before_answers(struct net *net, struct handle *handle)
{
    if (handle->send_out && !handle->sent_ready)
        handle_table_closed(net, handle);
    else
        injected__inner->close(net, handle);
}

static void injected__receive_and_note(struct net *net, struct handle *handle, bool on)
{
    injected__handle = handle;
    injected__inner->receive(net, handle, on);
}

static void injected__wait_delivers_while_off(struct net *net, uint64_t until_ns)
{
    struct handle *handle = injected__handle;

    injected__inner->wait(net, until_ns);
    if (!handle || handle->kind != HANDLE_CONNECTION || handle->flow_on || handle->closing) return;
    struct net_buffer *buffer = handle_table_has_room(&net->handle_table)
                                    ? pool_take(&net->stream_pool, POOL_SYSTEM)
                                    : NULL;
    if (!buffer) return;
    buffer->length = 1;
    handle_table_received(net, handle, buffer);
}

static void injected__send_cuts(struct net *net, struct handle *handle,
                                struct net_buffer *const *buffers, uint32_t count)
{
    if (buffers[count - 1]->length > 1) buffers[count - 1]->length--;
    injected__inner->send(net, handle, buffers, count);
}

static void injected__send_swaps(struct net *net, struct handle *handle,
                                 struct net_buffer *const *buffers, uint32_t count)
{
    struct net_buffer *swapped[NET_SEND_BUFFERS_MAX];

    for (uint32_t i = 0; i < count; i++) swapped[i] = buffers[count - 1 - i];
    injected__inner->send(net, handle, swapped, count);
}

static void injected__send_never_answers(struct net *net, struct handle *handle,
                                         struct net_buffer *const *buffers, uint32_t count)
{
    if (++injected__calls % 3 != 0) {
        injected__inner->send(net, handle, buffers, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) pool_give_back(buffers[i], POOL_SYSTEM);
}

/* Calls `spoil` for each event of that kind. */
static void injected__wait_then(struct net *net, uint64_t until_ns, enum net_event_kind kind,
                                void (*spoil)(struct net *net, struct net_event *event))
{
    uint32_t first = net->handle_table.events_count;

    injected__inner->wait(net, until_ns);
    uint32_t count = net->handle_table.events_count;
    for (uint32_t i = first; i < count; i++)
        if (net->handle_table.events[i].kind == kind) spoil(net, &net->handle_table.events[i]);
}

static void injected__flip(struct net *net, struct net_event *event)
{
    (void)net;
    event->buffer->bytes[event->buffer->length / 2] ^= 1;
}

static void injected__wait_flips_a_bit(struct net *net, uint64_t until_ns)
{
    injected__wait_then(net, until_ns, NET_RECEIVED, injected__flip);
}

static void injected__end(struct net *net, struct net_event *event)
{
    struct handle *handle = handle_table_at(&net->handle_table, event->handle.index);

    if (handle_table_has_room(&net->handle_table) && !handle->peer_done)
        handle_table_event(net, handle, NET_PEER_DONE);
}

static void injected__wait_ends_early(struct net *net, uint64_t until_ns)
{
    injected__wait_then(net, until_ns, NET_RECEIVED, injected__end);
}

static void injected__cut_datagram(struct net *net, struct net_event *event)
{
    (void)net;
    if (event->buffer->length > 1) event->buffer->length--;
}

static void injected__wait_cuts_datagrams(struct net *net, uint64_t until_ns)
{
    injected__wait_then(net, until_ns, NET_DATAGRAM, injected__cut_datagram);
}

static void injected__misname(struct net *net, struct net_event *event)
{
    (void)net;
    event->local.ip[15] ^= 4;
}

static void injected__wait_misnames_the_local(struct net *net, uint64_t until_ns)
{
    injected__wait_then(net, until_ns, NET_DATAGRAM, injected__misname);
}

static void injected__count_empty(struct net *net, struct net_event *event)
{
    (void)net;
    if (event->buffer->length == 0) injected__calls++;
}

/* For each empty one a buffer is never seen again. */
static void injected__wait_leaks_empty_datagrams(struct net *net, uint64_t until_ns)
{
    while (injected__calls > 0 && pool_take(&net->datagram_pool, POOL_SYSTEM)) injected__calls--;
    injected__wait_then(net, until_ns, NET_DATAGRAM, injected__count_empty);
}

static void injected__send_moves_the_clock(struct net *net, struct handle *handle,
                                           struct net_buffer *const *buffers, uint32_t count)
{
    net->now_ns++;
    injected__inner->send(net, handle, buffers, count);
}

static void injected__wait_returns_early(struct net *net, uint64_t until_ns)
{
    (void)until_ns;
    injected__inner->wait(net, 0);
}

static void injected__wait_spins_when_starved(struct net *net, uint64_t until_ns)
{
    injected__inner->wait(net, net->handle_table.starved ? 0 : until_ns);
}

static void injected__wait_forgets_a_buffer(struct net *net, uint64_t until_ns)
{
    if (++injected__calls == 5) pool_take(&net->stream_pool, POOL_SYSTEM);
    injected__inner->wait(net, until_ns);
}

static void injected__finish_does_nothing(struct net *net, struct handle *handle)
{
    (void)net;
    (void)handle;
}

static void injected__refuse_does_nothing(struct net *net, struct net_socket socket)
{
    (void)net;
    (void)socket;
}

static void injected__wake_does_nothing(struct net *net)
{
    (void)net;
}

static void injected__send_to_cuts(struct net *net, struct handle *handle,
                                   const struct weir_address *peer,
                                   const struct weir_address *local, struct net_buffer *buffer,
                                   uint32_t segment_bytes)
{
    (void)segment_bytes; /* a train leaves as one long datagram */
    injected__inner->send_to(net, handle, peer, local, buffer, 0);
}

/* ---- the list: each fault, what it spoils, and which test must notice ---- */

static const struct injected__fault {
    const char *name;
    struct transport spoiled; /* its calls that are not null replace the real ones */
    const char *group, *test;
} injected__faults[] = {
    {"answers-twice",
     {.send = injected__send_and_note, .wait = injected__wait_answers_twice},
     "rule_02_answer",
     "each_send_is_answered_once"},
    {"gives-back-early",
     {.send = injected__send_gives_back_early},
     "rule_05_owner",
     "a_buffer_may_be_sent_*"},
    {"closes-before-answers",
     {.close = injected__close_before_answers},
     "rule_07_last",
     "a_close_under_a_send_that_nobody_reads"},
    {"delivers-while-off",
     {.receive = injected__receive_and_note, .wait = injected__wait_delivers_while_off},
     "rule_01_demand",
     "what_is_held_*"},
    {"cuts-sends", {.send = injected__send_cuts}, "rule_04_whole", "an_echo_in_pieces_of_16384"},
    {"swaps-buffers", {.send = injected__send_swaps}, "rule_03_order", "sends_of_1_to_16_*"},
    {"never-answers",
     {.send = injected__send_never_answers},
     "rule_02_answer",
     "each_send_is_answered_once"},
    {"flips-a-bit",
     {.wait = injected__wait_flips_a_bit},
     "rule_04_whole",
     "an_echo_in_pieces_of_16384"},
    {"ends-early",
     {.wait = injected__wait_ends_early},
     "rule_04_whole",
     "an_echo_in_pieces_of_16384"},
    {"cuts-datagrams", {.wait = injected__wait_cuts_datagrams}, "datagrams", "every_size_*"},
    {"misnames-the-local",
     {.wait = injected__wait_misnames_the_local},
     "datagrams",
     "the_local_address_*"},
    {"leaks-empty-datagrams",
     {.wait = injected__wait_leaks_empty_datagrams},
     "datagrams",
     "empty_datagrams_*"},
    {"joins-trains", {.send_to = injected__send_to_cuts}, "datagrams", "a_train_*"},
    {"moves-the-clock",
     {.send = injected__send_moves_the_clock},
     "rule_09_clock",
     "the_clock_stands_*"},
    {"returns-early",
     {.wait = injected__wait_returns_early},
     "rule_09_clock",
     "a_deadline_is_a_floor"},
    {"spins-when-starved",
     {.wait = injected__wait_spins_when_starved},
     "rule_08_scarcity",
     "without_files_accepting_*"},
    {"forgets-a-buffer",
     {.wait = injected__wait_forgets_a_buffer},
     "rule_05_owner",
     "all_buffers_are_home_*"},
    {"forgets-the-finish",
     {.finish = injected__finish_does_nothing},
     "rule_06_commit",
     "a_finish_leaves_*"},
    {"forgets-the-refused",
     {.refuse = injected__refuse_does_nothing},
     "rule_07_last",
     "a_listener_whose_sockets_are_refused_later"},
    {"forgets-to-wake",
     {.wake = injected__wake_does_nothing},
     "rule_02_answer",
     "a_wake_is_answered_*"},
};

#define INJECTED__REPLACE(call) \
    if (injected__chosen->spoiled.call) injected__table.call = injected__chosen->spoiled.call

static const struct injected__fault *injected__chosen;

static void injected__plant(struct net *net)
{
    injected__inner = net->transport;
    injected__table = *injected__inner;
    INJECTED__REPLACE(send);
    INJECTED__REPLACE(wait);
    INJECTED__REPLACE(close);
    INJECTED__REPLACE(receive);
    INJECTED__REPLACE(finish);
    INJECTED__REPLACE(refuse);
    INJECTED__REPLACE(wake);
    INJECTED__REPLACE(send_to);
    net->transport = &injected__table;
}

bool injected_choose(const char *fault)
{
    for (size_t i = 0; i < CONTRACT_COUNT_OF(injected__faults); i++) {
        if (strcmp(injected__faults[i].name, fault) != 0) continue;
        injected__chosen = &injected__faults[i];
        world_plant = injected__plant;
        return true;
    }
    return false;
}

/* ---- the proof ---- */

/* Without the fault when there is no `patience_ms`: then patience is everybody's. */
static int injected__run(const struct injected__fault *fault, uint64_t patience_ms, char *text,
                         uint32_t text_bytes)
{
    char transport[64], group[64], test[96], injected[64], patience[64];
    char program[] = "contract";
    char *arguments[] = {program,  transport, group, test, patience_ms > 0 ? injected : NULL,
                         patience, NULL};

    snprintf(patience, sizeof patience, "--patience-ms=%llu", (unsigned long long)patience_ms);
    snprintf(transport, sizeof transport, "--transport=%s", world_transport);
    snprintf(group, sizeof group, "--group=%s", fault->group);
    snprintf(test, sizeof test, "--test=%s", fault->test);
    snprintf(injected, sizeof injected, "--planted=%s", fault->name);
    return require_run(arguments, text, text_bytes);
}

/* How long the good run took decides how long the faulty one is waited for: on a slow machine it
 * must fail of its fault, and not of the machine. */
static uint64_t injected__patience_ms(uint64_t took_ns)
{
    uint64_t patience_ms = took_ns / CLOCK_NS_PER_MS * INJECTED__PATIENCE_TIMES;

    return patience_ms > INJECTED__PATIENCE_MS_MIN ? patience_ms : INJECTED__PATIENCE_MS_MIN;
}

/* Without the fault the very same run is good; with it, it fails by a test (1, 3) or by a check
 * (SIGABRT). */
static void every_planted_fault_is_caught(void **state)
{
    static char text[16384];

    (void)state;
    for (size_t i = 0; i < CONTRACT_COUNT_OF(injected__faults); i++) {
        const struct injected__fault *fault = &injected__faults[i];
        uint64_t began_ns = clock_now_ns();
        int code = injected__run(fault, 0, text, sizeof text);
        uint64_t took_ns = clock_now_ns() - began_ns;
        if (code != 0 || !strstr(text, "1 test(s) run"))
            require_failed(__FILE__, __LINE__, "%s alone is good: %d, %s", fault->test, code, text);
        if (strstr(text, "skipped: ")) { /* no guard where there is no such danger */
            print_message("skipped: %s, because its test is\n", fault->name);
            continue;
        }
        code = injected__run(fault, injected__patience_ms(took_ns), text, sizeof text);
        if (code != 1 && code != 3 && code != 128 + 6)
            require_failed(__FILE__, __LINE__, "%s was caught: %d, %s", fault->name, code, text);
    }
}

static const struct CMUnitTest injected__tests[] = {
    cmocka_unit_test(every_planted_fault_is_caught),
};

CONTRACT_GROUP(injected, injected__tests);
