/* SPDX-License-Identifier: MIT */
/* ledger.c - handles, what is outstanding on each, and every event's way up through the laws. */
#include "ledger.h"

#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "transport.h"
#include "wall.h"

#define LEDGER__ACCEPT_FAILURES_MAX 16u
#define LEDGER__ACCEPT_RETRY_NS \
    (100 * WALL_NS_PER_MS) /* at most ten wake-ups a second while files are scarce */

/* ---- slots ---- */

bool ledger_open(struct ledger *ledger, size_t slot_bytes, uint32_t slots_max)
{
    uint32_t chunks_max = (slots_max + LEDGER_CHUNK_SLOTS - 1) / LEDGER_CHUNK_SLOTS;

    weir_check(slot_bytes >= sizeof(struct ledger_slot));
    weir_check(slots_max > 0);
    *ledger =
        (struct ledger){.slot_bytes = (slot_bytes + 63) & ~(size_t)63, .slots_max = slots_max};
    ledger->chunks = memory_alloc_array(chunks_max, sizeof(uint8_t *));
    return ledger->chunks != NULL;
}

void ledger_free(struct ledger *ledger)
{
    weir_check_rule(ledger->open_count == 0,
                    "law 7, every handle is closed and its NET_CLOSED taken before net_free");
    for (uint32_t i = 0; i * LEDGER_CHUNK_SLOTS < ledger->slots_count; i++)
        memory_pages_free(ledger->chunks[i], LEDGER_CHUNK_SLOTS * ledger->slot_bytes);
    memory_free(ledger->chunks);
    *ledger = (struct ledger){0};
}

struct ledger_slot *ledger_at(const struct ledger *ledger, uint32_t index)
{
    weir_check(index < ledger->slots_count);
    uint8_t *chunk = ledger->chunks[index / LEDGER_CHUNK_SLOTS];
    return (struct ledger_slot *)(void *)(chunk +
                                          (index % LEDGER_CHUNK_SLOTS) * ledger->slot_bytes);
}

static bool ledger__grow(struct ledger *ledger)
{
    if (ledger->slots_count >= ledger->slots_max) return false;
    uint8_t *chunk = memory_pages(LEDGER_CHUNK_SLOTS * ledger->slot_bytes);
    if (!chunk) return false;
    uint32_t first = ledger->slots_count;
    ledger->chunks[first / LEDGER_CHUNK_SLOTS] = chunk;
    ledger->slots_count += LEDGER_CHUNK_SLOTS;
    for (uint32_t i = LEDGER_CHUNK_SLOTS; i-- > 0;) {
        if (first + i >= ledger->slots_max) continue;
        struct ledger_slot *slot = ledger_at(ledger, first + i);
        slot->index = first + i;
        slot->answer_next = ledger->free_list;
        ledger->free_list = slot;
    }
    return true;
}

struct ledger_slot *ledger_slot_take(struct ledger *ledger, enum ledger_kind kind, void *owner)
{
    if (!ledger->free_list && !ledger__grow(ledger)) return NULL;
    struct ledger_slot *slot = ledger->free_list;
    uint32_t index = slot->index, generation = slot->generation + 1;

    weir_check(slot->kind == LEDGER_FREE);
    weir_check(kind != LEDGER_FREE);
    ledger->free_list = slot->answer_next;
    memset(slot, 0, ledger->slot_bytes);
    slot->index = index;
    slot->generation = generation == 0 ? 1 : generation; /* 0 names nothing */
    slot->kind = kind;
    slot->owner = owner;
    ledger->open_count++;
    return slot;
}

void ledger_slot_give_back(struct ledger *ledger, struct ledger_slot *slot)
{
    weir_check(slot->kind != LEDGER_FREE);
    weir_check(!slot->answer_listed);
    slot->kind = LEDGER_FREE;
    slot->answer_next = ledger->free_list;
    ledger->free_list = slot;
    ledger->open_count--;
}

struct ledger_slot *ledger_find(const struct ledger *ledger, struct net_handle handle,
                                enum ledger_kind kind)
{
    struct ledger_slot *slot = ledger_at(ledger, handle.index);

    weir_check_rule(slot->generation == handle.generation, "a handle is used after its NET_CLOSED");
    weir_check(slot->kind != LEDGER_FREE);
    weir_check_rule(!slot->closing, "a handle is used after its net_close");
    weir_check(kind == LEDGER_FREE || slot->kind == kind);
    return slot;
}

/* ---- events ---- */

/* What each kind of event demands of its handle, law by law. */
static void ledger__check(const struct ledger_slot *slot, enum net_event_kind kind)
{
    weir_check(slot->kind != LEDGER_FREE);
    if (kind != NET_CLOSED && kind != NET_SENT)
        weir_check_rule(!slot->closing, "law 7, nothing but answers follows net_close");
    switch (kind) {
    case NET_ACCEPTED:
        weir_check(slot->kind == LEDGER_LISTENER);
        weir_check_rule(slot->flow_on, "law 1, accepted while accepting was off");
        break;
    case NET_RECEIVED:
    case NET_PEER_DONE:
        weir_check(slot->kind == LEDGER_CONNECTION);
        weir_check_rule(slot->flow_on, "law 1, received while receiving was off");
        weir_check_rule(!slot->peer_done, "a peer sends nothing after its end");
        break;
    case NET_DATAGRAM:
    case NET_TOO_LARGE:
        weir_check(slot->kind == LEDGER_DATAGRAM);
        weir_check_rule(slot->flow_on, "law 1, received while receiving was off");
        break;
    case NET_SENT:
        weir_check_rule(slot->send_out || slot->datagrams_out > 0,
                        "law 2, a send is answered twice");
        break;
    case NET_BROKEN: weir_check_rule(!slot->broken, "a handle breaks once"); break;
    case NET_CLOSED:
        weir_check_rule(slot->closing, "law 2, closed without a net_close");
        weir_check_rule(!slot->send_out, "law 7, closed before the last send was answered");
        weir_check_rule(slot->datagrams_out == 0,
                        "law 7, closed before the last datagram was answered");
        break;
    case NET_PAUSED:
    case NET_WOKEN:
    case NET_EVENT_KINDS_COUNT: break;
    }
}

/* Takes note of the event, so that the next one is judged by it. */
static void ledger__note(struct net *net, struct ledger_slot *slot, enum net_event_kind kind)
{
    switch (kind) {
    case NET_PEER_DONE: slot->peer_done = true; break;
    case NET_BROKEN: slot->broken = true; break;
    case NET_ACCEPTED: slot->accept_failures = 0; break;
    /* What was received may have lain in a buffer from before the shortage (RIO). */
    case NET_RECEIVED: net->streams_scarce &= !pool_has(&net->stream_pool); break;
    case NET_DATAGRAM: net->datagrams_scarce &= !pool_has(&net->datagram_pool); break;
    case NET_CLOSED:
        net->handle_closed = true;
        ledger_slot_give_back(&net->ledger, slot);
        break;
    default: break;
    }
}

struct net_event *ledger_event(struct net *net, struct ledger_slot *slot, enum net_event_kind kind)
{
    struct ledger *ledger = &net->ledger;

    weir_check_rule(ledger->events != NULL, "law 2, only net_wait hands out events");
    weir_check(ledger_has_room(ledger));
    struct net_event *event = &ledger->events[ledger->events_count++];
    event->kind = kind;
    event->code = WEIR_OK;
    event->os_error = 0;
    if (kind == NET_ACCEPTED) event->socket.transport = net->transport;
    if (!slot) {
        weir_check(kind == NET_WOKEN);
        event->handle = NET_NONE;
        event->owner = NULL;
        return event;
    }
    ledger__check(slot, kind);
    event->handle = ledger_handle(slot);
    event->owner = slot->owner;
    ledger__note(net, slot, kind);
    return event;
}

void ledger_received(struct net *net, struct ledger_slot *slot, struct net_buffer *buffer)
{
    weir_check(buffer->length > 0);
    weir_check(pool_is_whole(buffer));
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    ledger_event(net, slot, NET_RECEIVED)->buffer = buffer;
}

static void ledger__starve(struct net *net, struct ledger_slot *slot, int os_error)
{
    struct ledger *ledger = &net->ledger;

    if (slot->starved) return;
    slot->starved = true;
    slot->starved_next = ledger->starved;
    ledger->starved = slot;
    net->handle_closed = false;
    net->accept_retry_ns = net->now_ns + LEDGER__ACCEPT_RETRY_NS;
    struct net_event *event = ledger_event(net, slot, NET_PAUSED);
    event->code = error_code_of_os(os_error);
    event->os_error = os_error;
}

bool ledger_accept_failed(struct net *net, struct ledger_slot *slot, bool scarce, int os_error)
{
    weir_check(slot->kind == LEDGER_LISTENER);
    /* So many in a row have one reason, and it is not the connections: lest it spin. */
    if (!scarce && ++slot->accept_failures < LEDGER__ACCEPT_FAILURES_MAX) return true;
    slot->accept_failures = 0;
    ledger__starve(net, slot, os_error);
    return false;
}

/* Where it is noted that the pool of that handle is empty, and that somebody was told. */
static bool *ledger__scarcity(struct net *net, const struct ledger_slot *slot)
{
    return slot->kind == LEDGER_DATAGRAM ? &net->datagrams_scarce : &net->streams_scarce;
}

void ledger_buffers_scarce(struct net *net, struct ledger_slot *slot)
{
    bool *scarcity = ledger__scarcity(net, slot);

    if (*scarcity || !ledger_has_room(&net->ledger)) return;
    *scarcity = true;
    ledger_event(net, slot, NET_PAUSED)->code = WEIR_NO_BUFFERS;
}

/* ---- answers noted for the next turn ---- */

static void ledger__list(struct ledger *ledger, struct ledger_slot *slot)
{
    if (slot->answer_listed) return;
    slot->answer_listed = true;
    slot->answer_next = NULL;
    if (ledger->answer_last)
        ledger->answer_last->answer_next = slot;
    else
        ledger->answer_first = slot;
    ledger->answer_last = slot;
}

void ledger_sent(struct net *net, struct ledger_slot *slot, enum weir_code code, int os_error)
{
    weir_check_rule(slot->send_out, "law 2, a send is answered twice");
    weir_check_rule(!slot->sent_ready, "law 2, a send is answered twice");
    slot->sent_ready = true;
    slot->sent_code = code;
    slot->sent_os_error = os_error;
    ledger__list(&net->ledger, slot);
}

void ledger_sent_to(struct net *net, struct ledger_slot *slot, uint32_t sent, uint32_t failed,
                    enum weir_code code, int os_error)
{
    uint32_t noted = slot->datagrams_sent + slot->datagrams_failed;

    weir_check_rule(sent + failed <= slot->datagrams_out - noted,
                    "law 2, a datagram is answered twice");
    if (slot->datagrams_failed == 0 && failed > 0) {
        slot->datagrams_code = code;
        slot->datagrams_os_error = os_error;
    }
    slot->datagrams_sent += sent;
    slot->datagrams_failed += failed;
    if (sent + failed > 0) ledger__list(&net->ledger, slot);
}

void ledger_count_sent(struct ledger_slot *slot, uint32_t bytes, uint32_t segment_bytes)
{
    slot->sent_datagrams += segment_bytes == 0 ? 1 : (bytes + segment_bytes - 1) / segment_bytes;
    slot->sent_bytes += bytes;
}

void ledger_closed(struct net *net, struct ledger_slot *slot)
{
    weir_check_rule(slot->closing, "law 2, closed without a net_close");
    weir_check_rule(!slot->closed_ready, "law 2, a close is answered twice");
    slot->closed_ready = true;
    ledger__list(&net->ledger, slot);
}

static void ledger__hand_out_sent(struct net *net, struct ledger_slot *slot)
{
    struct net_event *event = ledger_event(net, slot, NET_SENT);

    event->sent_count = slot->datagrams_sent;
    event->failed_count = slot->datagrams_failed;
    event->sent_datagrams = slot->sent_datagrams;
    event->sent_bytes = slot->sent_bytes;
    if (slot->sent_ready) {
        event->code = slot->sent_code;
        event->os_error = slot->sent_os_error;
        slot->send_out = false;
        slot->sent_ready = false;
    } else {
        if (slot->datagrams_failed > 0) {
            event->code = slot->datagrams_code;
            event->os_error = slot->datagrams_os_error;
        }
        slot->datagrams_out -= slot->datagrams_sent + slot->datagrams_failed;
        slot->datagrams_sent = slot->datagrams_failed = slot->sent_datagrams = 0;
        slot->sent_bytes = 0;
    }
}

void ledger_hand_out_answers(struct net *net)
{
    struct ledger *ledger = &net->ledger;

    while (ledger->answer_first && ledger_has_room(ledger)) {
        struct ledger_slot *slot = ledger->answer_first;
        if (slot->sent_ready || slot->datagrams_sent + slot->datagrams_failed > 0) {
            ledger__hand_out_sent(net, slot);
            if (slot->closed_ready) continue; /* its last event may need the next turn's room */
        }
        ledger->answer_first = slot->answer_next;
        if (!ledger->answer_first) ledger->answer_last = NULL;
        slot->answer_listed = false;
        if (slot->closed_ready) ledger_event(net, slot, NET_CLOSED);
    }
}
