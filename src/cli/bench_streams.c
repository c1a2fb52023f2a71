/* SPDX-License-Identifier: MIT */
/* bench_streams.c - sessions of the library as the connections of a run.
 *
 *      weir_connect -> on_open [-> WebSocket is open] -> flow is open <-> send, compare -> on_close
 *                          '------------ on_close: refused                  '- wrong: abort -^
 *
 * In mode connect (dials) a message is a whole connection: its slot is used from weir_connect()
 * until the connection has ended. One trial connection without a message comes first. */
#include "bench_streams.h"

#include <inttypes.h>
#include <stdio.h>

#include "bench_answer.h"
#include "bench_frames.h"
#include "bench_sender.h"
#include "bench_server.h"
#include "os_usage.h"

#define BENCH_STREAMS__OPENING_MAX 256u /* connects at the same time */

struct bench_stream {
    struct bench_thread *thread;
    struct bench_flow *flow;
    struct weir_session *session; /* null: there is none */
    struct bench_slot *slot;      /* of a dial that runs */
    struct bench_answer answer;
    uint64_t connect_ns; /* when the connect began */
    bool is_open;        /* messages can be sent */
    bool is_ours;        /* the generator ends the connection, or has counted why it ended */
};

struct bench_streams {
    struct weir_server *server;
    struct bench_stream *streams; /* one per flow */
    uint32_t started, opening;    /* connections */
    uint32_t mask;                /* of the next WebSocket frame */
    uint8_t *frame;               /* room for a WebSocket frame */
    bool is_finishing;
    bool dials; /* mode connect */
};

static struct bench_streams *bench_streams__of(const struct bench_stream *stream)
{
    return stream->thread->driver;
}

/* ---- sending ---- */

/* Sends a WebSocket frame. */
static enum weir_code bench_streams__send_frame(struct bench_stream *stream, unsigned opcode,
                                                const uint8_t *bytes, size_t length)
{
    struct bench_streams *all = bench_streams__of(stream);

    all->mask = all->mask * 1664525u + 1013904223u;
    length = bench_frames_write(opcode, all->mask, bytes, length, all->frame);
    return weir_session_send(stream->session, all->frame, length);
}

/* Ends the connection after an error that was counted. */
static void bench_streams__give_up(struct bench_stream *stream)
{
    stream->is_ours = true;
    if (!stream->slot) stream->flow->is_open = false;
    weir_session_abort(stream->session);
}

static bool bench_streams__send_slot(struct bench_stream *stream, const struct bench_slot *slot)
{
    const struct bench_pattern *pattern = &stream->thread->run->pattern;
    const uint8_t *bytes = bench_pattern_message(pattern, stream->flow->index, slot->number);
    enum weir_code code =
        stream->thread->run->options->websocket
            ? bench_streams__send_frame(stream, BENCH_FRAME_BINARY, bytes, pattern->size)
            : weir_session_send(stream->session, bytes, pattern->size);

    if (code == WEIR_OK) return true;
    bench_result_fail(stream->thread->result, BENCH_ERROR_UNSENT,
                      "connection %" PRIu32 ", message %" PRIu64 ": %s", stream->flow->index,
                      slot->number, weir_code_text(code));
    bench_streams__give_up(stream);
    return false;
}

static bool bench_streams__send(struct bench_thread *thread, struct bench_flow *flow,
                                struct bench_slot *slot)
{
    struct bench_streams *all = thread->driver;

    return bench_streams__send_slot(&all->streams[flow - thread->flows], slot);
}

/* ---- the begin of a connection ---- */

static void bench_streams__open_more(struct bench_thread *thread);
static void bench_streams__hang_up(struct bench_stream *stream);

/* The connection can be used. */
static void bench_streams__opened(struct bench_stream *stream)
{
    struct bench_thread *thread = stream->thread;
    uint64_t now_ns = os_now_ns();

    stream->is_open = true;
    if (bench_streams__of(stream)->dials && !stream->slot) {
        bench_streams__hang_up(stream); /* the trial */
        return;
    }
    thread->result->connected++;
    bench_histogram_add(&thread->result->connect, now_ns - stream->connect_ns);
    if (stream->slot) {
        stream->answer = (struct bench_answer){.number = stream->slot->number};
        bench_streams__send_slot(stream, stream->slot);
        return;
    }
    stream->flow->is_open = true;
    thread->opened++;
    bench_streams__of(stream)->opening--;
    bench_streams__open_more(thread);
}

/* A dial has ended: the next one can begin. */
static void bench_streams__dial_ended(struct bench_stream *stream)
{
    struct bench_slot *slot = stream->slot;

    stream->slot = NULL;
    bench_flow_release(stream->flow, slot, os_now_ns());
    if (!bench_streams__of(stream)->is_finishing)
        bench_sender_flow(stream->thread, stream->flow, os_now_ns());
}

/* The connection has not opened; the error was counted. */
static void bench_streams__refused(struct bench_stream *stream)
{
    if (stream->slot) {
        bench_streams__dial_ended(stream);
        return;
    }
    stream->thread->refused += bench_streams__of(stream)->dials ? stream->thread->count : 1;
    bench_streams__of(stream)->opening--;
    bench_streams__open_more(stream->thread);
}

static void bench_streams__on_failed(struct weir_server *server, uint64_t connector,
                                     const struct weir_error *error, void *user)
{
    struct bench_stream *stream = user;
    char text[BENCH_EXAMPLE_BYTES];

    (void)server, (void)connector;
    if (error->code != WEIR_CANCELLED)
        bench_result_fail(stream->thread->result, BENCH_ERROR_CONNECT, "%s",
                          weir_error_text(error, text, sizeof text));
    bench_streams__refused(stream);
}

static void bench_streams__on_open(struct weir_session *session)
{
    struct bench_stream *stream = weir_session_connect_user(session);
    const struct bench_options *options = stream->thread->run->options;
    char request[2048];

    stream->session = session;
    if (!options->websocket) {
        bench_streams__opened(stream);
        return;
    }
    size_t length =
        bench_frames_request(options->address, options->websocket, request, sizeof request);
    if (length > 0 && weir_session_send(session, request, length) == WEIR_OK) return;
    bench_result_fail(stream->thread->result, BENCH_ERROR_CONNECT,
                      "the WebSocket request is too long");
    bench_streams__give_up(stream);
}

/* ---- answers ---- */

/* A dial ends with its answer. */
static void bench_streams__hang_up(struct bench_stream *stream)
{
    static const uint8_t normal_closure[] = {0x03, 0xe8};
    const struct bench_options *options = stream->thread->run->options;

    bool is_trial = bench_streams__of(stream)->dials && !stream->slot;

    stream->is_ours = true;
    if (options->close == BENCH_CLOSE_RUDE && !is_trial) {
        weir_session_abort(stream->session);
        return;
    }
    if (options->websocket && stream->is_open)
        bench_streams__send_frame(stream, BENCH_FRAME_CLOSE, normal_closure, sizeof normal_closure);
    weir_session_finish(stream->session);
}

static void bench_streams__answered(struct bench_stream *stream, struct bench_slot *slot)
{
    struct bench_thread *thread = stream->thread;
    uint64_t now_ns = os_now_ns();

    bench_flow_answer(stream->flow, slot, &thread->schedule, now_ns, thread->result);
    atomic_store_explicit(&thread->answered,
                          atomic_load_explicit(&thread->answered, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (stream->slot) {
        bench_streams__hang_up(stream);
        return;
    }
    bench_flow_release(stream->flow, slot, now_ns);
    bench_sender_flow(thread, stream->flow, now_ns);
}

/* Ends the connection after a wrong answer, which was counted. Its message had an answer. */
static void bench_streams__reject(struct bench_stream *stream)
{
    struct bench_slot *slot = bench_flow_find(stream->flow, stream->answer.number);

    if (slot && !stream->slot) bench_flow_release(stream->flow, slot, os_now_ns());
    bench_streams__give_up(stream);
}

/* Compares received bytes. If they are wrong, the connection ends. */
static void bench_streams__compare(struct bench_stream *stream, const uint8_t *bytes, size_t length)
{
    struct bench_slot *slot;

    while (length > 0 && !stream->is_ours) {
        switch (bench_answer_take(&stream->answer, stream->thread, stream->flow, &bytes, &length,
                                  &slot)) {
        case BENCH_ANSWERED_PART: break;
        case BENCH_ANSWERED_WHOLE: bench_streams__answered(stream, slot); break;
        case BENCH_ANSWERED_WRONG: bench_streams__reject(stream); break;
        }
    }
}

static void bench_streams__wrong_length(struct bench_stream *stream, size_t length)
{
    bench_answer_has_length(stream->thread, stream->flow, &stream->answer, length);
    bench_streams__reject(stream);
}

/* A WebSocket message can come in several frames. */
static void bench_streams__on_data(struct bench_stream *stream, const struct weir_message *frame)
{
    size_t received = stream->answer.received + frame->length,
           size = stream->thread->run->pattern.size;

    if (received > size || (bench_frames_is_final(frame) && received < size))
        bench_streams__wrong_length(stream, received);
    else
        bench_streams__compare(stream, frame->bytes, frame->length);
}

static void bench_streams__on_frame(struct bench_stream *stream, const struct weir_message *frame)
{
    switch (bench_frames_opcode(frame)) {
    case BENCH_FRAME_CONTINUATION:
    case BENCH_FRAME_TEXT:
    case BENCH_FRAME_BINARY: bench_streams__on_data(stream, frame); break;
    case BENCH_FRAME_PING:
        if (frame->length < 126)
            bench_streams__send_frame(stream, BENCH_FRAME_PONG, frame->bytes, frame->length);
        break;
    default: break; /* a pong, or a close frame: the end of the stream follows */
    }
}

static void bench_streams__on_head(struct bench_stream *stream, const struct weir_message *head)
{
    const char *denial = bench_frames_denial(head);

    if (!denial) {
        bench_streams__opened(stream);
        return;
    }
    bench_result_fail(stream->thread->result, BENCH_ERROR_CONNECT, "%s", denial);
    bench_streams__give_up(stream);
}

static void bench_streams__on_message(struct weir_session *session,
                                      const struct weir_message *message)
{
    struct bench_stream *stream = weir_session_connect_user(session);
    const struct bench_run *run = stream->thread->run;

    if (stream->is_ours || bench_streams__of(stream)->is_finishing) return;
    if (run->options->websocket && bench_frames_is_head(message))
        bench_streams__on_head(stream, message);
    else if (run->options->websocket)
        bench_streams__on_frame(stream, message);
    else if (run->has_frames && message->length != run->pattern.size)
        bench_streams__wrong_length(stream, message->length);
    else
        bench_streams__compare(stream, message->bytes, message->length);
}

/* ---- the end of a connection ---- */

/* The trial has ended: dials can begin. */
static void bench_streams__open_dials(struct bench_thread *thread)
{
    for (uint32_t i = 0; i < thread->count; i++) thread->flows[i].is_open = true;
    thread->opened = thread->count;
}

static void bench_streams__on_close(struct weir_session *session, enum weir_reason reason,
                                    const char *text)
{
    struct bench_stream *stream = weir_session_connect_user(session);
    struct bench_thread *thread = stream->thread;
    bool was_open = stream->is_open;

    stream->session = NULL;
    stream->is_open = false;
    if (!stream->is_ours && !bench_streams__of(stream)->is_finishing)
        bench_result_fail(thread->result, was_open ? BENCH_ERROR_LOST : BENCH_ERROR_CONNECT,
                          "connection %" PRIu32 " ended: %s%s%s", stream->flow->index,
                          weir_reason_text(reason), text[0] != '\0' ? ", " : "", text);
    if (bench_streams__of(stream)->is_finishing) {
        thread->opened--;
    } else if (!was_open) {
        bench_streams__refused(stream);
    } else if (stream->slot) {
        bench_streams__dial_ended(stream);
    } else if (bench_streams__of(stream)->dials) {
        bench_streams__open_dials(thread);
    } else {
        thread->opened--;
        bench_flow_close(stream->flow, thread->result, "its connection ended");
    }
}

static const struct weir_handler bench_streams__handler = {
    .size = sizeof bench_streams__handler,
    .name = "bench",
    .on_open = bench_streams__on_open,
    .on_message = bench_streams__on_message,
    .on_close = bench_streams__on_close,
};

/* ---- the driver ---- */

/* Begins a connection. Returns false, after counting the error, if nothing begins. */
static bool bench_streams__connect(struct bench_stream *stream)
{
    stream->connect_ns = os_now_ns();
    stream->is_open = stream->is_ours = false;
    stream->answer = (struct bench_answer){0};
    return bench_server_connect(bench_streams__of(stream)->server, stream->thread,
                                &bench_streams__handler, bench_streams__on_failed, stream);
}

static void bench_streams__open_more(struct bench_thread *thread)
{
    struct bench_streams *all = thread->driver;

    while (!all->is_finishing && all->started < thread->count &&
           all->opening < BENCH_STREAMS__OPENING_MAX) {
        struct bench_stream *stream = &all->streams[all->started++];
        if (bench_streams__connect(stream))
            all->opening++;
        else
            thread->refused++;
    }
}

/* Makes the state of the driver and its server. */
static bool bench_streams__prepare(struct bench_thread *thread)
{
    struct bench_streams *all = arena_alloc(&thread->arena, sizeof *all);
    size_t frame_bytes = thread->run->pattern.size + BENCH_FRAMES_HEAD_BYTES + 126u;

    thread->driver = all;
    if (all) all->streams = arena_alloc(&thread->arena, thread->count * sizeof *all->streams);
    if (all) all->frame = arena_alloc(&thread->arena, frame_bytes);
    if (!all || !all->streams || !all->frame) {
        snprintf(thread->why, sizeof thread->why, "out of memory");
        return false;
    }
    all->mask = (uint32_t)os_now_ns();
    for (uint32_t i = 0; i < thread->count; i++)
        all->streams[i] = (struct bench_stream){.thread = thread, .flow = &thread->flows[i]};
    all->server = bench_server_open(thread);
    return all->server != NULL;
}

/* A server without listeners starts only if a connection was started before. */
static bool bench_streams__start_server(struct bench_streams *all, struct bench_thread *thread)
{
    if (all->opening > 0) return bench_server_start(all->server, thread);
    snprintf(thread->why, sizeof thread->why, "%s", thread->result->examples[BENCH_ERROR_CONNECT]);
    return false;
}

static bool bench_streams__start(struct bench_thread *thread)
{
    struct bench_streams *all;

    if (!bench_streams__prepare(thread)) return false;
    all = thread->driver;
    bench_streams__open_more(thread);
    return bench_streams__start_server(all, thread);
}

static void bench_streams__wait(struct bench_thread *thread, uint64_t timeout_ns)
{
    struct bench_streams *all = thread->driver;

    bench_server_wait(all->server, timeout_ns);
}

static void bench_streams__finish(struct bench_thread *thread)
{
    struct bench_streams *all = thread->driver;

    if (!all) return;
    all->is_finishing = true;
    thread->opened = 0; /* from here on: connections that have a session */
    for (uint32_t i = 0; all->streams && i < thread->count; i++)
        if (all->streams[i].session) {
            thread->opened++;
            if (!all->streams[i].is_ours) bench_streams__hang_up(&all->streams[i]);
        }
}

static void bench_streams__free(struct bench_thread *thread)
{
    struct bench_streams *all = thread->driver;

    if (all) bench_server_close(all->server);
}

const struct bench_driver bench_streams_driver = {
    .start = bench_streams__start,
    .send = bench_streams__send,
    .wait = bench_streams__wait,
    .finish = bench_streams__finish,
    .free = bench_streams__free,
};

/* ---- dials ---- */

static bool bench_streams__start_dials(struct bench_thread *thread)
{
    struct bench_streams *all;

    if (!bench_streams__prepare(thread)) return false;
    all = thread->driver;
    all->dials = true;
    all->started = thread->count;
    all->opening = bench_streams__connect(&all->streams[0]);
    return bench_streams__start_server(all, thread);
}

static bool bench_streams__dial(struct bench_thread *thread, struct bench_flow *flow,
                                struct bench_slot *slot)
{
    struct bench_streams *all = thread->driver;
    struct bench_stream *stream = &all->streams[flow - thread->flows];

    stream->slot = slot;
    if (bench_streams__connect(stream)) return true;
    stream->slot = NULL;
    bench_flow_close(flow, thread->result, "no connection");
    return false;
}

const struct bench_driver bench_dials_driver = {
    .start = bench_streams__start_dials,
    .send = bench_streams__dial,
    .wait = bench_streams__wait,
    .finish = bench_streams__finish,
    .free = bench_streams__free,
};
