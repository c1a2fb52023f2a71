/* SPDX-License-Identifier: MIT */
/* swarm_peer.c - the far ends of a random scenario. */
#include "swarm_peer.h"

#include <string.h>

#include "address.h"
#include "fixture.h"
#include "real_filters.h"
#include "require.h"
#include "test_filters.h"

/* What an honest peer asks for: nothing that ends it. */
#define SWARM_PEER__HONEST "bbbbccccnjltu"
#define SWARM_PEER__WILD "bbccnjltuffwxy"
#define SWARM_PEER__DATAGRAMS "bbbbccnjjltufwxy"

static const char *swarm_peer__kinds(const struct swarm_peer *peer)
{
    return peer->manner == SWARM_HONEST || peer->manner == SWARM_STUCK ? SWARM_PEER__HONEST
                                                                       : SWARM_PEER__WILD;
}

void swarm_peer_open(struct swarm_peer *peer, const struct weir_codec *codec,
                     struct swarm_fate *fate, uint64_t seed)
{
    const struct net_address from = address_of_v4(0x7f000001u + swarm_roll(4), 0);

    *peer = (struct swarm_peer){.codec = codec, .fate = fate, .seed = seed};
    peer->wire = sim_connect(fixture.simulation, &fixture.address, &from);
    peer->manner =
        swarm_one_in(2) ? SWARM_HONEST : (enum swarm_manner)swarm_roll(SWARM_MANNERS_COUNT);
    peer->sent_max = swarm_roll(60);
    fate->port = sim_peer_address(peer->wire).port;
    fate->is_honest = peer->manner == SWARM_HONEST;
    if (codec) require(weir_decoder_open(codec, &peer->decoder, NULL) == WEIR_OK);
}

void swarm_peer_close(struct swarm_peer *peer)
{
    if (!peer->wire) return;
    filtered_close(peer->wire);
    weir_decoder_free(peer->decoder);
    peer->wire = NULL;
}

/* ---- what comes ---- */

static void swarm_peer__check_answer(struct swarm_peer *peer, const struct weir_message *message)
{
    char expected[SWARM_MESSAGE_BYTES_MAX];
    const char *kinds = swarm_peer__kinds(peer);

    require(message->length > 0);
    if (message->bytes[0] == SWARM_UNASKED) return;
    uint32_t number = swarm_number(message->bytes, message->length);
    require(number >= peer->next_back);
    require(number < peer->sent_count);
    require_equal(swarm_message(peer->seed, number, kinds, expected), message->length);
    require(memcmp(expected, message->bytes, message->length) == 0);
    for (uint32_t i = peer->next_back; i < number && !peer->fate->lossy; i++) {
        swarm_message(peer->seed, i, kinds, expected);
        require(expected[0] != SWARM_BACK && expected[0] != SWARM_COPY);
    }
    peer->next_back = number + 1;
}

static void swarm_peer__take(struct swarm_peer *peer, const uint8_t *bytes, uint32_t count)
{
    struct weir_input input = {bytes, count, false};
    struct weir_message message;
    enum weir_decoded decoded;

    if (!peer->codec) {
        for (uint32_t i = 0; i < count; i++)
            require_equal(bytes[i], swarm_byte(peer->seed, peer->bytes_in + i));
        peer->bytes_in += count;
        return;
    }
    while ((decoded = weir_decoder_next(peer->decoder, &input, &message, NULL)) ==
           WEIR_DECODED_MESSAGE)
        swarm_peer__check_answer(peer, &message);
    require(decoded == WEIR_DECODED_MORE);
}

static void swarm_peer__receive(struct swarm_peer *peer)
{
    uint8_t bytes[4096];
    uint32_t count;

    while ((count = filtered_receive(peer->wire, bytes, 1 + swarm_roll(sizeof bytes - 1))) > 0)
        if (peer->fate->opened)
            swarm_peer__take(peer, bytes, count); /* else it is a reject message */
}

/* The server closed gracefully: everything it owed has arrived. */
static void swarm_peer__check_whole(const struct swarm_peer *peer)
{
    char message[SWARM_MESSAGE_BYTES_MAX];

    if (!peer->fate->is_honest || peer->fate->lossy || !peer->finished) return;
    if (!peer->fate->closed || peer->fate->reason != WEIR_REASON_PEER_DONE) return;
    if (test_chain_client && !swarm_log.lacked_memory) require(filtered_saw_goodbye(peer->wire));
    if (!peer->codec) {
        require_equal(peer->bytes_in, peer->bytes_out);
        return;
    }
    for (uint32_t i = peer->next_back; i < peer->sent_count; i++) {
        swarm_message(peer->seed, i, swarm_peer__kinds(peer), message);
        require(message[0] != SWARM_BACK && message[0] != SWARM_COPY);
    }
}

/* ---- what goes ---- */

static void swarm_peer__fill(struct swarm_peer *peer)
{
    char message[SWARM_MESSAGE_BYTES_MAX];
    size_t length;

    peer->out_at = 0;
    if (!peer->codec) {
        peer->out_length = 1 + swarm_roll(sizeof peer->out);
        for (uint32_t i = 0; i < peer->out_length; i++)
            peer->out[i] = swarm_byte(peer->seed, peer->bytes_out + i);
        peer->bytes_out += peer->out_length;
    } else {
        uint32_t bytes =
            swarm_message(peer->seed, peer->sent_count, swarm_peer__kinds(peer), message);
        require(weir_codec_encode(peer->codec, message, bytes, peer->out, sizeof peer->out,
                                  &length) == WEIR_OK);
        peer->out_length = (uint32_t)length;
    }
    if (peer->codec && peer->manner == SWARM_GARBLED && swarm_one_in(8)) {
        memset(peer->out, 0xff, peer->out_length);
        peer->fate->lossy = true;
    }
    peer->sent_count++;
}

static void swarm_peer__send(struct swarm_peer *peer)
{
    for (uint32_t i = swarm_roll(8); i > 0 && !peer->finished && !peer->stands_still; i--) {
        uint32_t left = peer->out_length - peer->out_at;
        if (left == 0 && peer->sent_count == peer->sent_max) {
            filtered_finish(peer->wire);
            peer->finished = true;
            return;
        }
        if (left == 0) swarm_peer__fill(peer);
        left = peer->out_length - peer->out_at;
        uint32_t count = swarm_one_in(3) ? 1 + swarm_roll(left) : left;
        if (peer->manner == SWARM_STUCK && swarm_one_in(20)) peer->stands_still = true;
        uint32_t sent = filtered_send(peer->wire, peer->out + peer->out_at, count);
        peer->out_at += sent;
        if (sent < count) return;
    }
}

/* Sends a record that the filters refuse, or one that they must answer. */
static void swarm_peer__garble(struct swarm_peer *peer)
{
    static const char types[] = "kkklbe";
    char type = types[swarm_roll(sizeof types - 1)];

    if (test_chain_client && !peer->finished) {
        peer->fate->lossy = true;
        real_filters_garble(peer->wire);
        return;
    }
    if (!test_chain_has(&test_filter_xor) || peer->finished) return;
    if (type == 'b' || type == 'e') peer->fate->lossy = true;
    filtered_record(peer->wire, type, NULL, 0);
}

/* ---- steps ---- */

bool swarm_peer_step(struct swarm_peer *peer)
{
    enum swarm_manner manner = peer->manner;

    if (sim_peer_state(peer->wire) == SIM_REFUSED) {
        swarm_peer_close(peer);
        return false;
    }
    if (sim_peer_state(peer->wire) == SIM_CONNECTING) return true;
    if (manner != SWARM_SILENT) swarm_peer__send(peer);
    if (manner != SWARM_DEAF || peer->sent_count < 5) swarm_peer__receive(peer);
    if (manner == SWARM_GARBLED && swarm_one_in(100)) swarm_peer__garble(peer);
    if (test_chain_client && swarm_one_in(20)) real_filters_meddle(peer->wire);
    if (manner == SWARM_SUDDEN && swarm_one_in(30)) {
        uint32_t way = swarm_roll(3);
        if (way == 0) sim_peer_reset(peer->wire);
        if (way == 1) sim_peer_lose(peer->wire); /* the server hears nothing of it any longer */
        swarm_peer_close(peer);
        return false;
    }
    bool ended = sim_peer_saw_reset(peer->wire) || filtered_saw_end(peer->wire);
    if (!ended || (peer->fate->opened && !peer->fate->closed && peer->finished)) return true;
    if (manner != SWARM_HONEST && !swarm_one_in(20)) return true; /* it takes its time */
    /* RST after FIN, when the linger timeout has expired, discards what the peer has not read. */
    if (filtered_saw_end(peer->wire) && !sim_peer_saw_reset(peer->wire))
        swarm_peer__check_whole(peer);
    swarm_peer_close(peer);
    return false;
}

/* ---- datagrams ---- */

void swarm_socket_open(struct swarm_socket *socket, uint8_t host, uint64_t seed)
{
    const struct net_address address = address_of_v4(0x7f000000u + host, 0);

    *socket = (struct swarm_socket){.seed = seed};
    socket->wire = sim_datagrams_open(fixture.simulation, &address);
    require(socket->wire != NULL);
}

void swarm_socket_close(struct swarm_socket *socket)
{
    sim_datagrams_close(socket->wire);
}

static void swarm_socket__check(struct swarm_socket *socket, const uint8_t *bytes, uint32_t length)
{
    char expected[SWARM_MESSAGE_BYTES_MAX];
    uint32_t percent = fixture.common.config.datagram_reply_percent_max;

    socket->bytes_in += length;
    require(percent == 0 || socket->bytes_in <= socket->bytes_out * percent / 100);
    require(length > 0);
    if (bytes[0] == SWARM_UNASKED) return;
    uint32_t number = swarm_number(bytes, length);
    require(number < socket->sent_count);
    require_equal(swarm_message(socket->seed, number, SWARM_PEER__DATAGRAMS, expected), length);
    require(memcmp(expected, bytes, length) == 0);
    require(bytes[0] == SWARM_BACK || bytes[0] == SWARM_COPY);
}

void swarm_socket_step(struct swarm_socket *socket)
{
    char message[SWARM_MESSAGE_BYTES_MAX];
    struct net_address from;
    uint32_t length;

    for (uint32_t i = swarm_one_in(3) ? swarm_roll(6) : 0; i > 0; i--) {
        length = swarm_message(socket->seed, socket->sent_count++, SWARM_PEER__DATAGRAMS, message);
        sim_datagrams_send(socket->wire, &fixture.address, message, length);
        socket->bytes_out += length;
    }
    while (sim_datagrams_receive(socket->wire, message, sizeof message, &length, &from))
        swarm_socket__check(socket, (const uint8_t *)message, length);
}
