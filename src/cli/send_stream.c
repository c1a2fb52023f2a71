/* SPDX-License-Identifier: MIT */
/* send_stream.c - the connection of `weir send`. With TLS:
 *
 *      plain text --> weir_tls_client --> output --> socket
 *      plain text <-- weir_tls_client <-- wire   <-- socket
 */
#include "send_stream.h"

#include <stdio.h>
#include <string.h>

#include "os_thread.h"

#define SEND_STREAM__SEAL_BYTES_MAX 16384 /* most plain text of one record */

void send_stream_init(struct send_stream *stream, struct weir_tls_client *tls)
{
    stream->tls = tls;
    stream->peer = (struct os_peer){.handle = -1};
    stream->received = (struct weir_input){.length = 0};
    stream->has_more = false;
    stream->is_truncated = false;
    stream->waits_for_input = false;
    stream->early_length = 0;
}

static enum os_peer_result send_stream__fail_tls(struct send_stream *stream)
{
    snprintf(stream->peer.why, sizeof stream->peer.why, "%s", weir_tls_client_why(stream->tls));
    return OS_PEER_FAILED;
}

/* ---- receiving ---- */

/* Receives into `wire`, if TLS has used all of it. */
static enum os_peer_result send_stream__fill(struct send_stream *stream)
{
    size_t length = 0;

    if (stream->received.length > 0 || stream->received.ended) return OS_PEER_DONE;
    enum os_peer_result result =
        os_peer_receive(&stream->peer, stream->wire, sizeof stream->wire, &length);
    if (result == OS_PEER_NOT_NOW || result == OS_PEER_FAILED) return result;
    stream->received = (struct weir_input){stream->wire, length, .ended = result == OS_PEER_ENDED};
    return OS_PEER_DONE;
}

static enum os_peer_result send_stream__decrypt(struct send_stream *stream, uint8_t *bytes,
                                                size_t size, size_t *received)
{
    enum weir_tls_received result =
        weir_tls_client_receive(stream->tls, &stream->received, bytes, size, received);

    stream->has_more = result == WEIR_TLS_RECEIVED_PLAIN;
    stream->waits_for_input = false;
    switch (result) {
    case WEIR_TLS_RECEIVED_MORE:
    case WEIR_TLS_RECEIVED_PLAIN: return OS_PEER_DONE;
    case WEIR_TLS_RECEIVED_TRUNCATED: stream->is_truncated = true; return OS_PEER_ENDED;
    case WEIR_TLS_RECEIVED_END: return OS_PEER_ENDED;
    default: return send_stream__fail_tls(stream);
    }
}

static size_t send_stream__take_early(struct send_stream *stream, uint8_t *bytes, size_t size)
{
    size_t length = stream->early_length < size ? stream->early_length : size;

    memcpy(bytes, stream->early, length);
    memmove(stream->early, stream->early + length, stream->early_length - length);
    stream->early_length -= length;
    return length;
}

enum os_peer_result send_stream_receive(struct send_stream *stream, uint8_t *bytes, size_t size,
                                        size_t *received)
{
    if (!stream->tls) return os_peer_receive(&stream->peer, bytes, size, received);
    *received = send_stream__take_early(stream, bytes, size);
    if (*received > 0) return OS_PEER_DONE;
    if (!stream->has_more) {
        enum os_peer_result result = send_stream__fill(stream);
        if (result != OS_PEER_DONE) return result;
    }
    return send_stream__decrypt(stream, bytes, size, received);
}

/* ---- sending ---- */

/* A peer that ends a connection can have said why in an alert: it is read before the failed send is
 * reported. */
static enum os_peer_result send_stream__explain(struct send_stream *stream)
{
    char why[sizeof stream->peer.why];
    uint8_t unused[512];
    size_t length;

    memcpy(why, stream->peer.why, sizeof why);
    while (send_stream_receive(stream, unused, sizeof unused, &length) == OS_PEER_DONE) continue;
    if (weir_tls_client_why(stream->tls)[0]) return send_stream__fail_tls(stream);
    memcpy(stream->peer.why, why, sizeof why);
    return OS_PEER_FAILED;
}

/* Sends the output of TLS. OS_PEER_DONE: all of it is sent. */
static enum os_peer_result send_stream__flush(struct send_stream *stream)
{
    const uint8_t *output;
    size_t length, sent;

    while (output = weir_tls_client_output(stream->tls, &length), length > 0) {
        enum os_peer_result result = os_peer_send(&stream->peer, output, length, &sent);
        if (result != OS_PEER_DONE) return result;
        weir_tls_client_sent(stream->tls, sent);
    }
    return OS_PEER_DONE;
}

bool send_stream_unsent(const struct send_stream *stream)
{
    size_t length = 0;

    if (stream->tls) weir_tls_client_output(stream->tls, &length);
    return length > 0;
}

enum os_peer_result send_stream_send(struct send_stream *stream, const uint8_t *bytes,
                                     size_t length, size_t *sent)
{
    if (!stream->tls) return os_peer_send(&stream->peer, bytes, length, sent);
    *sent = 0;
    enum os_peer_result result = send_stream__flush(stream);
    if (result == OS_PEER_FAILED) return send_stream__explain(stream);
    if (result != OS_PEER_DONE || length == 0) return result;
    size_t part = length < SEND_STREAM__SEAL_BYTES_MAX ? length : SEND_STREAM__SEAL_BYTES_MAX;
    enum weir_code code = weir_tls_client_send(stream->tls, bytes, part);
    stream->waits_for_input = code == WEIR_NO_ROOM;
    if (stream->waits_for_input) return OS_PEER_NOT_NOW;
    if (code == WEIR_NO_MEMORY) {
        snprintf(stream->peer.why, sizeof stream->peer.why, "out of memory");
        return OS_PEER_FAILED;
    }
    if (code != WEIR_OK) return send_stream__fail_tls(stream);
    *sent = part;
    result = send_stream__flush(stream);
    if (result == OS_PEER_FAILED) return send_stream__explain(stream);
    return OS_PEER_DONE;
}

enum os_peer_result send_stream_finish(struct send_stream *stream)
{
    if (stream->tls) {
        weir_tls_client_finish(stream->tls);
        enum os_peer_result result = send_stream__flush(stream);
        if (result == OS_PEER_NOT_NOW) return result;
    }
    os_peer_finish(&stream->peer); /* after a failed send, the next receive says why */
    return OS_PEER_DONE;
}

void send_stream_close(struct send_stream *stream)
{
    os_peer_close(&stream->peer);
}

/* ---- the handshake ---- */

static bool send_stream__why(struct send_stream *stream, const char *why)
{
    snprintf(stream->peer.why, sizeof stream->peer.why, "%s", why);
    return false;
}

/* Waits for the peer, and handles what it has sent. */
static bool send_stream__step(struct send_stream *stream, uint32_t timeout_ms)
{
    unsigned wanted = OS_PEER_RECEIVE | (send_stream_unsent(stream) ? OS_PEER_SEND : 0);

    if (os_peer_wait(&stream->peer, wanted, timeout_ms) == 0) return true; /* or the time is over */
    enum os_peer_result result = send_stream__fill(stream);
    if (result == OS_PEER_FAILED) return false;
    if (result == OS_PEER_NOT_NOW) return true;
    result =
        send_stream__decrypt(stream, stream->early, sizeof stream->early, &stream->early_length);
    if (result == OS_PEER_ENDED)
        return send_stream__why(stream, "the peer closed the connection in the TLS handshake");
    return result == OS_PEER_DONE;
}

bool send_stream_secure(struct send_stream *stream, uint32_t timeout_ms)
{
    uint64_t now_ms = os_now_ms(), deadline_ms = now_ms + timeout_ms;
    struct weir_tls_info info;
    bool is_good = true;

    while (is_good && !weir_tls_client_info(stream->tls, &info)) {
        if (send_stream__flush(stream) == OS_PEER_FAILED) {
            send_stream__explain(stream);
            return false;
        }
        now_ms = os_now_ms();
        if (now_ms >= deadline_ms)
            return send_stream__why(stream,
                                    "the TLS handshake was not complete in time, see --timeout");
        is_good = send_stream__step(stream, (uint32_t)(deadline_ms - now_ms));
    }
    send_stream__flush(stream); /* the last flight of the handshake, or the alert that says why */
    return is_good;
}
