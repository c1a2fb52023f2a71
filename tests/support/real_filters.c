/* SPDX-License-Identifier: MIT */
/* real_filters.c - the filters of the product in front of the fixtures, and the client's side. */
#include "real_filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_filter.h"
#include "real_tls.h"
#include "require.h"
#include "websocket.h"

#define WIRES_MAX 2048u
#define OUT_BYTES 24576u
#define PIECE_BYTES 1000u
#define CONTROL_BYTES_MAX 125u
#define MESSAGE_BYTES_MAX 4096u
#define STATUS "HTTP/1.1 101"
#define HEAD_END "\r\n\r\n"

static const char request[] = "GET /play HTTP/1.1\r\n"
                              "Host: a.example\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\n\r\n";

enum opcode { CONTINUATION = 0, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* One connection. */
struct wire {
    struct sim_peer *peer;
    struct real_tls *tls;   /* null: there is no TLS, or it has not started */
    uint8_t out[OUT_BYTES]; /* that the window has not taken */
    uint32_t out_length;
    uint32_t sent_bytes;
    bool has_started, has_asked, is_open, must_finish, has_finished;
    bool has_failed, has_end; /* TLS: an alert came; close_notify came */
    uint8_t plain[512];       /* above TLS, not used yet */
    uint32_t plain_length, plain_at;
    /* WebSocket. */
    uint32_t head_length;  /* bytes of the answer to the request */
    uint32_t head_matched; /* bytes of HEAD_END that came last */
    bool is_rejected;      /* its status is not 101 */
    uint8_t header[10];
    uint32_t header_length;
    uint64_t left; /* of the payload that is read */
    uint8_t control[CONTROL_BYTES_MAX];
    uint32_t control_length;
    bool has_closed; /* the close frame came */
    uint32_t sent_count;
};

static struct real_filters chain;
static struct filter *opened[3];
static uint32_t opened_count;
static struct wire *wires[WIRES_MAX];
static uint32_t wires_count;
static uint32_t headers_count; /* of PROXY, since the chain was opened */

/* ---- the server's side ---- */

static enum filter_use used(void *user, const struct weir_address *peer)
{
    (void)user;
    require(peer != NULL);
    return FILTER_USED;
}

static struct filter *open_websocket(const struct weir_codec *inner)
{
    const struct websocket_settings settings = {
        .path = "/play",
        .inner = chain.has_messages ? NULL : inner,
        .message_bytes_max = MESSAGE_BYTES_MAX,
        .send = WEBSOCKET_SEND_BINARY,
        .ping_interval_ms = chain.ping_interval_ms,
        .pong_timeout_ms = chain.pong_timeout_ms,
    };
    struct filter *filter;

    require_equal(websocket_open(&settings, &filter, NULL), WEIR_OK);
    return filter;
}

static void close_chain(void)
{
    test_chain_set(NULL, NULL, NULL);
    while (opened_count > 0) filter_unref(opened[--opened_count]);
}

static const struct weir_codec *open_chain(const struct weir_codec *inner)
{
    close_chain(); /* of a test that failed */
    headers_count = 0;
    if (chain.proxy) opened[opened_count++] = proxy_filter_open(used, NULL, NULL);
    if (chain.tls) opened[opened_count++] = real_tls_filter();
    if (chain.websocket) {
        opened[opened_count] = open_websocket(inner);
        inner = websocket_codec_of_filter(opened[opened_count++]);
    }
    require(opened_count > 0 && opened[0]);
    test_chain_set(opened[0], opened_count > 1 ? opened[1] : NULL,
                   opened_count > 2 ? opened[2] : NULL);
    return inner;
}

/* ---- connections ---- */

static struct wire *wire_of(struct sim_peer *peer)
{
    for (uint32_t i = 0; i < wires_count; i++)
        if (wires[i]->peer == peer) return wires[i];
    require(wires_count < WIRES_MAX);
    struct wire *wire = calloc(1, sizeof *wire);
    require(wire != NULL);
    wire->peer = peer;
    wires[wires_count++] = wire;
    return wire;
}

static void forget(uint32_t number)
{
    struct wire *wire = wires[number];

    wires[number] = wires[--wires_count];
    if (wire->tls) real_tls_free(wire->tls);
    free(wire);
}

static void forget_all(void)
{
    while (wires_count > 0) forget(0);
}

/* ---- what leaves ---- */

static void add(struct wire *wire, const void *bytes, size_t length)
{
    require(wire->out_length + length <= sizeof wire->out);
    memcpy(wire->out + wire->out_length, bytes, length);
    wire->out_length += (uint32_t)length;
}

static void push(struct wire *wire)
{
    if (wire->tls)
        wire->out_length += (uint32_t)real_tls_take(wire->tls, wire->out + wire->out_length,
                                                    sizeof wire->out - wire->out_length);
    if (wire->out_length > 0) {
        uint32_t count = wire->out_length, rest = chain.sent_bytes_max - wire->sent_bytes;
        if (chain.sent_bytes_max > 0 && count > rest) count = rest;
        uint32_t sent = sim_peer_send(wire->peer, wire->out, count);
        wire->sent_bytes += sent;
        wire->out_length -= sent;
        memmove(wire->out, wire->out + sent, wire->out_length);
    }
    if (!wire->has_finished || !wire->must_finish || wire->out_length > 0) return;
    wire->must_finish = false;
    sim_peer_finish(wire->peer);
}

/* Below WebSocket. */
static void send_plain(struct wire *wire, const void *bytes, size_t length)
{
    if (wire->tls)
        real_tls_write(wire->tls, bytes, length);
    else
        add(wire, bytes, length);
    push(wire);
}

static void send_frame(struct wire *wire, uint8_t opcode, bool is_final, const uint8_t *bytes,
                       uint32_t length)
{
    uint8_t frame[8 + PIECE_BYTES], mask[4] = {0x37, 0xfa, 0x21, (uint8_t)wire->sent_count++};
    uint32_t at = 2;

    require(length <= PIECE_BYTES);
    frame[0] = (uint8_t)((is_final ? 0x80 : 0) | opcode);
    frame[1] = (uint8_t)(0x80 | (length < 126 ? length : 126));
    if (length >= 126) {
        frame[at++] = (uint8_t)(length >> 8);
        frame[at++] = (uint8_t)length;
    }
    memcpy(frame + at, mask, sizeof mask);
    at += sizeof mask;
    for (uint32_t i = 0; i < length; i++) frame[at++] = bytes[i] ^ mask[i % 4];
    send_plain(wire, frame, at);
}

/* Sends a piece of what the caller sends: every third one in fragments, with a ping between them.
 */
static void send_piece(struct wire *wire, const uint8_t *bytes, uint32_t length)
{
    if (!chain.websocket) {
        send_plain(wire, bytes, length);
    } else if (wire->sent_count % 3 == 0 && length > 1) {
        send_frame(wire, BINARY, false, bytes, length / 2);
        send_frame(wire, PING, true, bytes, length > 5 ? 5 : 0);
        send_frame(wire, CONTINUATION, true, bytes + length / 2, length - length / 2);
    } else {
        send_frame(wire, BINARY, true, bytes, length);
    }
}

/* ---- what comes ---- */

/* Gets plain bytes above TLS. Returns false if there are none. */
static bool fill(struct wire *wire)
{
    uint8_t bytes[512];
    size_t length = 0;

    if (wire->plain_at < wire->plain_length) return true;
    wire->plain_at = wire->plain_length = 0;
    if (!wire->tls || wire->has_failed) {
        uint32_t count = sim_peer_receive(wire->peer, wire->plain, sizeof wire->plain);
        wire->plain_length = wire->tls ? 0 : count; /* after an alert it means nothing */
        return wire->plain_length > 0;
    }
    while (!wire->has_end && !wire->has_failed) {
        enum real_tls_read read =
            real_tls_read(wire->tls, wire->plain, sizeof wire->plain, &length);
        wire->plain_length = (uint32_t)length;
        wire->has_end = read == REAL_TLS_END;
        wire->has_failed = read == REAL_TLS_FAILED;
        if (read == REAL_TLS_BYTES) return true;
        uint32_t count = sim_peer_receive(wire->peer, bytes, sizeof bytes);
        require(count == 0 || !wire->has_end); /* nothing follows close_notify */
        if (count == 0) break;
        real_tls_add(wire->tls, bytes, count);
    }
    return false;
}

/* Returns whether the header is complete, and begins with the payload then. */
static bool take_header(struct wire *wire, uint8_t byte)
{
    uint8_t *header = wire->header;

    header[wire->header_length++] = byte;
    if (wire->header_length < 2) return false;
    uint32_t extra = header[1] == 127 ? 8 : header[1] == 126 ? 2 : 0;
    if (wire->header_length < 2 + extra) return false;
    wire->left = extra == 0 ? header[1] : 0;
    for (uint32_t i = 0; i < extra; i++) wire->left = wire->left << 8 | header[2 + i];
    require(header[0] & 0x80);        /* weir does not fragment */
    require((header[0] & 0x70) == 0); /* the reserved bits */
    require(header[1] < 128);         /* a server does not mask */
    require(!wire->has_closed);       /* nothing follows the close frame */
    return true;
}

/* A frame is complete. */
static void end_frame(struct wire *wire)
{
    uint8_t opcode = wire->header[0] & 15;

    wire->header_length = 0;
    if (opcode == PING && !wire->must_finish && !wire->has_finished &&
        wire->out_length < sizeof wire->out / 4)
        send_frame(wire, PONG, true, wire->control, wire->control_length);
    if (opcode == CLOSE) wire->has_closed = true;
    wire->control_length = 0;
}

/* Decodes a byte of the stream of frames. Returns whether it is one for the caller. */
static bool take_frame(struct wire *wire, uint8_t byte)
{
    uint8_t opcode = wire->header[0] & 15;

    if (wire->header_length < 2 || wire->left == 0) {
        if (take_header(wire, byte) && wire->left == 0) end_frame(wire);
        return false;
    }
    wire->left--;
    require(opcode == BINARY || opcode == CLOSE || opcode == PING || opcode == PONG);
    if (opcode != BINARY) {
        require(wire->control_length < sizeof wire->control);
        wire->control[wire->control_length++] = byte;
    }
    if (wire->left == 0) end_frame(wire);
    return opcode == BINARY;
}

/* Reads the answer to the request. After another one than 101, nothing opens. */
static void take_head(struct wire *wire)
{
    while (!wire->is_open && fill(wire)) {
        uint8_t byte = wire->plain[wire->plain_at++];
        bool matches = byte == (uint8_t)HEAD_END[wire->head_matched % strlen(HEAD_END)];
        wire->head_matched = matches ? wire->head_matched + 1 : byte == '\r';
        uint32_t at = wire->head_length++;
        if (at < strlen(STATUS) && byte != (uint8_t)STATUS[at]) wire->is_rejected = true;
        wire->is_open = !wire->is_rejected && wire->head_matched == strlen(HEAD_END);
    }
}

/* ---- opening ---- */

static void add_proxy_header(struct wire *wire)
{
    static const uint8_t signature[] = "\r\n\r\n\0\r\nQUIT\n";
    struct net_address from = sim_peer_address(wire->peer);
    uint8_t block[16 + 12 + 5] = {0};
    char line[108];

    if (++headers_count % 2 == 0) {
        snprintf(line, sizeof line, "PROXY TCP4 127.0.0.%u 127.0.0.1 %u 5050\r\n", from.ip[15],
                 from.port);
        const char *text = chain.is_proxy_unnamed ? "PROXY UNKNOWN\r\n" : line;
        add(wire, text, strlen(text));
        return;
    }
    memcpy(block, signature, 12);
    block[12] = chain.is_proxy_unnamed ? 0x20 : 0x21; /* LOCAL or PROXY */
    block[13] = 0x11;                                 /* TCP over IPv4 */
    block[15] = sizeof block - 16;
    memcpy(block + 16, from.ip + 12, 4);
    memcpy(block + 20, (const uint8_t[]){127, 0, 0, 1}, 4);
    block[24] = (uint8_t)(from.port >> 8);
    block[25] = (uint8_t)from.port;
    block[28] = 0x04; /* a TLV that says nothing */
    block[30] = 2;
    add(wire, block, sizeof block);
}

static void begin(struct wire *wire)
{
    wire->has_started = true;
    if (chain.proxy) add_proxy_header(wire);
    if (chain.tls) wire->tls = real_tls_open(chain.is_tls_older);
}

/* Continues the opening, and passes on what waits. */
static void advance(struct wire *wire)
{
    uint8_t bytes[512];
    uint32_t count;

    if (!wire->has_started) return;
    push(wire);
    while (wire->tls && !real_tls_is_open(wire->tls)) {
        push(wire);
        count = sim_peer_receive(wire->peer, bytes, sizeof bytes);
        if (count == 0) return;
        real_tls_add(wire->tls, bytes, count);
    }
    if (chain.websocket && !wire->has_asked) send_plain(wire, request, strlen(request));
    wire->has_asked = true;
    if (chain.websocket)
        take_head(wire);
    else
        wire->is_open = true;
    if (wire->is_open && wire->must_finish && !wire->has_finished) {
        wire->has_finished = true;
        if (chain.websocket) send_frame(wire, CLOSE, true, (const uint8_t *)"\x03\xe8", 2);
        if (wire->tls) real_tls_goodbye(wire->tls);
    }
    push(wire);
}

/* ---- the calls of test_filters.h ---- */

static bool chain_begin(struct sim_peer *peer)
{
    struct wire *wire = wire_of(peer);

    if (!wire->has_started && sim_peer_state(peer) == SIM_CONNECTED) begin(wire);
    advance(wire);
    return wire->is_open;
}

static uint32_t chain_send(struct sim_peer *peer, const void *bytes, uint32_t count)
{
    struct wire *wire = wire_of(peer);
    uint32_t done = 0;

    chain_begin(peer);
    while (wire->is_open && !wire->has_failed && done < count && wire->out_length == 0) {
        uint32_t piece = count - done < PIECE_BYTES ? count - done : PIECE_BYTES;
        send_piece(wire, (const uint8_t *)bytes + done, piece);
        done += piece;
    }
    return done;
}

static uint32_t chain_receive(struct sim_peer *peer, void *bytes, uint32_t bytes_max)
{
    struct wire *wire = wire_of(peer);
    uint8_t *to = bytes;
    uint32_t count = 0;

    advance(wire);
    if (!wire->has_started) return sim_peer_receive(peer, bytes, bytes_max); /* a reject message */
    while (wire->is_open && count < bytes_max && fill(wire)) {
        uint8_t byte = wire->plain[wire->plain_at++];
        if (!chain.websocket || take_frame(wire, byte)) to[count++] = byte;
    }
    push(wire); /* answers of TLS, and pongs */
    return count;
}

static uint32_t chain_unread(struct sim_peer *peer)
{
    struct wire *wire = wire_of(peer);

    advance(wire);
    return sim_peer_unread(peer) + wire->plain_length - wire->plain_at;
}

static void chain_finish(struct sim_peer *peer)
{
    struct wire *wire = wire_of(peer);

    wire->must_finish = true;
    chain_begin(peer);
}

static void chain_close(struct sim_peer *peer)
{
    for (uint32_t i = 0; i < wires_count; i++)
        if (wires[i]->peer == peer) {
            forget(i);
            break;
        }
    sim_peer_close(peer);
}

/* Uses what is no payload, as TLS and control frames are. */
static bool chain_saw_end(struct sim_peer *peer)
{
    struct wire *wire = wire_of(peer);

    advance(wire);
    if (wire->has_started && !wire->is_open && fill(wire)) wire->plain_at = wire->plain_length;
    while (wire->is_open && fill(wire)) {
        bool is_payload = !chain.websocket || (wire->header_length >= 2 && wire->left > 0 &&
                                               (wire->header[0] & 15) == BINARY);
        if (is_payload) return false;
        require(!take_frame(wire, wire->plain[wire->plain_at++]));
    }
    return sim_peer_saw_end(peer);
}

static bool chain_saw_goodbye(struct sim_peer *peer)
{
    struct wire *wire = wire_of(peer);

    return chain_saw_end(peer) && (!chain.tls || wire->has_end) &&
           (!chain.websocket || wire->has_closed);
}

static const struct chain_client client = {
    .open_chain = open_chain,
    .close_chain = close_chain,
    .forget_peers = forget_all,
    .open = chain_begin,
    .send = chain_send,
    .receive = chain_receive,
    .unread = chain_unread,
    .finish = chain_finish,
    .close = chain_close,
    .saw_end = chain_saw_end,
    .saw_goodbye = chain_saw_goodbye,
};

/* ---- settings ---- */

bool real_filters_exist(const struct real_filters *wanted)
{
    const struct websocket_settings settings = {.path = "/"};
    struct filter *filter;

    if (wanted->tls && !real_tls_exists()) return false;
    if (!wanted->websocket) return true;
    bool exists = websocket_open(&settings, &filter, NULL) != WEIR_UNSUPPORTED;
    filter_unref(filter);
    return exists;
}

void real_filters_set(const struct real_filters *wanted)
{
    close_chain(); /* of a test that failed */
    test_chain_client = wanted ? &client : NULL;
    if (wanted) chain = *wanted;
}

void real_filters_garble(struct sim_peer *peer)
{
    struct wire *wire = wire_of(peer);

    advance(wire);
    if (!chain.tls && !chain.websocket) return; /* it would be the caller's data */
    if (wire->out_length == 0) add(wire, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    push(wire);
}

void real_filters_meddle(struct sim_peer *peer)
{
    struct wire *wire = wire_of(peer);

    advance(wire);
    if (!wire->is_open || wire->has_finished || wire->out_length > 0) return;
    if (chain.websocket) send_frame(wire, PING, true, (const uint8_t *)"?", 1);
    if (wire->tls) real_tls_update_keys(wire->tls);
}

bool real_filters_are_silent(struct sim_peer *peer)
{
    const struct wire *wire = wire_of(peer);

    return wire->out_length > 0 && wire->sent_bytes == chain.sent_bytes_max;
}

bool real_filters_are_open(struct sim_peer *peer)
{
    return wire_of(peer)->is_open;
}
