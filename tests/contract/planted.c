/* SPDX-License-Identifier: MIT */
/* planted.c - proof that the suite can fail: a transport made to misbehave in one way, and the
 * tests that must notice.
 *
 *    contract --planted=FAULT: each fresh net's table is copied, and some of its calls end here
 *
 * The group below runs this program again, once for each fault, and demands that it fails.
 */
#include <stdio.h>

#include "contract.h"
#include "transport.h"
#include "wall.h"

/* How long a faulty run may take to fail: so many times what the good one took, and not less than
 * this. Faults that make it wait for ever fail then. */
#define PLANTED__PATIENCE_TIMES 4
#define PLANTED__PATIENCE_MS_MIN UINT64_C(1500)

static const struct transport *planted__inner; /* the real one */
static struct transport planted__table;        /* its copy, spoiled */
static struct ledger_slot *planted__slot;      /* the connection that was touched last */
static uint32_t planted__calls;

/* ---- the faults: each spoils one call ---- */

static void planted__send_and_note(struct net *net, struct ledger_slot *slot,
                                   struct net_buffer *const *buffers, uint32_t count)
{
    planted__slot = slot;
    planted__inner->send(net, slot, buffers, count);
}

static void planted__wait_answers_twice(struct net *net, uint64_t until_ns)
{
    struct ledger_slot *slot = planted__slot;

    planted__inner->wait(net, until_ns);
    if (slot && slot->kind == LEDGER_CONNECTION && !slot->send_out && !slot->closing &&
        ledger_has_room(&net->ledger))
        ledger_event(net, slot, NET_SENT);
}

static void planted__send_gives_back_early(struct net *net, struct ledger_slot *slot,
                                           struct net_buffer *const *buffers, uint32_t count)
{
    struct net_buffer *first = buffers[0];

    planted__inner->send(net, slot, buffers, count);
    pool_give_back(first, POOL_SYSTEM);
}

static void planted__close_before_answers(struct net *net, struct ledger_slot *slot)
{
    if (slot->send_out && !slot->sent_ready)
        ledger_closed(net, slot);
    else
        planted__inner->close(net, slot);
}

static void planted__receive_and_note(struct net *net, struct ledger_slot *slot, bool on)
{
    planted__slot = slot;
    planted__inner->receive(net, slot, on);
}

static void planted__wait_delivers_while_off(struct net *net, uint64_t until_ns)
{
    struct ledger_slot *slot = planted__slot;

    planted__inner->wait(net, until_ns);
    if (!slot || slot->kind != LEDGER_CONNECTION || slot->flow_on || slot->closing) return;
    struct net_buffer *buffer =
        ledger_has_room(&net->ledger) ? pool_take(&net->stream_pool, POOL_SYSTEM) : NULL;
    if (!buffer) return;
    buffer->length = 1;
    ledger_received(net, slot, buffer);
}

static void planted__send_cuts(struct net *net, struct ledger_slot *slot,
                               struct net_buffer *const *buffers, uint32_t count)
{
    if (buffers[count - 1]->length > 1) buffers[count - 1]->length--;
    planted__inner->send(net, slot, buffers, count);
}

static void planted__send_swaps(struct net *net, struct ledger_slot *slot,
                                struct net_buffer *const *buffers, uint32_t count)
{
    struct net_buffer *swapped[NET_SEND_BUFFERS_MAX];

    for (uint32_t i = 0; i < count; i++) swapped[i] = buffers[count - 1 - i];
    planted__inner->send(net, slot, swapped, count);
}

static void planted__send_never_answers(struct net *net, struct ledger_slot *slot,
                                        struct net_buffer *const *buffers, uint32_t count)
{
    if (++planted__calls % 3 != 0) {
        planted__inner->send(net, slot, buffers, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) pool_give_back(buffers[i], POOL_SYSTEM);
}

/* Calls `spoil` for each event of that kind. */
static void planted__wait_then(struct net *net, uint64_t until_ns, enum net_event_kind kind,
                               void (*spoil)(struct net *net, struct net_event *event))
{
    uint32_t first = net->ledger.events_count;

    planted__inner->wait(net, until_ns);
    uint32_t count = net->ledger.events_count;
    for (uint32_t i = first; i < count; i++)
        if (net->ledger.events[i].kind == kind) spoil(net, &net->ledger.events[i]);
}

static void planted__flip(struct net *net, struct net_event *event)
{
    (void)net;
    event->buffer->bytes[event->buffer->length / 2] ^= 1;
}

static void planted__wait_flips_a_bit(struct net *net, uint64_t until_ns)
{
    planted__wait_then(net, until_ns, NET_RECEIVED, planted__flip);
}

static void planted__end(struct net *net, struct net_event *event)
{
    struct ledger_slot *slot = ledger_at(&net->ledger, event->handle.index);

    if (ledger_has_room(&net->ledger) && !slot->peer_done) ledger_event(net, slot, NET_PEER_DONE);
}

static void planted__wait_ends_early(struct net *net, uint64_t until_ns)
{
    planted__wait_then(net, until_ns, NET_RECEIVED, planted__end);
}

static void planted__cut_datagram(struct net *net, struct net_event *event)
{
    (void)net;
    if (event->buffer->length > 1) event->buffer->length--;
}

static void planted__wait_cuts_datagrams(struct net *net, uint64_t until_ns)
{
    planted__wait_then(net, until_ns, NET_DATAGRAM, planted__cut_datagram);
}

static void planted__misname(struct net *net, struct net_event *event)
{
    (void)net;
    event->local.ip[15] ^= 4;
}

static void planted__wait_misnames_the_local(struct net *net, uint64_t until_ns)
{
    planted__wait_then(net, until_ns, NET_DATAGRAM, planted__misname);
}

static void planted__count_empty(struct net *net, struct net_event *event)
{
    (void)net;
    if (event->buffer->length == 0) planted__calls++;
}

/* For each empty one a buffer is never seen again. */
static void planted__wait_leaks_empty_datagrams(struct net *net, uint64_t until_ns)
{
    while (planted__calls > 0 && pool_take(&net->datagram_pool, POOL_SYSTEM)) planted__calls--;
    planted__wait_then(net, until_ns, NET_DATAGRAM, planted__count_empty);
}

static void planted__send_moves_the_clock(struct net *net, struct ledger_slot *slot,
                                          struct net_buffer *const *buffers, uint32_t count)
{
    net->now_ns++;
    planted__inner->send(net, slot, buffers, count);
}

static void planted__wait_returns_early(struct net *net, uint64_t until_ns)
{
    (void)until_ns;
    planted__inner->wait(net, 0);
}

static void planted__wait_spins_when_starved(struct net *net, uint64_t until_ns)
{
    planted__inner->wait(net, net->ledger.starved ? 0 : until_ns);
}

static void planted__wait_forgets_a_buffer(struct net *net, uint64_t until_ns)
{
    if (++planted__calls == 5) pool_take(&net->stream_pool, POOL_SYSTEM);
    planted__inner->wait(net, until_ns);
}

static void planted__finish_does_nothing(struct net *net, struct ledger_slot *slot)
{
    (void)net;
    (void)slot;
}

static void planted__refuse_does_nothing(struct net *net, struct net_socket socket)
{
    (void)net;
    (void)socket;
}

static void planted__wake_does_nothing(struct net *net)
{
    (void)net;
}

static void planted__send_to_cuts(struct net *net, struct ledger_slot *slot,
                                  const struct weir_address *peer, const struct weir_address *local,
                                  struct net_buffer *buffer, uint32_t segment_bytes)
{
    (void)segment_bytes; /* a train leaves as one long datagram */
    planted__inner->send_to(net, slot, peer, local, buffer, 0);
}

/* ---- the list: each fault, what it spoils, and which test must notice ---- */

static const struct planted__fault {
    const char *name;
    struct transport spoiled; /* its calls that are not null replace the real ones */
    const char *group, *test;
} planted__faults[] = {
    {"answers-twice",
     {.send = planted__send_and_note, .wait = planted__wait_answers_twice},
     "law_02_answer",
     "each_send_is_answered_once"},
    {"gives-back-early",
     {.send = planted__send_gives_back_early},
     "law_05_owner",
     "a_buffer_may_be_sent_*"},
    {"closes-before-answers",
     {.close = planted__close_before_answers},
     "law_07_last",
     "a_close_under_a_send_that_nobody_reads"},
    {"delivers-while-off",
     {.receive = planted__receive_and_note, .wait = planted__wait_delivers_while_off},
     "law_01_demand",
     "what_is_held_*"},
    {"cuts-sends", {.send = planted__send_cuts}, "law_04_whole", "an_echo_in_pieces_of_16384"},
    {"swaps-buffers", {.send = planted__send_swaps}, "law_03_order", "sends_of_1_to_16_*"},
    {"never-answers",
     {.send = planted__send_never_answers},
     "law_02_answer",
     "each_send_is_answered_once"},
    {"flips-a-bit",
     {.wait = planted__wait_flips_a_bit},
     "law_04_whole",
     "an_echo_in_pieces_of_16384"},
    {"ends-early",
     {.wait = planted__wait_ends_early},
     "law_04_whole",
     "an_echo_in_pieces_of_16384"},
    {"cuts-datagrams", {.wait = planted__wait_cuts_datagrams}, "datagrams", "every_size_*"},
    {"misnames-the-local",
     {.wait = planted__wait_misnames_the_local},
     "datagrams",
     "the_local_address_*"},
    {"leaks-empty-datagrams",
     {.wait = planted__wait_leaks_empty_datagrams},
     "datagrams",
     "empty_datagrams_*"},
    {"joins-trains", {.send_to = planted__send_to_cuts}, "datagrams", "a_train_*"},
    {"moves-the-clock",
     {.send = planted__send_moves_the_clock},
     "law_09_clock",
     "the_clock_stands_*"},
    {"returns-early",
     {.wait = planted__wait_returns_early},
     "law_09_clock",
     "a_deadline_is_a_floor"},
    {"spins-when-starved",
     {.wait = planted__wait_spins_when_starved},
     "law_08_scarcity",
     "without_files_accepting_*"},
    {"forgets-a-buffer",
     {.wait = planted__wait_forgets_a_buffer},
     "law_05_owner",
     "all_buffers_are_home_*"},
    {"forgets-the-finish",
     {.finish = planted__finish_does_nothing},
     "law_06_commit",
     "a_finish_leaves_*"},
    {"forgets-the-refused",
     {.refuse = planted__refuse_does_nothing},
     "law_07_last",
     "a_listener_whose_sockets_are_refused_later"},
    {"forgets-to-wake",
     {.wake = planted__wake_does_nothing},
     "law_02_answer",
     "a_wake_is_answered_*"},
};

#define PLANTED__REPLACE(call) \
    if (planted__chosen->spoiled.call) planted__table.call = planted__chosen->spoiled.call

static const struct planted__fault *planted__chosen;

static void planted__plant(struct net *net)
{
    planted__inner = net->transport;
    planted__table = *planted__inner;
    PLANTED__REPLACE(send);
    PLANTED__REPLACE(wait);
    PLANTED__REPLACE(close);
    PLANTED__REPLACE(receive);
    PLANTED__REPLACE(finish);
    PLANTED__REPLACE(refuse);
    PLANTED__REPLACE(wake);
    PLANTED__REPLACE(send_to);
    net->transport = &planted__table;
}

bool planted_choose(const char *fault)
{
    for (size_t i = 0; i < CONTRACT_COUNT_OF(planted__faults); i++) {
        if (strcmp(planted__faults[i].name, fault) != 0) continue;
        planted__chosen = &planted__faults[i];
        world_plant = planted__plant;
        return true;
    }
    return false;
}

/* ---- the proof ---- */

/* Without the fault when there is no `patience_ms`: then patience is everybody's. */
static int planted__run(const struct planted__fault *fault, uint64_t patience_ms, char *text,
                        uint32_t text_bytes)
{
    char transport[64], group[64], test[96], planted[64], patience[64];
    char program[] = "contract";
    char *arguments[] = {program,  transport, group, test, patience_ms > 0 ? planted : NULL,
                         patience, NULL};

    snprintf(patience, sizeof patience, "--patience-ms=%llu", (unsigned long long)patience_ms);
    snprintf(transport, sizeof transport, "--transport=%s", world_transport);
    snprintf(group, sizeof group, "--group=%s", fault->group);
    snprintf(test, sizeof test, "--test=%s", fault->test);
    snprintf(planted, sizeof planted, "--planted=%s", fault->name);
    return require_run(arguments, text, text_bytes);
}

/* How long the good run took decides how long the faulty one is waited for: on a slow machine it
 * must fail of its fault, and not of the machine. */
static uint64_t planted__patience_ms(uint64_t took_ns)
{
    uint64_t patience_ms = took_ns / WALL_NS_PER_MS * PLANTED__PATIENCE_TIMES;

    return patience_ms > PLANTED__PATIENCE_MS_MIN ? patience_ms : PLANTED__PATIENCE_MS_MIN;
}

/* Without the fault the very same run is good; with it, it fails by a test (1, 3) or by a check
 * (SIGABRT). */
static void every_planted_fault_is_caught(void **state)
{
    static char text[16384];

    (void)state;
    for (size_t i = 0; i < CONTRACT_COUNT_OF(planted__faults); i++) {
        const struct planted__fault *fault = &planted__faults[i];
        uint64_t began_ns = wall_clock_ns();
        int code = planted__run(fault, 0, text, sizeof text);
        uint64_t took_ns = wall_clock_ns() - began_ns;
        if (code != 0 || !strstr(text, "1 test(s) run"))
            require_failed(__FILE__, __LINE__, "%s alone is good: %d, %s", fault->test, code, text);
        if (strstr(text, "skipped: ")) { /* no guard where there is no such danger */
            print_message("skipped: %s, because its test is\n", fault->name);
            continue;
        }
        code = planted__run(fault, planted__patience_ms(took_ns), text, sizeof text);
        if (code != 1 && code != 3 && code != 128 + 6)
            require_failed(__FILE__, __LINE__, "%s was caught: %d, %s", fault->name, code, text);
    }
}

static const struct CMUnitTest planted__tests[] = {
    cmocka_unit_test(every_planted_fault_is_caught),
};

CONTRACT_GROUP(planted, planted__tests);
