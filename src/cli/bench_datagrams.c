/* SPDX-License-Identifier: MIT */
/* bench_datagrams.c - one connected socket per flow. Messages that are due together leave together:
 *
 *      send ... send -> batch -> flush (sendmmsg) -> server -> receive (recvmmsg) -> compare
 *
 * A datagram begins with its number, its slot and its socket, because answers can be lost, repeated
 * and reordered:      [ number, 8 bytes | slot, 4 | socket, 4 | pattern ... ] */
#include "bench_datagrams.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench_sender.h"
#include "os_connect.h"
#include "os_datagrams.h"
#include "os_error.h"
#include "os_usage.h"

#define BENCH_DATAGRAMS__HEAD_BYTES 16u
#define BENCH_DATAGRAMS__LOOK_NS UINT64_C(10000000) /* between two searches for lost ones */

struct bench_datagrams__head {
    uint64_t number;
    uint32_t slot, socket;
};

_Static_assert(sizeof(struct bench_datagrams__head) == BENCH_DATAGRAMS__HEAD_BYTES,
               "the head is sent as it is in memory");

struct bench_datagrams {
    struct os_attempt *sockets; /* one per flow */
    struct os_datagrams_watch *watch;
    uint32_t batch_flow, batch_count; /* datagrams of one flow that are to be sent */
    struct os_datagram batch[OS_DATAGRAMS_MAX], received[OS_DATAGRAMS_MAX];
    uint64_t look_ns; /* when to search for lost datagrams */
};

static bool bench_datagrams__fail(struct bench_thread *thread, const char *why)
{
    snprintf(thread->why, sizeof thread->why, "cannot connect to udp %.200s: %.200s",
             thread->run->options->address, why);
    return false;
}

/* ---- sending ---- */

static void bench_datagrams__flush(struct bench_thread *thread)
{
    struct bench_datagrams *all = thread->driver;
    uint32_t count = all->batch_count;
    int os_error = 0;
    char text[128];

    all->batch_count = 0;
    if (count == 0) return;
    uint32_t sent = os_datagrams_send(&all->sockets[all->batch_flow], all->batch, count, &os_error);
    for (uint32_t i = sent; i < count; i++) {
        os_error_text(os_error, text, sizeof text);
        bench_result_fail(thread->result, BENCH_ERROR_UNSENT, "%s", text);
    }
}

static bool bench_datagrams__send(struct bench_thread *thread, struct bench_flow *flow,
                                  struct bench_slot *slot)
{
    struct bench_datagrams *all = thread->driver;
    const struct bench_pattern *pattern = &thread->run->pattern;
    const struct bench_datagrams__head head = {
        .number = slot->number, .slot = (uint32_t)(slot - flow->slots), .socket = flow->index};
    uint32_t index = (uint32_t)(flow - thread->flows);

    if (all->batch_count == OS_DATAGRAMS_MAX || all->batch_flow != index)
        bench_datagrams__flush(thread);
    all->batch_flow = index;
    struct os_datagram *datagram = &all->batch[all->batch_count++];
    memcpy(datagram->bytes, bench_pattern_message(pattern, flow->index, slot->number),
           pattern->size);
    memcpy(datagram->bytes, &head, sizeof head);
    datagram->length = pattern->size;
    return true;
}

/* ---- answers ---- */

/* Returns the slot that the head names; null: it names none. */
static struct bench_slot *bench_datagrams__find(struct bench_flow *flow,
                                                const struct bench_datagrams__head *head)
{
    struct bench_slot *slot = head->slot < flow->depth ? &flow->slots[head->slot] : NULL;

    return slot && slot->is_used && slot->number == head->number ? slot : NULL;
}

/* An answer that no message waits for: one that was lost for a while, a copy, or a wrong head. */
static void bench_datagrams__on_stray(struct bench_thread *thread, const struct bench_flow *flow,
                                      const struct bench_datagrams__head *head)
{
    if (head->socket == flow->index && head->number < flow->next && head->slot < flow->depth)
        thread->result->others++;
    else
        bench_result_fail(thread->result, BENCH_ERROR_WRONG,
                          "socket %" PRIu32 ": an answer with a wrong number", flow->index);
}

/* Compares an answer with its message. */
static bool bench_datagrams__is_right(struct bench_thread *thread, const struct bench_flow *flow,
                                      const struct bench_slot *slot,
                                      const struct os_datagram *datagram)
{
    size_t rest = datagram->length - BENCH_DATAGRAMS__HEAD_BYTES;
    size_t at = bench_pattern_differs(&thread->run->pattern, flow->index, slot->number,
                                      BENCH_DATAGRAMS__HEAD_BYTES,
                                      datagram->bytes + BENCH_DATAGRAMS__HEAD_BYTES, rest);

    if (at == rest) return true;
    bench_result_fail(thread->result, BENCH_ERROR_WRONG,
                      "socket %" PRIu32 ", answer %" PRIu64 ": byte %zu is wrong", flow->index,
                      slot->number, at + BENCH_DATAGRAMS__HEAD_BYTES);
    return false;
}

static void bench_datagrams__take(struct bench_thread *thread, struct bench_flow *flow,
                                  const struct os_datagram *datagram, uint64_t now_ns)
{
    struct bench_datagrams__head head;
    uint32_t size = thread->run->pattern.size;

    if (datagram->length != size) {
        bench_result_fail(thread->result, BENCH_ERROR_LENGTH,
                          "socket %" PRIu32 ": %s%zu bytes instead of %" PRIu32, flow->index,
                          datagram->length > size ? "at least " : "", datagram->length, size);
        return;
    }
    memcpy(&head, datagram->bytes, sizeof head);
    struct bench_slot *slot =
        head.socket == flow->index ? bench_datagrams__find(flow, &head) : NULL;
    if (!slot) {
        bench_datagrams__on_stray(thread, flow, &head);
        return;
    }
    if (bench_datagrams__is_right(thread, flow, slot, datagram)) {
        thread->result->verified_bytes += size;
        bench_flow_answer(flow, slot, &thread->schedule, now_ns, thread->result);
        atomic_fetch_add_explicit(&thread->answered, 1, memory_order_relaxed);
    }
    bench_flow_release(flow, slot, now_ns);
}

static void bench_datagrams__receive(struct bench_thread *thread, struct bench_flow *flow)
{
    struct bench_datagrams *all = thread->driver;
    uint32_t count;
    int os_error;
    char text[128];

    do {
        for (uint32_t i = 0; i < OS_DATAGRAMS_MAX; i++)
            all->received[i].length = (size_t)thread->run->pattern.size + 1;
        count = os_datagrams_receive(&all->sockets[flow - thread->flows], all->received,
                                     OS_DATAGRAMS_MAX, &os_error);
        uint64_t now_ns = os_now_ns();
        if (os_error != 0)
            bench_result_fail(thread->result, BENCH_ERROR_LOST, "%s",
                              os_error_text(os_error, text, sizeof text));
        for (uint32_t i = 0; i < count; i++)
            bench_datagrams__take(thread, flow, &all->received[i], now_ns);
    } while (count == OS_DATAGRAMS_MAX);
    bench_sender_flow(thread, flow, os_now_ns());
}

/* ---- lost datagrams ---- */

static void bench_datagrams__drop_lost(struct bench_thread *thread, uint64_t now_ns)
{
    uint64_t loss_ns = thread->run->options->loss_ms * UINT64_C(1000000);

    for (uint32_t i = 0; i < thread->count; i++) {
        struct bench_flow *flow = &thread->flows[i];
        for (uint32_t j = 0; flow->in_flight > 0 && j < flow->depth; j++) {
            struct bench_slot *slot = &flow->slots[j];
            if (!slot->is_used || now_ns < slot->sent_ns + loss_ns) continue;
            if (bench_schedule_counts(&thread->schedule, slot->due_ns)) thread->result->lost++;
            bench_flow_release(flow, slot, now_ns);
        }
        bench_sender_flow(thread, flow, now_ns);
    }
}

/* ---- the driver ---- */

/* Allocates datagrams of `size` bytes. */
static bool bench_datagrams__allocate(struct os_datagram datagrams[OS_DATAGRAMS_MAX], size_t size,
                                      struct arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, OS_DATAGRAMS_MAX * size);

    for (uint32_t i = 0; bytes && i < OS_DATAGRAMS_MAX; i++) datagrams[i].bytes = bytes + i * size;
    return bytes != NULL;
}

static struct bench_datagrams *bench_datagrams__open(struct bench_thread *thread)
{
    size_t size = (size_t)thread->run->pattern.size + 1; /* one more shows a longer datagram */
    struct bench_datagrams *all = arena_alloc(&thread->arena, sizeof *all);

    if (!all || !bench_datagrams__allocate(all->batch, size, &thread->arena) ||
        !bench_datagrams__allocate(all->received, size, &thread->arena))
        return NULL;
    all->sockets = arena_alloc(&thread->arena, thread->count * sizeof *all->sockets);
    for (uint32_t i = 0; all->sockets && i < thread->count; i++) all->sockets[i].handle = -1;
    return all->sockets ? all : NULL;
}

static bool bench_datagrams__start(struct bench_thread *thread)
{
    const struct bench_options *options = thread->run->options;
    struct bench_datagrams *all = bench_datagrams__open(thread);
    struct os_addresses found;
    char text[256];

    thread->driver = all;
    if (!all) return bench_datagrams__fail(thread, "out of memory");
    os_lookup(options->host, options->port, true, &found);
    if (found.count == 0) return bench_datagrams__fail(thread, found.why);
    for (uint32_t i = 0; i < thread->count; i++) {
        int os_error = os_attempt_begin(&all->sockets[i], &found.at[0], true);
        if (os_error != 0) {
            all->sockets[i].handle = -1;
            return bench_datagrams__fail(thread, os_error_text(os_error, text, sizeof text));
        }
        os_datagrams_enlarge(&all->sockets[i]);
        thread->flows[i].is_open = true;
        thread->opened++;
    }
    thread->result->connected = thread->opened;
    all->watch = os_datagrams_watch(all->sockets, thread->count, &thread->arena);
    return all->watch || bench_datagrams__fail(thread, "out of memory");
}

static void bench_datagrams__wait(struct bench_thread *thread, uint64_t timeout_ns)
{
    struct bench_datagrams *all = thread->driver;

    bench_datagrams__flush(thread);
    os_datagrams_wait(all->watch, timeout_ns);
    for (uint32_t i = 0; i < thread->count; i++)
        if (os_datagrams_is_ready(all->watch, i))
            bench_datagrams__receive(thread, &thread->flows[i]);
    uint64_t now_ns = os_now_ns();
    if (now_ns < all->look_ns) return;
    bench_datagrams__drop_lost(thread, now_ns);
    all->look_ns = now_ns + BENCH_DATAGRAMS__LOOK_NS;
}

static void bench_datagrams__finish(struct bench_thread *thread)
{
    thread->opened = 0; /* nothing is to be awaited */
}

static void bench_datagrams__free(struct bench_thread *thread)
{
    struct bench_datagrams *all = thread->driver;

    for (uint32_t i = 0; all && i < thread->count; i++) os_attempt_close(&all->sockets[i]);
}

const struct bench_driver bench_datagrams_driver = {
    .start = bench_datagrams__start,
    .send = bench_datagrams__send,
    .wait = bench_datagrams__wait,
    .finish = bench_datagrams__finish,
    .free = bench_datagrams__free,
};
