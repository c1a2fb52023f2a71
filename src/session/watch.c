/* SPDX-License-Identifier: MIT */
/* watch.c - measures some calls of on_message, and writes log lines about sessions and their
 * messages, and the bytes of frames in hexadecimal:
 *
 *      session 0000000001000000 of 127.0.0.1:40522: received a frame of 9 bytes
 *      session 0000000001000000   000000  00 00 00 05 68 65 6c 6c  6f            |....hello|
 *
 * Every line names the session, because the lines of several workers mix. The log's queue bounds
 * their number and rate, and never waits (log_queue.h). Bytes of a peer are printed as digits and
 * as printable ASCII only.
 */
#include "watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "filters_state.h"
#include "frame_watch.h"
#include "memory.h"

#define WATCH__LINE_BYTES 16u /* that one line of a dump shows */

/* ---- what is logged ---- */

enum weir_code watch_open(struct worker_common *common, const struct weir_config *config,
                          struct weir_error *error)
{
    atomic_store(&common->watch.level, (int)config->log_level);
    return watch_read_trace(&common->watch.trace, config, error);
}

enum weir_code watch_read_trace(struct trace *trace, const struct weir_config *config,
                                struct weir_error *error)
{
    trace->frames = config->trace != NULL;
    return address_list_parse(&trace->peers, config->trace, "trace", error);
}

void watch_free(struct worker_common *common)
{
    address_list_free(&common->watch.trace.peers);
}

/* Whether the bytes of this peer's frames are logged. */
static bool watch__traces(const struct trace *trace, const struct net_address *peer)
{
    return trace->frames && (trace->peers.count == 0 || address_list_has(&trace->peers, peer));
}

/* Whether the log shows lines of this level about sessions. */
static bool watch__shows(const struct worker *worker, enum weir_log_level level)
{
    return atomic_load_explicit(&worker->common->watch.level, memory_order_relaxed) >= (int)level;
}

/* Whether messages of this peer are logged. */
static bool watch__logs(const struct worker *worker, const struct net_address *peer)
{
    return watch__shows(worker, WEIR_LOG_DETAIL) || watch__traces(worker->trace, peer);
}

void watch_update(struct weir_session *session)
{
    session->is_watched =
        session->is_sampled || session->frames_kept || watch__logs(session->worker, &session->peer);
}

bool watch_wants_any(const struct worker *worker)
{
    return watch__shows(worker, WEIR_LOG_DETAIL) || worker->trace->frames;
}

void watch_sample(struct weir_session *session)
{
    if (!session->service->handler_times) return;
    session->is_sampled = true;
    watch_update(session);
}

/* ---- sessions ---- */

static const char *watch__proto(const struct weir_session *session)
{
    return session->is_datagram ? "udp" : "tcp";
}

/* Writes " via ADDRESS" for a session whose load balancer named the client; otherwise "". */
static char *watch__via(const struct weir_session *session, char *text, size_t size)
{
    char via[NET_ADDRESS_TEXT_BYTES];

    text[0] = '\0';
    if (session->filters && session->filters->is_counted)
        snprintf(text, size, " via %s", address_peer_text(&session->filters->via, via, sizeof via));
    return text;
}

/* Writes what the filters say about the session. */
static char *watch__filters(const struct weir_session *session, char *text, size_t size)
{
    const struct filters *filters = session->filters;
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t i = 0; filters && i < filters->count; i++) {
        const struct filters_one *one = &filters->chain[i];
        if (!one->filter->kind->describe) continue;
        one->filter->kind->describe(one->state, text + used, size - used);
        used += strlen(text + used);
    }
    return text;
}

void watch_begin(const struct weir_session *session)
{
    const struct worker *worker = session->worker;
    char peer[NET_ADDRESS_TEXT_BYTES], via[NET_ADDRESS_TEXT_BYTES + 8], more[LOG_LINE_BYTES];

    if (!watch__shows(worker, WEIR_LOG_INFO)) return;
    log_line(&worker->common->log, WEIR_LOG_INFO,
             "session %016" PRIx64 " begins: %s %s%s, codec %s, handler %s%s", session->id,
             watch__proto(session), address_peer_text(&session->peer, peer, sizeof peer),
             watch__via(session, via, sizeof via), session->service->codec->name,
             session->service->handler->name, watch__filters(session, more, sizeof more));
}

void watch_end(const struct weir_session *session)
{
    const struct worker *worker = session->worker;
    const char *text = session_decode_error(session);
    char peer[NET_ADDRESS_TEXT_BYTES];

    if (!watch__shows(worker, WEIR_LOG_INFO)) return;
    uint32_t age_ms = (uint32_t)worker->now_ms - session->timestamps.opened_ms;
    log_line(&worker->common->log, WEIR_LOG_INFO,
             "session %016" PRIx64 " ends: %s%s%s%s; %s %s, open for %" PRIu32 ".%03" PRIu32
             " s; in %" PRIu64 " bytes, %" PRIu64 " messages; out %" PRIu64 " bytes, %" PRIu64
             " messages",
             session->id, weir_reason_text((enum weir_reason)session->reason), text ? " (" : "",
             text ? text : "", text ? ")" : "", watch__proto(session),
             address_peer_text(&session->peer, peer, sizeof peer), age_ms / 1000, age_ms % 1000,
             session->bytes_in, session->messages_in, session->bytes_out, session->messages_out);
}

/* ---- bytes ---- */

/* Passes a line of a trace to the log, whatever its level. */
static void watch__write(const struct weir_session *session, const char *line)
{
    const struct log *log = &session->worker->common->log;

    if (log->write) log->write(log->user, WEIR_LOG_TRACE, line);
}

/* A line of a dump that is being filled. */
struct watch__dump {
    const struct weir_session *session;
    size_t at, left; /* of the frame: the next byte, and how many are still shown */
    uint8_t bytes[WATCH__LINE_BYTES];
    uint32_t count; /* in `bytes` */
};

static void watch__write_bytes(struct watch__dump *dump)
{
    char digits[WATCH__LINE_BYTES * 3 + 2], ascii[WATCH__LINE_BYTES + 1], line[LOG_LINE_BYTES];
    size_t used = 0;

    if (dump->count == 0) return;
    for (uint32_t i = 0; i < dump->count; i++) {
        uint8_t byte = dump->bytes[i];
        used += (size_t)snprintf(digits + used, sizeof digits - used, "%s%02x ",
                                 i == WATCH__LINE_BYTES / 2 ? " " : "", byte);
        ascii[i] = byte >= 0x20 && byte < 0x7f ? (char)byte : '.';
    }
    ascii[dump->count] = '\0';
    snprintf(line, sizeof line, "session %016" PRIx64 "   %06zx  %-49s |%s|", dump->session->id,
             dump->at - dump->count, digits, ascii);
    watch__write(dump->session, line);
    dump->count = 0;
}

static void watch__add_bytes(struct watch__dump *dump, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length && dump->left > 0; i++) {
        dump->bytes[dump->count++] = bytes[i];
        dump->at++;
        dump->left--;
        if (dump->count == WATCH__LINE_BYTES) watch__write_bytes(dump);
    }
}

static void watch__dump(const struct weir_session *session, const char *what,
                        const struct send_piece *pieces, uint32_t count)
{
    struct watch__dump dump = {.session = session};
    char line[LOG_LINE_BYTES], peer[NET_ADDRESS_TEXT_BYTES];
    size_t length = 0;

    if (!watch__traces(session->worker->trace, &session->peer)) return;
    for (uint32_t i = 0; i < count; i++) length += pieces[i].length;
    dump.left = session->worker->config->trace_bytes_max;
    if (dump.left > length) dump.left = length;
    size_t hidden = length - dump.left;
    snprintf(line, sizeof line, "session %016" PRIx64 " of %s: %s of %zu bytes", session->id,
             address_peer_text(&session->peer, peer, sizeof peer), what, length);
    watch__write(session, line);
    for (uint32_t i = 0; i < count; i++) watch__add_bytes(&dump, pieces[i].bytes, pieces[i].length);
    watch__write_bytes(&dump);
    if (hidden == 0) return;
    snprintf(line, sizeof line,
             "session %016" PRIx64 "   %zu more bytes (trace_bytes_max, --trace-bytes)",
             session->id, hidden);
    watch__write(session, line);
}

/* ---- messages ---- */

static void watch__length(const struct weir_session *session, const char *what, size_t length)
{
    const struct worker *worker = session->worker;

    if (watch__shows(worker, WEIR_LOG_DETAIL))
        log_line(&worker->common->log, WEIR_LOG_DETAIL,
                 "session %016" PRIx64 ": %s a message of %zu bytes", session->id, what, length);
}

/* Calls on_message, and measures it. */
static void watch__measure(struct weir_session *session, const struct weir_message *message)
{
    struct worker *worker = session->worker;
    struct histogram *times = session->service->handler_times; /* the callback can replace it */

    session->is_sampled = false;
    watch_update(session);
    uint64_t began_ns = net_clock_ns(worker->net);
    worker_dispatch(worker, session, message, session->service->handler->on_message);
    histogram_add_shared(times, net_clock_ns(worker->net) - began_ns);
}

void watch_deliver_watched(struct weir_session *session, const struct weir_message *message)
{
    const struct weir_handler *handler = session->service->handler;
    const struct send_piece frame = {message->frame, message->frame_length};

    weir_check(session->is_watched);
    watch__length(session, "received", message->length);
    watch__dump(session, "received a frame", &frame, 1);
    if (session->frames_kept) frame_watch_received(session, message);
    if (!handler->on_message) return;
    if (session->is_sampled)
        watch__measure(session, message);
    else
        worker_dispatch(session->worker, session, message, handler->on_message);
}

void watch_log_sent(struct weir_session *session, const struct send_piece *pieces, uint32_t count,
                    size_t message_length)
{
    weir_check(session->is_watched);
    watch__length(session, "sent", message_length);
    watch__dump(session, "sent a frame", pieces, count);
    if (session->frames_kept) frame_watch_sent(session, pieces, count, message_length);
}

void watch_log_sent_frame(struct weir_session *session, const uint8_t *frame, size_t frame_length,
                          size_t message_length)
{
    const struct send_piece piece = {frame, frame_length};

    watch_log_sent(session, &piece, 1, message_length);
}

void watch_log_malformed(const struct weir_session *session, const struct net_buffer *buffer)
{
    const struct send_piece bytes = {buffer->bytes, buffer->length};

    weir_check(session->is_watched);
    memory_unpoison(buffer->bytes, buffer->length); /* also the messages before this one */
    watch__dump(session, "malformed input within received data", &bytes, 1);
}
