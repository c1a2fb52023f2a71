/* SPDX-License-Identifier: MIT */
/* sim_wire.c - the network in memory: timers, random numbers, streams and datagrams. sim_wire.h
 * draws a stream.
 *
 * Every random decision goes through wire_random(), and every occurrence through wire_trace(), in
 * one order. Runs are therefore repeatable.
 */
#include "sim_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "check.h"
#include "clock.h"

#define WIRE__BYTES_FIRST 1024u /* first capacity of a ring; it doubles up to the window */
#define WIRE__CONNECT_RETRY_NS (1000 * CLOCK_NS_PER_MS) /* after a full backlog dropped the SYN */
#define WIRE__CONNECT_TRIES_MAX 6u
#define WIRE__IDLE_WAITS_MAX 10000u /* after that, a wait would never end */
#define WIRE__PORT_FIRST 32768u
#define WIRE__DATAGRAM_OVERHEAD_BYTES 512u /* memory that a system charges per datagram */

/* The occurrences of the trace. */
enum wire__mark {
    WIRE__CONNECT = 1,
    WIRE__REFUSE,
    WIRE__ESTABLISH,
    WIRE__ARRIVE,
    WIRE__END,
    WIRE__RESET,
    WIRE__ROOM,
    WIRE__DATAGRAM,
    WIRE__DATAGRAM_LOST,
    WIRE__ACK
};

/* An acknowledgement on its way. */
struct wire_ack {
    struct list on; /* acks of the side that it goes to */
    struct wire_timer arrival;
    struct wire_end *end;
    uint64_t total;
};

struct wire_stream {
    struct wire_end ends[2]; /* client, server */
    struct net_simulation *simulation;
    struct net_address to;
    struct wire_timer connect;
    uint32_t tries;
    struct sim_route route; /* when the attempt began */
    uint64_t number;
    struct wire_port *port; /* set while the stream is in its backlog */
    struct wire_stream *backlog_next;
    struct wire_stream *next, *before; /* of all */
};

static struct net_simulation *wire__of(const struct wire_end *end)
{
    return end->stream->simulation;
}

/* ---- memory ---- */

void *wire_memory(size_t count, size_t bytes)
{
    void *memory =
        calloc(count, bytes); /* tidy: allow memory - memory_fail_nth() must not fail the network */

    weir_check(memory != NULL);
    return memory;
}

void wire_memory_free(void *memory)
{
    free(memory); /* tidy: allow memory - see wire_memory */
}

/* ---- random numbers ---- */

/* splitmix64 (Steele, Lea, Flood 2014): one addition and a mix. */
static uint64_t wire__mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t wire_random(struct net_simulation *simulation, uint64_t bound)
{
    weir_check(bound > 0);
    simulation->random += UINT64_C(0x9e3779b97f4a7c15);
    return wire__mix(simulation->random) % bound;
}

uint64_t wire_latency_ns(struct net_simulation *simulation)
{
    const struct sim_options *options = &simulation->options;

    weir_check(options->latency_min_ns <= options->latency_max_ns);
    return options->latency_min_ns +
           wire_random(simulation, options->latency_max_ns - options->latency_min_ns + 1);
}

void wire_trace(struct net_simulation *simulation, uint64_t what, uint64_t a, uint64_t b)
{
    uint64_t hash = simulation->trace_hash;

    hash = wire__mix(hash + what + simulation->now_ns * 31);
    hash = wire__mix(hash + a);
    simulation->trace_hash = wire__mix(hash + b);
    simulation->trace_count++;
}

/* ---- time: a heap of timers ---- */

static bool wire__is_before(const struct wire_timer *a, const struct wire_timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->sequence < b->sequence;
}

static void wire__put(struct net_simulation *simulation, uint32_t index, struct wire_timer *timer)
{
    weir_check(index > 0);
    weir_check(index < simulation->heap_capacity);
    simulation->heap[index] = timer;
    timer->heap_index = index;
}

static void wire__rise(struct net_simulation *simulation, uint32_t index)
{
    struct wire_timer *timer = simulation->heap[index];

    weir_check(index <= simulation->heap_count);
    while (index > 1 && wire__is_before(timer, simulation->heap[index / 2])) {
        wire__put(simulation, index, simulation->heap[index / 2]);
        index /= 2;
    }
    wire__put(simulation, index, timer);
}

static void wire__sink(struct net_simulation *simulation, uint32_t index)
{
    struct wire_timer *timer = simulation->heap[index];

    weir_check(index <= simulation->heap_count);
    for (uint32_t child; (child = index * 2) <= simulation->heap_count; index = child) {
        if (child < simulation->heap_count &&
            wire__is_before(simulation->heap[child + 1], simulation->heap[child]))
            child++;
        if (!wire__is_before(simulation->heap[child], timer)) break;
        wire__put(simulation, index, simulation->heap[child]);
    }
    wire__put(simulation, index, timer);
}

static void wire__heap_grow(struct net_simulation *simulation)
{
    uint32_t capacity = simulation->heap_capacity == 0 ? 64 : simulation->heap_capacity * 2;
    struct wire_timer **heap = wire_memory(capacity, sizeof *heap);

    weir_check(capacity > simulation->heap_capacity);
    if (simulation->heap) memcpy(heap, simulation->heap, simulation->heap_capacity * sizeof *heap);
    wire_memory_free(simulation->heap);
    simulation->heap = heap;
    simulation->heap_capacity = capacity;
}

void wire_timer_set(struct net_simulation *simulation, struct wire_timer *timer, uint64_t delay_ns,
                    void (*run)(struct wire_timer *timer))
{
    weir_check(timer->heap_index == 0);
    weir_check(delay_ns <= UINT64_MAX - simulation->now_ns);
    if (simulation->heap_count + 1 >= simulation->heap_capacity) wire__heap_grow(simulation);
    timer->due_ns = simulation->now_ns + delay_ns;
    timer->sequence = simulation->sequence++;
    timer->run = run;
    wire__put(simulation, ++simulation->heap_count, timer);
    wire__rise(simulation, simulation->heap_count);
    simulation->idle_waits = 0;
}

void wire_timer_stop(struct net_simulation *simulation, struct wire_timer *timer)
{
    uint32_t index = timer->heap_index;

    if (index == 0) return;
    weir_check(simulation->heap[index] == timer);
    timer->heap_index = 0;
    struct wire_timer *last = simulation->heap[simulation->heap_count--];
    if (last == timer) return;
    wire__put(simulation, index, last);
    wire__rise(simulation, index);
    wire__sink(simulation, last->heap_index);
}

static void wire__run(struct net_simulation *simulation, struct wire_timer *timer)
{
    weir_check(timer->run != NULL);
    wire_timer_stop(simulation, timer);
    if (timer->due_ns > simulation->now_ns) simulation->now_ns = timer->due_ns;
    simulation->idle_waits = 0;
    timer->run(timer);
}

void wire_serve(struct net_simulation *simulation)
{
    uint64_t now_ns = simulation->now_ns + simulation->options.iteration_ns;

    if (now_ns > simulation->stop_ns) now_ns = simulation->stop_ns;
    while (simulation->heap_count > 0 && simulation->heap[1]->due_ns <= now_ns)
        wire__run(simulation, simulation->heap[1]);
    if (now_ns > simulation->now_ns) simulation->now_ns = now_ns;
}

bool wire_step(struct net_simulation *simulation, uint64_t until_ns)
{
    struct wire_timer *timer = simulation->heap_count > 0 ? simulation->heap[1] : NULL;
    uint64_t end_ns = until_ns < simulation->stop_ns ? until_ns : simulation->stop_ns;

    if (timer && timer->due_ns <= end_ns) {
        wire__run(simulation, timer);
        return true;
    }
    if (end_ns != NET_FOREVER && end_ns > simulation->now_ns) {
        simulation->now_ns = end_ns;
    } else if (until_ns > simulation->now_ns) {
        weir_check_rule(
            ++simulation->idle_waits <= WIRE__IDLE_WAITS_MAX,
            "a bug in the test, not in weir (deadlock): net_wait is called again and again while "
            "nothing can happen, or the clock stands at sim_stop_at");
    }
    return false;
}

/* ---- files ---- */

bool wire_file_take(struct net_simulation *simulation)
{
    if (simulation->files_count >= simulation->files_max) return false;
    simulation->files_count++;
    return true;
}

void wire_file_give_back(struct net_simulation *simulation)
{
    weir_check(simulation->files_count > 0);
    simulation->files_count--;
}

/* ---- addresses and ports ---- */

struct net_address wire_loopback(const struct net_address *like)
{
    struct net_address loopback = address_of_v4(0x7f000001, 0);

    if (address_is_v4(like)) return loopback;
    return (struct net_address){.ip = {[15] = 1}};
}

/* Whether a port or socket bound to `bound` receives packets sent to `to`. */
static bool wire__covers(const struct net_address *bound, const struct net_address *to)
{
    if (bound->port != to->port) return false;
    if (!address_is_any(bound)) return address_same_ip(bound, to);
    return !address_is_v4(bound) || address_is_v4(to);
}

static bool wire__overlaps(const struct net_address *a, const struct net_address *b)
{
    return wire__covers(a, b) || wire__covers(b, a);
}

static struct wire_socket **wire__bucket(struct net_simulation *simulation, uint16_t port)
{
    return &simulation->sockets[port % WIRE_SOCKET_BUCKETS];
}

static bool wire__is_port_free(struct net_simulation *simulation, uint16_t number)
{
    weir_check(number != 0);
    for (struct wire_port *port = simulation->ports; port; port = port->next)
        if (port->address.port == number) return false;
    for (struct wire_socket *socket = *wire__bucket(simulation, number); socket;
         socket = socket->next)
        if (socket->address.port == number) return false;
    return true;
}

uint16_t wire_port_free(struct net_simulation *simulation)
{
    for (uint32_t tries = 0; tries < 65536; tries++) {
        if (simulation->port_next < WIRE__PORT_FIRST) simulation->port_next = WIRE__PORT_FIRST;
        uint16_t number = simulation->port_next++;
        if (wire__is_port_free(simulation, number)) return number;
    }
    weir_unreachable("every port of the simulation is taken");
}

/* ---- streams: telling, and what is on its way ---- */

static void wire__tell(struct wire_end *end)
{
    weir_check(!end->left);
    if (end->changed)
        end->changed(end);
    else
        wire__of(end)->script_due = true;
}

/* ---- streams: acknowledgements ---- */

static void wire__free_ack(struct wire_ack *ack)
{
    wire_timer_stop(wire__of(ack->end), &ack->arrival);
    list_remove(&ack->on);
    wire_memory_free(ack);
}

static void wire__ack_arrives(struct wire_timer *timer)
{
    struct wire_ack *ack = weir_container_of(timer, struct wire_ack, arrival);
    struct wire_end *end = ack->end;
    bool is_new = ack->total > end->acked_total && !end->left && !end->reset_arrived;

    weir_check(ack->total <= end->written_total);
    wire_trace(wire__of(end), WIRE__ACK, end->stream->number, ack->total);
    if (is_new) end->acked_total = ack->total;
    wire__free_ack(ack);
    if (is_new) wire__tell(end);
}

static void wire__send_ack(struct wire_end *from)
{
    struct net_simulation *simulation = wire__of(from);
    struct wire_ack *ack = wire_memory(1, sizeof *ack);

    weir_check(simulation->options.acknowledges);
    wire_timer_stop(simulation, &from->delayed_ack);
    ack->end = from->other;
    ack->total = from->acks_sent_total = from->arrived_total;
    list_init(&ack->on);
    list_add_last(&ack->end->acks, &ack->on);
    wire_timer_set(simulation, &ack->arrival,
                   simulation->options.ack_travel_ns + wire_latency_ns(simulation),
                   wire__ack_arrives);
}

static void wire__ack_is_due(struct wire_timer *timer)
{
    wire__send_ack(weir_container_of(timer, struct wire_end, delayed_ack));
}

/* Whether bytes have arrived at this side that it has not acknowledged. */
static bool wire__owes_ack(const struct wire_end *end)
{
    return wire__of(end)->options.acknowledges && end->acks_sent_total < end->arrived_total;
}

/* Bytes have arrived: acknowledges them now or later. */
static void wire__acknowledge(struct wire_end *end)
{
    const struct sim_options *options = &wire__of(end)->options;

    if (!wire__owes_ack(end)) return;
    if (end->fin_arrived || end->arrived_total - end->acks_sent_total >= options->ack_bytes)
        wire__send_ack(end);
    else if (end->delayed_ack.heap_index == 0)
        wire_timer_set(wire__of(end), &end->delayed_ack, options->ack_delay_ns, wire__ack_is_due);
}

/* ---- streams: arrivals ---- */

static uint32_t wire__piece(struct net_simulation *simulation, uint32_t in_flight)
{
    uint64_t max = simulation->options.piece_bytes_max;

    weir_check(in_flight > 0);
    if (simulation->options.exact_pieces) return in_flight < max ? in_flight : (uint32_t)max;
    uint64_t kind = wire_random(simulation, 10);
    if (kind > 6) return in_flight;
    if (kind == 0) max = 16;
    if (max > in_flight) max = in_flight;
    return 1 + (uint32_t)wire_random(simulation, max);
}

static void wire__arrive(struct wire_timer *timer)
{
    struct wire_end *end = weir_container_of(timer, struct wire_end, arrival);
    struct net_simulation *simulation = wire__of(end);
    uint32_t piece = 0;

    weir_check(!weir_container_of(timer, struct wire_end, arrival)->left);
    if (end->lost) return;
    end->established = true; /* any segment acknowledges the connect */
    if (end->in_flight > 0) {
        piece = wire__piece(simulation, end->in_flight);
        weir_check(piece <= end->in_flight);
        end->in_flight -= piece;
        end->arrived += piece;
        end->arrived_total += piece;
        wire_trace(simulation, WIRE__ARRIVE, end->stream->number, piece);
    }
    if (end->in_flight == 0 && end->other->finished &&
        (piece == 0 || wire_random(simulation, 2) == 0)) {
        end->fin_arrived = true;
        wire_trace(simulation, WIRE__END, end->stream->number, 0);
    }
    if (end->in_flight > 0 || (end->other->finished && !end->fin_arrived))
        wire_timer_set(simulation, timer, wire_latency_ns(simulation) / 8, wire__arrive);
    wire__acknowledge(end);
    wire__tell(end);
}

static void wire__expect_arrival(struct wire_end *end)
{
    struct net_simulation *simulation = wire__of(end);

    weir_check(!end->left);
    if (end->arrival.heap_index == 0)
        wire_timer_set(simulation, &end->arrival, wire_latency_ns(simulation), wire__arrive);
}

static void wire__reset_arrives(struct wire_timer *timer)
{
    struct wire_end *end = weir_container_of(timer, struct wire_end, reset);

    weir_check(!end->reset_arrived);
    wire_trace(wire__of(end), WIRE__RESET, end->stream->number, end->arrived + end->in_flight);
    wire_timer_stop(wire__of(end), &end->arrival);
    wire_timer_stop(wire__of(end), &end->delayed_ack);
    end->reset_arrived = true;
    end->arrived = end->in_flight = 0;
    wire__tell(end);
}

static void wire__send_reset(struct wire_end *to)
{
    struct net_simulation *simulation = wire__of(to);

    weir_check(to->other != NULL);
    if (to->left || to->reset_arrived || to->reset.heap_index != 0) return;
    wire_timer_set(simulation, &to->reset, wire_latency_ns(simulation), wire__reset_arrives);
}

static void wire__room_arrives(struct wire_timer *timer)
{
    struct wire_end *end = weir_container_of(timer, struct wire_end, room);

    wire_trace(wire__of(end), WIRE__ROOM, end->stream->number, 0);
    wire__tell(end);
}

/* ---- streams: bytes ---- */

static void wire__bytes_grow(struct wire_end *end, uint32_t needed)
{
    uint32_t capacity = end->bytes_capacity == 0 ? WIRE__BYTES_FIRST : end->bytes_capacity;
    uint32_t used = end->arrived + end->in_flight;

    weir_check(used < needed);
    weir_check(used <= end->bytes_capacity);
    while (capacity < needed) capacity *= 2;
    if (capacity == end->bytes_capacity) return;
    uint8_t *bytes = wire_memory(capacity, 1);
    for (uint32_t i = 0; i < used; i++)
        bytes[i] = end->bytes[(end->bytes_first + i) % end->bytes_capacity];
    wire_memory_free(end->bytes);
    end->bytes = bytes;
    end->bytes_capacity = capacity;
    end->bytes_first = 0;
}

/* Copies into or out of the ring, in at most two parts. */
static void wire__bytes_put(struct wire_end *end, uint32_t offset, const uint8_t *from,
                            uint32_t count)
{
    uint32_t at = (end->bytes_first + offset) % end->bytes_capacity;
    uint32_t straight = end->bytes_capacity - at < count ? end->bytes_capacity - at : count;

    weir_check(offset + count <= end->bytes_capacity);
    memcpy(end->bytes + at, from, straight);
    memcpy(end->bytes, from + straight, count - straight);
}

static void wire__bytes_get(struct wire_end *end, uint8_t *to, uint32_t count)
{
    uint32_t at = end->bytes_first;
    uint32_t straight = end->bytes_capacity - at < count ? end->bytes_capacity - at : count;

    weir_check(count <= end->arrived);
    memcpy(to, end->bytes + at, straight);
    memcpy(to + straight, end->bytes, count - straight);
    end->bytes_first = (at + count) % end->bytes_capacity;
}

uint32_t wire_write(struct wire_end *end, const uint8_t *bytes, uint32_t count)
{
    struct wire_end *to = end->other;
    uint32_t used = to->arrived + to->in_flight, room = wire__of(end)->options.window_bytes - used;

    weir_check(!end->left);
    weir_check(!end->finished);
    weir_check(used <= wire__of(end)->options.window_bytes);
    if (!end->established || end->reset_arrived) return 0;
    if (to->left) { /* the other side is closed and answers with RST */
        if (!to->lost) wire__send_reset(end);
        end->written_total += count;
        return count;
    }
    if (room < count) end->wants_room = true;
    if (room < count) count = room;
    if (count == 0) return 0;
    wire__bytes_grow(to, used + count);
    wire__bytes_put(to, used, bytes, count);
    to->in_flight += count;
    end->written_total += count;
    if (wire__owes_ack(end)) wire__send_ack(end); /* it travels with the bytes */
    wire__expect_arrival(to);
    return count;
}

uint32_t wire_read(struct wire_end *end, uint8_t *bytes, uint32_t bytes_max)
{
    struct wire_end *other = end->other;
    uint32_t count = end->arrived < bytes_max ? end->arrived : bytes_max;

    weir_check(!end->left);
    if (count == 0) return 0;
    wire__bytes_get(end, bytes, count);
    end->arrived -= count;
    if (other->wants_room && !other->left && other->room.heap_index == 0) {
        other->wants_room = false;
        wire_timer_set(wire__of(end), &other->room, wire_latency_ns(wire__of(end)),
                       wire__room_arrives);
    }
    return count;
}

void wire_finish(struct wire_end *end)
{
    weir_check(!end->left);
    weir_check(!end->finished);
    end->finished = true;
    if (!end->other->left && !end->other->reset_arrived && !end->reset_arrived)
        wire__expect_arrival(end->other);
}

void wire_lose(struct wire_end *end)
{
    weir_check(!end->left);
    end->lost = true;
    wire_timer_stop(wire__of(end), &end->delayed_ack);
}

/* ---- streams: beginning and end ---- */

static void wire__free_stream(struct wire_stream *stream)
{
    struct net_simulation *simulation = stream->simulation;

    weir_check(stream->simulation != NULL);
    weir_check(!stream->port); /* a backlog would keep a freed stream */
    wire_timer_stop(simulation, &stream->connect);
    for (uint32_t i = 0; i < 2; i++) {
        wire_timer_stop(simulation, &stream->ends[i].arrival);
        wire_timer_stop(simulation, &stream->ends[i].reset);
        wire_timer_stop(simulation, &stream->ends[i].room);
        wire_timer_stop(simulation, &stream->ends[i].delayed_ack);
        while (!list_is_empty(&stream->ends[i].acks))
            wire__free_ack(weir_container_of(stream->ends[i].acks.next, struct wire_ack, on));
        wire_memory_free(stream->ends[i].bytes);
    }
    if (stream->before)
        stream->before->next = stream->next;
    else
        simulation->streams = stream->next;
    if (stream->next) stream->next->before = stream->before;
    wire_memory_free(stream);
}

void wire_leave(struct wire_end *end, bool reset)
{
    struct net_simulation *simulation = wire__of(end);
    bool unread = end->arrived + end->in_flight > 0;

    weir_check(!end->left);
    wire_timer_stop(simulation, &end->arrival);
    wire_timer_stop(simulation, &end->reset);
    wire_timer_stop(simulation, &end->room);
    wire_timer_stop(simulation, &end->delayed_ack);
    if (!end->reset_arrived &&
        !end->lost) { /* RFC 9293 section 3.6.1: a close with bytes unread is a reset */
        if (wire__owes_ack(end)) wire__send_ack(end);
        if (reset || unread)
            wire__send_reset(end->other);
        else if (!end->finished)
            wire_finish(end);
    }
    end->left = true;
    end->changed = NULL;
    end->owner = NULL;
    end->arrived = end->in_flight = 0;
    bool never_met = end == &end->stream->ends[0] && !end->other->established;
    if (end->other->left || never_met) wire__free_stream(end->stream);
}

static struct wire_port *wire__find_port(struct net_simulation *simulation,
                                         const struct net_address *to)
{
    uint32_t found = 0;
    struct wire_port *chosen = NULL;

    for (struct wire_port *port = simulation->ports; port; port = port->next) {
        weir_check(port->simulation == simulation);
        if (!wire__covers(&port->address, to)) continue;
        found++;
        if (found == 1 || wire_random(simulation, found) == 0)
            chosen = port; /* each with the same probability */
    }
    return chosen;
}

static void wire__connect_answered(struct wire_timer *timer)
{
    struct wire_stream *stream = weir_container_of(timer, struct wire_stream, connect);
    struct wire_end *client = &stream->ends[0];

    weir_check(!client->refused);
    if (client->left) return;
    if (stream->ends[1].established || stream->ends[1].left)
        client->established = true;
    else
        client->refused = true;
    wire__tell(client);
}

static void wire__refuse(struct wire_stream *stream, enum weir_code code, int os_error)
{
    struct wire_end *client = &stream->ends[0];

    wire_trace(stream->simulation, WIRE__REFUSE, stream->number, 0);
    client->refused_code = code;
    client->refused_os_error = os_error;
}

static void wire__queue(struct wire_stream *stream, struct wire_port *port)
{
    wire_trace(stream->simulation, WIRE__ESTABLISH, stream->number, port->count);
    stream->ends[1].established = true;
    stream->port = port;
    weir_check(!port->last == (port->count == 0));
    if (port->last)
        port->last->backlog_next = stream;
    else
        port->first = stream;
    port->last = stream;
    port->count++;
    if (port->changed)
        port->changed(port);
    else
        stream->simulation->script_due = true;
}

static void wire__connect_arrives(struct wire_timer *timer)
{
    struct wire_stream *stream = weir_container_of(timer, struct wire_stream, connect);
    struct net_simulation *simulation = stream->simulation;
    bool decided = stream->route.code != WEIR_OK || stream->route.resets;
    struct wire_port *port = decided ? NULL : wire__find_port(simulation, &stream->to);

    weir_check(!stream->port);
    weir_check(!stream->ends[1].established);
    if (port && port->count >= port->backlog && ++stream->tries < WIRE__CONNECT_TRIES_MAX) {
        wire_timer_set(simulation, timer, WIRE__CONNECT_RETRY_NS, wire__connect_arrives);
        return;
    }
    if (stream->route.code != WEIR_OK)
        wire__refuse(stream, stream->route.code, stream->route.os_error);
    else if (stream->route.resets)
        wire_leave(&stream->ends[1], true);
    else if (!port)
        wire__refuse(stream, WEIR_REFUSED, ECONNREFUSED);
    else if (port->count >= port->backlog)
        wire__refuse(stream, WEIR_TIMED_OUT, ETIMEDOUT);
    else
        wire__queue(stream, port);
    wire_timer_set(simulation, timer, wire_latency_ns(simulation), wire__connect_answered);
}

struct wire_end *wire_connect(struct net_simulation *simulation, const struct net_address *from,
                              const struct net_address *to)
{
    struct wire_stream *stream = wire_memory(1, sizeof *stream);
    const struct sim_route *route = wire_route_to(simulation, to);

    if (route) stream->route = *route;
    stream->simulation = simulation;
    stream->number = simulation->sequence;
    stream->to = *to;
    for (uint32_t i = 0; i < 2; i++) {
        stream->ends[i].stream = stream;
        stream->ends[i].other = &stream->ends[1 - i];
        stream->ends[i].address = i == 0 ? *from : *to;
        list_init(&stream->ends[i].acks);
    }
    stream->next = simulation->streams;
    if (stream->next) stream->next->before = stream;
    simulation->streams = stream;
    wire_trace(simulation, WIRE__CONNECT, stream->number, from->port);
    wire_timer_set(simulation, &stream->connect,
                   stream->route.delay_ns + wire_latency_ns(simulation), wire__connect_arrives);
    return &stream->ends[0];
}

bool wire_listen(struct net_simulation *simulation, struct wire_port *port, bool first)
{
    weir_check(!port->simulation);
    weir_check(!port->first);
    if (port->address.port == 0) port->address.port = wire_port_free(simulation);
    for (struct wire_port *other = simulation->ports; other; other = other->next) {
        if (!wire__overlaps(&port->address, &other->address)) continue;
        if (first || !port->shared || !other->shared) return false;
    }
    port->simulation = simulation;
    port->next = simulation->ports;
    simulation->ports = port;
    return true;
}

struct wire_end *wire_accept(struct wire_port *port)
{
    struct wire_stream *stream = port->first;

    if (!stream) return NULL;
    weir_check(port->count > 0);
    weir_check(stream->port == port);
    port->first = stream->backlog_next;
    if (!port->first) port->last = NULL;
    port->count--;
    stream->port = NULL;
    stream->backlog_next = NULL;
    return &stream->ends[1];
}

void wire_unlisten(struct wire_port *port)
{
    struct wire_port **link = &port->simulation->ports;
    struct wire_end *end;

    weir_check(port->simulation != NULL);
    while (*link != port) link = &(*link)->next;
    *link = port->next;
    while ((end = wire_accept(port)) != NULL) wire_leave(end, true);
    weir_check(port->count == 0);
    port->simulation = NULL;
}

/* ---- datagrams ---- */

/* A socket bound to the exact address wins over one bound to any. Of several, the sender decides,
 * as on a system. */
static struct wire_socket *wire__find_socket(struct net_simulation *simulation,
                                             const struct net_address *from,
                                             const struct net_address *to)
{
    struct wire_socket *first = *wire__bucket(simulation, to->port);

    for (int any = 0; any < 2; any++) {
        uint32_t count = 0;
        for (struct wire_socket *at = first; at; at = at->next) {
            weir_check(at->simulation == simulation);
            if (wire__covers(&at->address, to) && address_is_any(&at->address) == (any == 1))
                count++;
        }
        if (count == 0) continue;
        uint64_t chosen = wire__mix((uint64_t)from->port << 32 | from->ip[15]) % count;
        for (struct wire_socket *at = first; at; at = at->next) {
            if (!wire__covers(&at->address, to) || address_is_any(&at->address) != (any == 1))
                continue;
            if (chosen-- == 0) return at;
        }
    }
    return NULL;
}

static void wire__datagram_arrives(struct wire_timer *timer)
{
    struct wire_datagram *datagram = weir_container_of(timer, struct wire_datagram, arrival);
    struct net_simulation *simulation = datagram->simulation;
    struct wire_socket *socket = wire__find_socket(simulation, &datagram->from, &datagram->to);
    uint32_t cost = datagram->length + WIRE__DATAGRAM_OVERHEAD_BYTES;

    if (!socket || socket->queued_bytes + cost > simulation->options.datagram_queue_bytes) {
        wire_trace(simulation, WIRE__DATAGRAM_LOST, datagram->to.port, datagram->length);
        wire_memory_free(datagram);
        return;
    }
    wire_trace(simulation, WIRE__DATAGRAM, datagram->to.port, datagram->length);
    weir_check(!socket->last == (socket->count == 0));
    weir_check(!datagram->next);
    if (socket->last)
        socket->last->next = datagram;
    else
        socket->first = datagram;
    socket->last = datagram;
    socket->count++;
    socket->queued_bytes += cost;
    if (socket->changed)
        socket->changed(socket);
    else
        simulation->script_due = true;
}

void wire_carry_datagram(struct net_simulation *simulation, const struct net_address *from,
                         const struct net_address *to, const uint8_t *bytes, uint32_t length,
                         bool in_order)
{
    struct wire_datagram *datagram = wire_memory(1, sizeof *datagram + length);
    uint64_t due_ns = simulation->now_ns + wire_latency_ns(simulation);

    weir_check(length <= SIM_DATAGRAM_BYTES_MAX);
    datagram->simulation = simulation;
    datagram->from = *from;
    datagram->to = *to;
    datagram->length = length;
    if (length > 0) memcpy(datagram->bytes, bytes, length);
    if (!in_order) due_ns += wire_latency_ns(simulation); /* others can overtake it, or it them */
    if (in_order && due_ns < simulation->datagram_due_ns) due_ns = simulation->datagram_due_ns;
    if (in_order) simulation->datagram_due_ns = due_ns;
    weir_check(due_ns >= simulation->now_ns);
    wire_timer_set(simulation, &datagram->arrival, due_ns - simulation->now_ns,
                   wire__datagram_arrives);
}

void wire_drop_datagram(struct wire_socket *socket)
{
    struct wire_datagram *datagram = socket->first;

    weir_check(datagram != NULL);
    weir_check(socket->count > 0);
    uint32_t cost = datagram->length + WIRE__DATAGRAM_OVERHEAD_BYTES;
    weir_check(socket->queued_bytes >= cost);
    socket->first = datagram->next;
    if (!socket->first) socket->last = NULL;
    socket->count--;
    socket->queued_bytes -= cost;
    wire_memory_free(datagram);
}

bool wire_bind(struct net_simulation *simulation, struct wire_socket *socket, bool first)
{
    weir_check(!socket->simulation);
    weir_check(!socket->first);
    if (socket->address.port == 0) socket->address.port = wire_port_free(simulation);
    struct wire_socket **bucket = wire__bucket(simulation, socket->address.port);
    for (struct wire_socket *other = *bucket; other; other = other->next) {
        if (!wire__overlaps(&socket->address, &other->address)) continue;
        if (first || !socket->shared || !other->shared) return false;
    }
    socket->simulation = simulation;
    socket->next = *bucket;
    *bucket = socket;
    return true;
}

void wire_unbind(struct wire_socket *socket)
{
    struct wire_socket **link = wire__bucket(socket->simulation, socket->address.port);

    weir_check(socket->simulation != NULL);
    while (*link != socket) link = &(*link)->next;
    *link = socket->next;
    while (socket->first) wire_drop_datagram(socket);
    weir_check(socket->count == 0);
    weir_check(socket->queued_bytes == 0);
    socket->simulation = NULL;
}

/* ---- freeing ---- */

void wire_free_all(struct net_simulation *simulation)
{
    weir_check(!simulation->ports);
    while (simulation->streams) wire__free_stream(simulation->streams);
    for (uint32_t i = 1; i <= simulation->heap_count; i++)
        if (simulation->heap[i]->run == wire__datagram_arrives)
            wire_memory_free(weir_container_of(simulation->heap[i], struct wire_datagram, arrival));
    wire_memory_free(simulation->heap);
}
