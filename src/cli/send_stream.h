/* SPDX-License-Identifier: MIT */
/* send_stream.h - the connection of `weir send`, with or without TLS. */
#ifndef CLI_SEND_STREAM_H
#define CLI_SEND_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/tls_client.h>

#include "os_peer.h"

struct send_stream {
    struct os_peer peer;
    struct weir_tls_client *tls; /* null: plain bytes */
    struct weir_input received;  /* bytes of `wire` that TLS has not used */
    bool has_more;               /* set while received bytes may hold more plain text */
    bool is_truncated;           /* TLS: the peer ended the connection without close_notify */
    bool waits_for_input;        /* TLS: nothing can be sent before more is received */
    size_t early_length;         /* plain text that came with the end of the handshake */
    uint8_t early[512];
    uint8_t wire[16384];
};

/* Opens a stream without a connection. Then connect `peer`, and call send_stream_secure() if `tls`
 * is set. */
void send_stream_init(struct send_stream *stream, struct weir_tls_client *tls);

/* Completes the TLS handshake. Returns false: stream->peer.why says why, in one line. */
bool send_stream_secure(struct send_stream *stream, uint32_t timeout_ms);

/* Sends without blocking: *sent bytes. With TLS they can then wait in the stream:
 * send_stream_unsent(). A call without bytes sends those. */
enum os_peer_result send_stream_send(struct send_stream *stream, const uint8_t *bytes,
                                     size_t length, size_t *sent);

/* Returns true if the stream has bytes to send. */
bool send_stream_unsent(const struct send_stream *stream);

/* Receives without blocking. Call it again, without waiting, while stream->has_more is set. */
enum os_peer_result send_stream_receive(struct send_stream *stream, uint8_t *bytes, size_t size,
                                        size_t *received);

/* Sends close_notify and FIN. OS_PEER_NOT_NOW: call it again when the unsent bytes are sent. */
enum os_peer_result send_stream_finish(struct send_stream *stream);

/* Closes the connection. */
void send_stream_close(struct send_stream *stream);

#endif
