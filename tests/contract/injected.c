/* SPDX-License-Identifier: MIT */
/* injected.c - proof that the suite can fail: a transport with an injected violation, and the tests
 * that must detect it.
 *
 *     contract --injected=VIOLATION: copies each new net's table and replaces some of its calls
 *
 * The group below runs this program once per violation and requires that it fails.
 */
#include <stdio.h>

#include "clock.h"
#include "contract.h"
#include "transport.h"

/* Patience for a run with a violation: this multiple of the time of the correct run, and at least
 * this many milliseconds. Violations that make the run wait forever fail then. */
#define INJECTED__PATIENCE_TIMES 4
#define INJECTED__PATIENCE_MS_MIN UINT64_C(1500)

static const struct transport *injected__inner; /* the real table */
static struct transport injected__table;        /* a copy with replaced calls */
static struct handle *injected__handle; /* the connection of the latest send or receive call */
static uint32_t injected__calls;

/* ---- the violations: each replaces one or two calls ---- */

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
        event_batch_has_room(&net->batch))
        event_batch_add(net, handle, NET_SENT);
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
        answer_closed(net, handle);
    else
        injected__inner->close(net, handle);
}

static void injected__close_by_fin(struct net *net, struct handle *handle)
{
    handle->resets = false;
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
    struct net_buffer *buffer =
        event_batch_has_room(&net->batch) ? pool_take(&net->stream_pool, POOL_SYSTEM) : NULL;
    if (!buffer) return;
    buffer->length = 1;
    event_batch_received(net, handle, buffer);
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
    uint32_t first = net->batch.count;

    injected__inner->wait(net, until_ns);
    uint32_t count = net->batch.count;
    for (uint32_t i = first; i < count; i++)
        if (net->batch.events[i].kind == kind) spoil(net, &net->batch.events[i]);
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

    if (event_batch_has_room(&net->batch) && !handle->peer_done)
        event_batch_add(net, handle, NET_PEER_DONE);
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

/* Leaks one buffer per empty datagram. */
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
    injected__inner->wait(net, !list_is_empty(&net->file_waiters.listeners) ? 0 : until_ns);
}

static void injected__wait_forgets_a_buffer(struct net *net, uint64_t until_ns)
{
    if (++injected__calls == 5) pool_take(&net->stream_pool, POOL_SYSTEM);
    injected__inner->wait(net, until_ns);
}

static enum weir_code injected__connect_and_note(struct net *net, struct handle *handle,
                                                 const struct net_connect_options *options,
                                                 struct weir_error *error)
{
    injected__handle = handle;
    return injected__inner->connect(net, handle, options, error);
}

static void injected__wait_connects_twice(struct net *net, uint64_t until_ns)
{
    struct handle *handle = injected__handle;

    injected__inner->wait(net, until_ns);
    if (handle && handle->kind == HANDLE_CONNECTION && event_batch_has_room(&net->batch))
        event_batch_add(net, handle, NET_CONNECTED);
}

static enum weir_code injected__connect_never_answers(struct net *net, struct handle *handle,
                                                      const struct net_connect_options *options,
                                                      struct weir_error *error)
{
    enum weir_code code = injected__inner->connect(net, handle, options, error);

    handle->broken = true; /* of which nothing is handed out */
    return code;
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
                                   const struct net_address *peer, const struct net_address *local,
                                   struct net_buffer *buffer, uint32_t segment_bytes)
{
    (void)segment_bytes; /* a GSO batch leaves as one long datagram */
    injected__inner->send_to(net, handle, peer, local, buffer, 0);
}

/* ---- the list: each violation, the calls it replaces, and the test that must detect it ---- */

static const struct injected__violation {
    const char *name;
    struct transport replaced; /* members that are not null replace the real calls */
    const char *group, *test;
} injected__violations[] = {
    {"answers-twice",
     {.send = injected__send_and_note, .wait = injected__wait_answers_twice},
     "rule_02_answer",
     "each_send_is_answered_once"},
    {"gives-back-early",
     {.send = injected__send_gives_back_early},
     "rule_05_owner",
     "a_buffer_can_be_sent_*"},
    {"closes-before-answers",
     {.close = injected__close_before_answers},
     "rule_07_last",
     "closing_during_a_blocked_send_answers_it_first"},
    {"ends-by-fin",
     {.close = injected__close_by_fin},
     "rule_04_whole",
     "an_abort_resets_the_connection"},
    {"delivers-while-off",
     {.receive = injected__receive_and_note, .wait = injected__wait_delivers_while_off},
     "rule_01_demand",
     "data_held_*"},
    {"cuts-sends",
     {.send = injected__send_cuts},
     "rule_04_whole",
     "an_echo_in_pieces_of_16384_is_complete"},
    {"swaps-buffers", {.send = injected__send_swaps}, "rule_03_order", "sends_of_1_to_16_*"},
    {"never-answers",
     {.send = injected__send_never_answers},
     "rule_02_answer",
     "each_send_is_answered_once"},
    {"flips-a-bit",
     {.wait = injected__wait_flips_a_bit},
     "rule_04_whole",
     "an_echo_in_pieces_of_16384_is_complete"},
    {"ends-early",
     {.wait = injected__wait_ends_early},
     "rule_04_whole",
     "an_echo_in_pieces_of_16384_is_complete"},
    {"cuts-datagrams", {.wait = injected__wait_cuts_datagrams}, "datagrams", "every_size_*"},
    {"misnames-the-local",
     {.wait = injected__wait_misnames_the_local},
     "datagrams",
     "the_local_address_*"},
    {"leaks-empty-datagrams",
     {.wait = injected__wait_leaks_empty_datagrams},
     "datagrams",
     "empty_datagrams_*"},
    {"joins-batches", {.send_to = injected__send_to_cuts}, "datagrams", "a_gso_batch_*"},
    {"moves-the-clock",
     {.send = injected__send_moves_the_clock},
     "rule_09_clock",
     "the_clock_does_not_change_*"},
    {"returns-early",
     {.wait = injected__wait_returns_early},
     "rule_09_clock",
     "a_wait_without_events_lasts_until_its_deadline"},
    {"spins-when-starved",
     {.wait = injected__wait_spins_when_starved},
     "rule_08_scarcity",
     "accepting_without_files_*"},
    {"forgets-a-buffer",
     {.wait = injected__wait_forgets_a_buffer},
     "rule_05_owner",
     "all_buffers_return_*"},
    {"forgets-the-finish",
     {.finish = injected__finish_does_nothing},
     "rule_06_commit",
     "the_next_wait_submits_a_finish"},
    {"forgets-the-refused",
     {.refuse = injected__refuse_does_nothing},
     "rule_07_last",
     "an_accepted_socket_can_be_refused_after_the_listener_closed"},
    {"connects-twice",
     {.connect = injected__connect_and_note, .wait = injected__wait_connects_twice},
     "connecting",
     "bytes_wait_until_receiving_is_on"},
    {"forgets-to-connect",
     {.connect = injected__connect_never_answers},
     "connecting",
     "a_refused_attempt_is_answered_by_broken"},
    {"forgets-to-wake",
     {.wake = injected__wake_does_nothing},
     "rule_02_answer",
     "repeated_wakes_*"},
};

#define INJECTED__REPLACE(call) \
    if (injected__chosen->replaced.call) injected__table.call = injected__chosen->replaced.call

static const struct injected__violation *injected__chosen;

static void injected__inject(struct net *net)
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
    INJECTED__REPLACE(connect);
    INJECTED__REPLACE(send_to);
    net->transport = &injected__table;
}

bool injected_choose(const char *violation)
{
    for (size_t i = 0; i < CONTRACT_COUNT_OF(injected__violations); i++) {
        if (strcmp(injected__violations[i].name, violation) != 0) continue;
        injected__chosen = &injected__violations[i];
        world_inject = injected__inject;
        return true;
    }
    return false;
}

/* ---- the proof ---- */

/* Runs the test; without the violation if `patience_ms` is 0, with the default patience. */
static int injected__run(const struct injected__violation *violation, uint64_t patience_ms,
                         char *text, uint32_t text_bytes)
{
    char transport[64], group[64], test[96], injected[64], patience[64];
    char program[] = "contract";
    char completion[] = "--completion=acknowledged";
    char *arguments[] = {program,
                         transport,
                         group,
                         test,
                         world_acknowledges ? completion : transport,
                         patience_ms > 0 ? injected : NULL,
                         patience,
                         NULL};

    snprintf(patience, sizeof patience, "--patience-ms=%llu", (unsigned long long)patience_ms);
    snprintf(transport, sizeof transport, "--transport=%s", world_transport);
    snprintf(group, sizeof group, "--group=%s", violation->group);
    snprintf(test, sizeof test, "--test=%s", violation->test);
    snprintf(injected, sizeof injected, "--injected=%s", violation->name);
    return require_run(arguments, text, text_bytes);
}

/* Derives the patience of the run with the violation from the time of the correct run, so that a
 * slow machine does not cause the failure. */
static uint64_t injected__patience_ms(uint64_t took_ns)
{
    uint64_t patience_ms = took_ns / CLOCK_NS_PER_MS * INJECTED__PATIENCE_TIMES;

    return patience_ms > INJECTED__PATIENCE_MS_MIN ? patience_ms : INJECTED__PATIENCE_MS_MIN;
}

/* Without the violation the same run passes. With it, a test (1, 3) or a check (SIGABRT) fails. */
static void every_injected_violation_is_detected(void **state)
{
    static char text[16384];

    (void)state;
    for (size_t i = 0; i < CONTRACT_COUNT_OF(injected__violations); i++) {
        const struct injected__violation *violation = &injected__violations[i];
        uint64_t began_ns = clock_now_ns();
        int code = injected__run(violation, 0, text, sizeof text);
        uint64_t took_ns = clock_now_ns() - began_ns;
        if (code != 0 || !strstr(text, "1 test(s) run"))
            require_failed(__FILE__, __LINE__, "%s passes without a violation: %d, %s",
                           violation->test, code, text);
        if (strstr(text, "skipped: ")) { /* the transport does not run the guarding test */
            print_message("skipped: %s, because its test is skipped\n", violation->name);
            continue;
        }
        code = injected__run(violation, injected__patience_ms(took_ns), text, sizeof text);
        if (code != 1 && code != 3 && code != 128 + 6)
            require_failed(__FILE__, __LINE__, "%s is detected: %d, %s", violation->name, code,
                           text);
    }
}

static const struct CMUnitTest injected__tests[] = {
    cmocka_unit_test(every_injected_violation_is_detected),
};

CONTRACT_GROUP(injected, injected__tests);
