/* SPDX-License-Identifier: MIT */
/* stream_peer.c - the TCP peers of a test: bytes that wait to be sent, and bytes that were read.
 *
 *      send -> out -> window of the network ...      ... network -> in -> receive or message
 */
#include <string.h>

#include "check.h"
#include "client.h"
#include "sim_wire.h"
#include "story.h"
#include "stream_peer.h"

#define STREAM_PEER__READ_BYTES 4096u
#define STREAM_PEER__FRAME_EXTRA_BYTES (WEIR_HEADER_BYTES_MAX + WEIR_TRAILER_BYTES_MAX)

/* Bytes from `first` to `length`. */
struct stream_bytes {
    uint8_t *bytes;
    size_t first, length, capacity;
};

struct weir_test_peer {
    struct client client;
    struct sim_peer *wire;
    struct stream_bytes out, in;
    bool must_finish, has_finished; /* weir_test_peer_finish() was called; FIN was sent */
    bool has_left;                  /* it reset or lost the connection */
    bool reads;
    struct weir_decoder *decoder; /* null until the first message */
    bool is_malformed;
    enum weir_test_state reported; /* the state in the story */
};

/* ---- bytes ---- */

static void stream_peer__append(struct stream_bytes *queue, const void *bytes, size_t length)
{
    size_t held = queue->length - queue->first;

    if (length == 0) return;
    if (queue->length + length > queue->capacity) {
        size_t capacity = (held + length) * 2;
        uint8_t *larger = wire_memory(capacity, 1);
        if (held > 0) memcpy(larger, queue->bytes + queue->first, held);
        wire_memory_free(queue->bytes);
        *queue = (struct stream_bytes){larger, 0, held, capacity};
    }
    memcpy(queue->bytes + queue->length, bytes, length);
    queue->length += length;
}

static size_t stream_peer__held(const struct stream_bytes *queue)
{
    return queue->length - queue->first;
}

static uint32_t stream_peer__part(size_t length)
{
    return length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
}

/* ---- what is possible now ---- */

static void stream_peer__write(struct weir_test_peer *peer)
{
    struct stream_bytes *out = &peer->out;
    uint32_t sent = 1;

    while (stream_peer__held(out) > 0 && sent > 0) {
        sent = sim_peer_send(peer->wire, out->bytes + out->first,
                             stream_peer__part(stream_peer__held(out)));
        out->first += sent;
    }
    if (stream_peer__held(out) > 0 || !peer->must_finish || peer->has_finished) return;
    peer->has_finished = true;
    sim_peer_finish(peer->wire);
}

static void stream_peer__read(struct weir_test_peer *peer)
{
    uint8_t bytes[STREAM_PEER__READ_BYTES];
    char text[STORY_BYTES_TEXT];
    uint32_t count;

    while ((count = sim_peer_receive(peer->wire, bytes, sizeof bytes)) > 0) {
        story_tell(peer->client.test, "peer %u receives %u bytes %s", peer->client.number, count,
                   story_bytes(bytes, count, text));
        stream_peer__append(&peer->in, bytes, count);
    }
}

static void stream_peer__tell_state(struct weir_test_peer *peer)
{
    static const char *const texts[] = {"connects", "is connected", "is refused",
                                        "sees FIN", "sees RST",     "has left"};
    enum weir_test_state state = weir_test_peer_state(peer);

    if (state == peer->reported) return;
    peer->reported = state;
    story_tell(peer->client.test, "peer %u %s", peer->client.number, texts[state]);
}

static void stream_peer__move(struct client *client)
{
    struct weir_test_peer *peer = weir_container_of(client, struct weir_test_peer, client);
    bool is_open = !peer->has_left && sim_peer_state(peer->wire) == SIM_CONNECTED;

    if (is_open && !sim_peer_saw_reset(peer->wire)) stream_peer__write(peer);
    if (is_open && peer->reads) stream_peer__read(peer);
    stream_peer__tell_state(peer);
}

/* ---- life ---- */

static void stream_peer__free(struct client *client)
{
    struct weir_test_peer *peer = weir_container_of(client, struct weir_test_peer, client);

    sim_peer_close(peer->wire);
    weir_decoder_free(peer->decoder);
    wire_memory_free(peer->in.bytes);
    wire_memory_free(peer->out.bytes);
    wire_memory_free(peer);
}

static void stream_peer__begin(struct weir_test_peer *peer)
{
    peer->client.move = stream_peer__move;
    peer->client.free = stream_peer__free;
    peer->reads = true;
}

struct weir_test_peer *weir_test_connect(struct weir_test *test, size_t listener, const char *from)
{
    struct weir_test_peer *peer = wire_memory(1, sizeof *peer);
    struct net_address to = client_target(test, listener);

    client_init(&peer->client, test, listener, WEIR_TCP, from);
    stream_peer__begin(peer);
    peer->wire = sim_connect(test->simulation, &to, &peer->client.address);
    story_tell(test, "peer %u connects", peer->client.number);
    return peer;
}

struct weir_test_peer *stream_peer_adopt(struct weir_test *test, struct sim_peer *wire,
                                         const struct weir_codec *codec)
{
    struct weir_test_peer *peer = wire_memory(1, sizeof *peer);
    struct net_address address = sim_peer_address(wire);

    client_add(&peer->client, test, "peer", codec, &address);
    stream_peer__begin(peer);
    peer->wire = wire;
    peer->reported = WEIR_TEST_CONNECTED;
    return peer;
}

/* ---- calls ---- */

void weir_test_peer_send(struct weir_test_peer *peer, const void *bytes, size_t length)
{
    char text[STORY_BYTES_TEXT];

    if (peer->must_finish || peer->has_left) return;
    story_tell(peer->client.test, "peer %u sends %zu bytes %s", peer->client.number, length,
               story_bytes(bytes, length, text));
    stream_peer__append(&peer->out, bytes, length);
    stream_peer__move(&peer->client);
}

enum weir_code weir_test_peer_send_message(struct weir_test_peer *peer, const void *bytes,
                                           size_t length)
{
    size_t size = length + STREAM_PEER__FRAME_EXTRA_BYTES, frame_length = 0;
    uint8_t *frame = wire_memory(size, 1);
    enum weir_code code =
        weir_codec_encode(peer->client.codec, bytes, length, frame, size, &frame_length);

    if (code == WEIR_OK) weir_test_peer_send(peer, frame, frame_length);
    wire_memory_free(frame);
    return code;
}

void weir_test_peer_finish(struct weir_test_peer *peer)
{
    if (peer->must_finish || peer->has_left) return;
    story_tell(peer->client.test, "peer %u finishes: FIN", peer->client.number);
    peer->must_finish = true;
    stream_peer__move(&peer->client);
}

static bool stream_peer__leave(struct weir_test_peer *peer, const char *how)
{
    if (peer->has_left) return false;
    story_tell(peer->client.test, "peer %u %s", peer->client.number, how);
    peer->has_left = true;
    return true;
}

void weir_test_peer_reset(struct weir_test_peer *peer)
{
    if (stream_peer__leave(peer, "resets the connection: RST")) sim_peer_reset(peer->wire);
}

void weir_test_peer_lose(struct weir_test_peer *peer)
{
    if (stream_peer__leave(peer, "disappears")) sim_peer_lose(peer->wire);
}

void weir_test_peer_read(struct weir_test_peer *peer, bool reads)
{
    if (peer->reads != reads)
        story_tell(peer->client.test, "peer %u %s", peer->client.number,
                   reads ? "reads again" : "stops reading");
    peer->reads = reads;
    stream_peer__move(&peer->client);
}

enum weir_test_state weir_test_peer_state(const struct weir_test_peer *peer)
{
    enum sim_peer_state state = sim_peer_state(peer->wire);

    if (peer->has_left) return WEIR_TEST_LEFT;
    if (state == SIM_REFUSED) return WEIR_TEST_REFUSED;
    if (sim_peer_saw_reset(peer->wire)) return WEIR_TEST_RESET;
    if (state == SIM_CONNECTING) return WEIR_TEST_CONNECTING;
    return sim_peer_saw_end(peer->wire) ? WEIR_TEST_FINISHED : WEIR_TEST_CONNECTED;
}

/* ---- what was read ---- */

size_t weir_test_peer_receive(struct weir_test_peer *peer, void *bytes, size_t size)
{
    size_t held = stream_peer__held(&peer->in), count = held < size ? held : size;

    if (count > 0) memcpy(bytes, peer->in.bytes + peer->in.first, count);
    peer->in.first += count;
    return count;
}

bool weir_test_peer_message(struct weir_test_peer *peer, struct weir_message *message)
{
    struct stream_bytes *in = &peer->in;
    struct weir_input input = {in->bytes ? in->bytes + in->first : NULL, stream_peer__held(in),
                               false};

    if (peer->is_malformed || input.length == 0) return false;
    if (!peer->decoder)
        weir_check(weir_decoder_open(peer->client.codec, &peer->decoder, NULL) == WEIR_OK);
    enum weir_decoded decoded = weir_decoder_next(peer->decoder, &input, message, NULL);
    in->first = in->length - input.length;
    peer->is_malformed = decoded == WEIR_DECODED_BAD;
    return decoded == WEIR_DECODED_MESSAGE;
}

bool weir_test_peer_is_malformed(const struct weir_test_peer *peer)
{
    return peer->is_malformed;
}

uint64_t weir_test_peer_session(const struct weir_test_peer *peer)
{
    return peer->client.session;
}

enum weir_reason weir_test_peer_reason(const struct weir_test_peer *peer)
{
    return peer->client.reason;
}

const char *weir_test_peer_reason_text(const struct weir_test_peer *peer)
{
    return peer->client.reason_text;
}
