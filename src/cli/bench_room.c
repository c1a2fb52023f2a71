/* SPDX-License-Identifier: MIT */
/* bench_room.c - member 0 speaks, and every other member receives each of its messages once, in
 * their order. The server can add text before the message, such as the name of the speaker.
 *
 *      connect -> [ probes until each member has received one ] -> the run
 *
 *      weir-bench: 0000002a pattern ...      message 42, with `size` bytes
 *      weir-bench? 00000001                  a probe
 *
 * The slot of a message is used until the last member has received it. Each receipt is one delivery
 * of the result. Lines without a mark are the server's own, and are only counted. */
#include "bench_room.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_sender.h"
#include "bench_server.h"
#include "os_usage.h"

#define BENCH_ROOM__MARK "weir-bench"
#define BENCH_ROOM__MARK_BYTES (sizeof BENCH_ROOM__MARK - 1)
#define BENCH_ROOM__PROBE_NS UINT64_C(50000000) /* between two probes */

struct bench_room__member {
    struct bench_thread *thread;
    struct weir_session *session; /* null: there is none */
    uint64_t next;                /* number of the message that comes next */
    bool is_connected, has_joined;
};

struct bench_room {
    struct weir_server *server;
    struct bench_room__member *members; /* one per flow; the first one speaks */
    uint32_t *missing;                  /* for each slot: members that have not received it */
    uint32_t connected;
    uint32_t probes;
    uint64_t probe_ns, give_up_ns; /* when the next probe is due; when to stop probing */
    char *text;                    /* of the message that is sent or compared */
    bool is_probed;                /* there are no further probes */
    bool is_finishing;
};

static struct bench_room *bench_room__of(const struct bench_room__member *member)
{
    return member->thread->driver;
}

/* ---- speaking ---- */

/* Writes the text of a message. */
static void bench_room__write(struct bench_thread *thread, uint64_t number)
{
    struct bench_room *room = thread->driver;
    const struct bench_pattern *pattern = &thread->run->pattern;

    snprintf(room->text, BENCH_ROOM_HEAD_BYTES + 1, BENCH_ROOM__MARK ": %08" PRIx32,
             (uint32_t)number);
    room->text[BENCH_ROOM_HEAD_BYTES] = ' ';
    memcpy(room->text + BENCH_ROOM_HEAD_BYTES + 1, bench_pattern_message(pattern, 0, number),
           pattern->size - BENCH_ROOM_HEAD_BYTES - 1);
}

static bool bench_room__send(struct bench_thread *thread, struct bench_flow *flow,
                             struct bench_slot *slot)
{
    struct bench_room *room = thread->driver;

    bench_room__write(thread, slot->number);
    room->missing[slot - flow->slots] = thread->count - 1;
    enum weir_code code =
        weir_session_send(room->members[0].session, room->text, thread->run->pattern.size);
    if (code == WEIR_OK) return true;
    bench_result_fail(thread->result, BENCH_ERROR_UNSENT, "message %" PRIu64 ": %s", slot->number,
                      weir_code_text(code));
    flow->is_open = false;
    return false;
}

/* Sends a probe if one is due. Members that receive none in time are counted as refused. */
static void bench_room__probe(struct bench_thread *thread, uint64_t now_ns)
{
    struct bench_room *room = thread->driver;
    char text[BENCH_ROOM_HEAD_BYTES + 1];

    if (thread->opened + thread->refused >= thread->count) room->is_probed = true;
    if (room->is_probed || room->connected < thread->count) return;
    if (room->give_up_ns == 0)
        room->give_up_ns = now_ns + thread->run->options->timeout_ms * UINT64_C(1000000);
    if (now_ns >= room->give_up_ns) {
        bench_result_fail(thread->result, BENCH_ERROR_CONNECT,
                          "%" PRIu32 " of %" PRIu32 " members do not receive what the first one "
                          "says; the server must be a room, such as weir serve --codec line "
                          "--handler chat",
                          thread->count - thread->opened, thread->count);
        thread->refused = thread->count - thread->opened;
        return;
    }
    if (now_ns < room->probe_ns) return;
    room->probe_ns = now_ns + BENCH_ROOM__PROBE_NS;
    int length = snprintf(text, sizeof text, BENCH_ROOM__MARK "? %08" PRIx32, ++room->probes);
    weir_session_send(room->members[0].session, text, (size_t)length);
}

/* ---- receiving ---- */

/* One member has received the message of a slot, or never will. */
static void bench_room__count_off(struct bench_thread *thread, struct bench_slot *slot,
                                  uint64_t now_ns)
{
    struct bench_room *room = thread->driver;
    struct bench_flow *flow = &thread->flows[0];

    if (--room->missing[slot - flow->slots] > 0) return;
    bench_flow_release(flow, slot, now_ns);
    bench_sender_flow(thread, flow, now_ns);
}

/* Messages before this one have not come. */
static void bench_room__skip_to(struct bench_room__member *member, uint64_t number, uint64_t now_ns)
{
    struct bench_thread *thread = member->thread;
    const struct bench_room *room = thread->driver;

    for (; member->next < number; member->next++) {
        struct bench_slot *slot = bench_flow_find(&thread->flows[0], member->next);
        bench_result_fail(thread->result, BENCH_ERROR_UNANSWERED,
                          "member %td has not received message %" PRIu64, member - room->members,
                          member->next);
        if (slot) bench_room__count_off(thread, slot, now_ns);
    }
}

/* Compares a message with what was sent. */
static bool bench_room__is_right(struct bench_room__member *member, const uint8_t *bytes,
                                 size_t length, uint64_t number)
{
    struct bench_thread *thread = member->thread;
    struct bench_room *room = thread->driver;
    uint32_t size = thread->run->pattern.size;

    if (length != size) {
        bench_result_fail(thread->result, BENCH_ERROR_LENGTH,
                          "member %td, message %" PRIu64 ": %zu bytes instead of %" PRIu32,
                          member - room->members, number, length, size);
        return false;
    }
    bench_room__write(thread, number);
    if (memcmp(bytes, room->text, size) == 0) return true;
    bench_result_fail(thread->result, BENCH_ERROR_WRONG, "member %td, message %" PRIu64,
                      member - room->members, number);
    return false;
}

static void bench_room__deliver(struct bench_room__member *member, const uint8_t *bytes,
                                size_t length)
{
    struct bench_thread *thread = member->thread;
    struct bench_flow *flow = &thread->flows[0];
    char digits[9] = "";
    uint64_t now_ns = os_now_ns();

    if (length >= BENCH_ROOM_HEAD_BYTES) memcpy(digits, bytes + BENCH_ROOM_HEAD_BYTES - 8, 8);
    uint64_t number = strtoull(digits, NULL, 16);
    struct bench_slot *slot = bench_flow_find(flow, number);
    if (!slot || number < member->next) {
        bench_result_fail(thread->result, BENCH_ERROR_UNASKED,
                          "message %" PRIu64 " came again, or was never sent", number);
        return;
    }
    bench_room__skip_to(member, number, now_ns);
    member->next = number + 1;
    if (bench_room__is_right(member, bytes, length, number)) {
        thread->result->verified_bytes += length;
        bench_flow_answer(flow, slot, &thread->schedule, now_ns, thread->result);
        atomic_fetch_add_explicit(&thread->answered, 1, memory_order_relaxed);
    }
    bench_room__count_off(thread, slot, now_ns);
}

/* Returns the begin of the mark in a line; null: it has none. */
static const uint8_t *bench_room__find_mark(const struct weir_message *line)
{
    const uint8_t *at = line->bytes, *end = line->bytes + line->length;

    while (at < end && (at = memchr(at, BENCH_ROOM__MARK[0], (size_t)(end - at)))) {
        if ((size_t)(end - at) > BENCH_ROOM__MARK_BYTES &&
            memcmp(at, BENCH_ROOM__MARK, BENCH_ROOM__MARK_BYTES) == 0)
            return at;
        at++;
    }
    return NULL;
}

static void bench_room__on_message(struct weir_session *session, const struct weir_message *line)
{
    struct bench_room__member *member = weir_session_connect_user(session);
    struct bench_room *room = bench_room__of(member);
    const uint8_t *mark = bench_room__find_mark(line);

    if (room->is_finishing) return;
    if (!mark || member == room->members) {
        member->thread->result->others++;
    } else if (mark[BENCH_ROOM__MARK_BYTES] == ':') {
        bench_room__deliver(member, mark, line->length - (size_t)(mark - line->bytes));
    } else if (!member->has_joined) {
        member->has_joined = true;
        member->thread->opened++;
    }
}

/* ---- connections ---- */

static void bench_room__on_open(struct weir_session *session)
{
    struct bench_room__member *member = weir_session_connect_user(session);
    struct bench_room *room = bench_room__of(member);

    member->session = session;
    member->is_connected = true;
    member->thread->result->connected++;
    room->connected++;
    if (member != room->members) return;
    member->has_joined = true; /* it needs no probe */
    member->thread->opened++;
    member->thread->flows[0].is_open = true;
}

static void bench_room__on_failed(struct weir_server *server, uint64_t connector,
                                  const struct weir_error *error, void *user)
{
    struct bench_room__member *member = user;
    char text[BENCH_EXAMPLE_BYTES];

    (void)server, (void)connector;
    if (bench_room__of(member)->is_finishing) return;
    bench_result_fail(member->thread->result, BENCH_ERROR_CONNECT, "%s",
                      weir_error_text(error, text, sizeof text));
    member->thread->refused = member->thread->count - member->thread->opened;
}

/* Without a member, no message reaches everyone: the run ends. */
static void bench_room__on_close(struct weir_session *session, enum weir_reason reason,
                                 const char *text)
{
    struct bench_room__member *member = weir_session_connect_user(session);
    struct bench_room *room = bench_room__of(member);
    struct bench_thread *thread = member->thread;

    member->session = NULL;
    if (room->is_finishing) {
        thread->opened--;
        return;
    }
    bench_result_fail(thread->result, BENCH_ERROR_LOST, "member %td ended: %s%s%s",
                      member - room->members, weir_reason_text(reason), text[0] != '\0' ? ", " : "",
                      text);
    bench_flow_close(&thread->flows[0], thread->result, "a member has left");
    thread->opened = 0;
    thread->refused = thread->count;
}

static const struct weir_handler bench_room__handler = {
    .size = sizeof bench_room__handler,
    .name = "bench",
    .on_open = bench_room__on_open,
    .on_message = bench_room__on_message,
    .on_close = bench_room__on_close,
};

/* ---- the driver ---- */

static bool bench_room__prepare(struct bench_thread *thread)
{
    struct bench_room *room = arena_alloc(&thread->arena, sizeof *room);

    thread->driver = room;
    if (room) {
        room->members = arena_alloc(&thread->arena, thread->count * sizeof *room->members);
        room->missing =
            arena_alloc(&thread->arena, thread->run->options->depth * sizeof *room->missing);
        room->text = arena_alloc(&thread->arena, (size_t)thread->run->pattern.size + 1);
    }
    if (!room || !room->members || !room->missing || !room->text) {
        snprintf(thread->why, sizeof thread->why, "out of memory");
        return false;
    }
    room->server = bench_server_open(thread);
    return room->server != NULL;
}

static bool bench_room__start(struct bench_thread *thread)
{
    if (!bench_room__prepare(thread)) return false;
    struct bench_room *room = thread->driver;
    for (uint32_t i = 0; i < thread->count; i++) {
        room->members[i] = (struct bench_room__member){.thread = thread};
        if (bench_server_connect(room->server, thread, &bench_room__handler, bench_room__on_failed,
                                 &room->members[i]))
            continue;
        snprintf(thread->why, sizeof thread->why, "%s",
                 thread->result->examples[BENCH_ERROR_CONNECT]);
        return false;
    }
    return bench_server_start(room->server, thread);
}

static void bench_room__wait(struct bench_thread *thread, uint64_t timeout_ns)
{
    struct bench_room *room = thread->driver;

    bench_room__probe(thread, os_now_ns());
    bench_server_wait(room->server, timeout_ns);
}

static void bench_room__finish(struct bench_thread *thread)
{
    struct bench_room *room = thread->driver;

    thread->opened = 0; /* from here on: connections that have a session */
    if (!room) return;
    room->is_finishing = true;
    for (uint32_t i = 0; room->members && i < thread->count; i++) {
        if (!room->members[i].session) continue;
        thread->opened++;
        if (thread->run->options->close == BENCH_CLOSE_RUDE)
            weir_session_abort(room->members[i].session);
        else
            weir_session_finish(room->members[i].session);
    }
}

static void bench_room__free(struct bench_thread *thread)
{
    struct bench_room *room = thread->driver;

    if (room) bench_server_close(room->server);
}

const struct bench_driver bench_room_driver = {
    .start = bench_room__start,
    .send = bench_room__send,
    .wait = bench_room__wait,
    .finish = bench_room__finish,
    .free = bench_room__free,
};
