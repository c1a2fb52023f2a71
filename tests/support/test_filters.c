/* SPDX-License-Identifier: MIT */
/* test_filters.c - filters for tests, and the client's side of a chain of them. */
#include "test_filters.h"

#include <string.h>

#include "memory.h"
#include "require.h"

#define LINE_BYTES_MAX 16u
#define RECORD_BYTES_MAX 1000u /* of a payload */
#define HEADER_BYTES 3u
#define KEY 0x5au

struct test_filters test_filters;
struct filter *test_chain[4];
uint32_t test_chain_count;
bool test_chain_opens;
const struct chain_client *test_chain_client;

void test_filters_reset(void)
{
    test_filters = (struct test_filters){
        .wake_ms = UINT64_MAX, .response = FILTER_MORE, .goodbye_text = "BYE\n"};
}

void test_chain_set(struct filter *first, struct filter *second, struct filter *third)
{
    struct filter *const given[] = {first, second, third};

    test_chain_count = 0;
    for (uint32_t i = 0; i < 3; i++)
        if (given[i]) test_chain[test_chain_count++] = given[i];
}

/* ---- lines ---- */

struct line_state {
    char text[LINE_BYTES_MAX + 1];
    uint32_t length;
    struct filter_worker *worker;
    uint64_t wake_ms; /* 0: it does not wait */
    uint8_t client;   /* 0: it names none */
    bool is_later, must_flood, has_context;
};

static void *line_open(const struct filter *filter, struct filter_worker *worker,
                       struct filter_error *error)
{
    struct line_state *state;

    (void)filter;
    if (test_filters.refuses_state) {
        error->reason = WEIR_REASON_PROXY;
        filter_fail(error, "it is refused");
        return NULL;
    }
    state = memory_alloc(sizeof *state);
    if (state) state->worker = worker;
    return state;
}

static enum filter_result line_answer(struct filter_io *io, const char *text,
                                      enum filter_result result)
{
    require(filter_output_add(io->out, text, strlen(text)));
    return result;
}

/* Acts on one line. FILTER_MORE: the next one follows. */
static enum filter_result line_act(struct line_state *state, struct filter_io *io)
{
    const char *text = state->text;

    if (strcmp(text, "GO") == 0) return line_answer(io, "OK\n", FILTER_OPEN);
    if (strcmp(text, "AGAIN") == 0) return line_answer(io, "A\n", FILTER_AGAIN);
    if (strcmp(text, "END") == 0) return FILTER_END;
    if (strcmp(text, "PAGE") == 0) return line_answer(io, "page", FILTER_BAD);
    if (strcmp(text, "FAIL") == 0) return filter_fail(io->error, "a line says so");
    if (strncmp(text, "FROM ", 5) == 0) {
        state->client = (uint8_t)(text[5] - '0');
        return FILTER_OPEN;
    }
    if (strcmp(text, "LATER") == 0) {
        state->is_later = true;
        return FILTER_LATER;
    }
    if (strcmp(text, "FLOOD") == 0) {
        state->must_flood = true;
        return FILTER_AGAIN;
    }
    if (strcmp(text, "WAIT") == 0) {
        state->wake_ms = state->worker->now_ms + 100;
        return FILTER_MORE;
    }
    line_answer(io, "NO\n", FILTER_BAD);
    return filter_fail(io->error, "the line is \"%s\"", text);
}

static enum filter_result line_flood(struct filter_io *io)
{
    memset(io->out->bytes + io->out->length, 'f', filter_output_room(io->out));
    io->out->length = io->out->max;
    return FILTER_AGAIN;
}

static enum filter_result line_feed(void *opaque, struct filter_io *io)
{
    struct line_state *state = opaque;

    require(!io->plain);
    require(filter_output_room(io->out) >= FILTER_OUT_BYTES_MIN);
    if (state->must_flood) return line_flood(io);
    state->is_later = false;
    if (state->wake_ms > 0) {
        if (io->in_length > 0 || state->worker->now_ms >= state->wake_ms) return FILTER_OPEN;
        io->wake_ms = state->wake_ms;
        return FILTER_MORE;
    }
    while (io->in_length > 0) {
        char byte = (char)*io->in++;
        io->in_length--;
        if (byte != '\n') {
            if (state->length < LINE_BYTES_MAX) state->text[state->length++] = byte;
            continue;
        }
        state->text[state->length] = '\0';
        state->length = 0;
        enum filter_result result = line_act(state, io);
        if (state->wake_ms > 0) {
            io->wake_ms = state->wake_ms;
            if (io->in_length > 0) return FILTER_OPEN;
        }
        if (result != FILTER_MORE) return result;
    }
    return FILTER_MORE;
}

static bool line_is_idle(const void *opaque)
{
    return ((const struct line_state *)opaque)->wake_ms > 0;
}

static bool line_client(const void *opaque, struct weir_address *client)
{
    const struct line_state *state = opaque;

    if (state->client == 0) return false;
    *client =
        (struct weir_address){.ip = {[10] = 0xff, 0xff, 127, 0, 0, state->client}, .port = 1000};
    return true;
}

static enum filter_use line_use(const struct filter *filter, const struct weir_address *peer)
{
    (void)filter;
    require(test_filters.expects_no_peer == !peer);
    return test_filters.use;
}

static size_t line_held_bytes(const void *opaque)
{
    const struct line_state *state = opaque;

    return sizeof *state + state->length;
}

static void line_release(void *opaque)
{
    memory_free(opaque);
}

static const struct filter_kind line_kind = {
    .name = "line",
    .reason = WEIR_REASON_PROXY,
    .is_transparent = true,
    .use = line_use,
    .open = line_open,
    .feed = line_feed,
    .is_idle = line_is_idle,
    .client = line_client,
    .held_bytes = line_held_bytes,
    .release = line_release,
};

/* ---- up ---- */

static void up_begin(void *opaque, void *codec_state)
{
    require(opaque && codec_state);
    test_filters.begins++;
}

static enum filter_result up_respond(void *opaque, struct filter_response *response)
{
    require(opaque && response->now_ms > 0);
    test_filters.responses++;
    response->wake_ms = test_filters.wake_ms;
    if (test_filters.wake_ms < UINT64_MAX) test_filters.wake_ms = UINT64_MAX;
    if (test_filters.response_text)
        require(filter_output_add(response->out, test_filters.response_text,
                                  strlen(test_filters.response_text)));
    test_filters.response_text = NULL;
    enum filter_result result = test_filters.response;
    test_filters.response = FILTER_MORE;
    if (result == FILTER_BAD) filter_fail(response->error, "it does not respond");
    return result;
}

static void up_goodbye(void *opaque, enum weir_reason reason, struct filter_output *out)
{
    require(opaque != NULL);
    test_filters.goodbyes++;
    test_filters.goodbye_reason = reason;
    const char *text = test_filters.goodbye_text;
    if (text) require(filter_output_add(out, text, strlen(text)));
}

static const struct filter_kind up_kind = {
    .name = "up",
    .reason = WEIR_REASON_UPGRADE,
    .open = line_open,
    .feed = line_feed,
    .begin = up_begin,
    .respond = up_respond,
    .goodbye = up_goodbye,
    .held_bytes = line_held_bytes,
    .release = line_release,
};

/* ---- xor ---- */

struct xor_state {
    uint8_t header[HEADER_BYTES];
    uint32_t header_length, left; /* of the record that is read */
    bool is_open, is_client, has_spoken, is_later, seal_waits;
};

static void *xor_context(void)
{
    return memory_alloc(1);
}

static void *xor_open(const struct filter *filter, struct filter_worker *worker,
                      struct filter_error *error)
{
    struct xor_state *state;

    (void)filter;
    (void)error;
    if (!filter_worker_context(worker, filter->kind)) return NULL;
    state = memory_alloc(sizeof *state);
    if (state) test_filters.xor_states++;
    return state;
}

static bool xor_add(struct filter_output *out, char type, const uint8_t *bytes, size_t length)
{
    const uint8_t header[HEADER_BYTES] = {(uint8_t)type, (uint8_t)length, (uint8_t)(length >> 8)};

    if (filter_output_room(out) < sizeof header + length) return false;
    filter_output_add(out, header, sizeof header);
    for (size_t i = 0; i < length; i++) out->bytes[out->length++] = bytes[i] ^ KEY;
    return true;
}

/* Acts on the header of a record. FILTER_MORE: its payload follows. */
static enum filter_result xor_act(struct xor_state *state, struct filter_io *io)
{
    char type = (char)state->header[0];

    if (!state->is_open) {
        if (type != (state->is_client ? 'H' : 'h'))
            return filter_fail(io->error, "the first record is not h");
        if (!state->is_client) require(xor_add(io->out, 'H', NULL, 0));
        state->is_open = true;
        return FILTER_OPEN;
    }
    switch (type) {
    case 'd': return FILTER_MORE;
    case 'e': return FILTER_END;
    case 'k': return xor_add(io->out, 'k', NULL, 0) ? FILTER_MORE : FILTER_AGAIN;
    case 'l': return FILTER_LATER;
    case 'w':
    case 'g': state->seal_waits = type == 'w'; return FILTER_MORE;
    default:
        require(xor_add(io->out, 'a', NULL, 0));
        return filter_fail(io->error, "a record has the type %c", type);
    }
}

static enum filter_result xor_feed(void *opaque, struct filter_io *io)
{
    struct xor_state *state = opaque;

    require(!io->plain == !state->is_open);
    if (!state->has_spoken && io->in_length == 0 && !state->is_open) {
        state->is_client = true;
        require(xor_add(io->out, 'h', NULL, 0));
    }
    state->has_spoken = true;
    while (io->in_length > 0) {
        if (state->header_length < HEADER_BYTES) {
            state->header[state->header_length++] = *io->in++;
            io->in_length--;
            if (state->header_length < HEADER_BYTES) continue;
            state->left = state->header[1] | (uint32_t)state->header[2] << 8;
            enum filter_result result = xor_act(state, io);
            if (state->left == 0) state->header_length = 0;
            if (result != FILTER_MORE) return result;
            continue;
        }
        if (filter_output_room(io->plain) == 0) return FILTER_AGAIN;
        io->plain->bytes[io->plain->length++] = *io->in++ ^ KEY;
        io->in_length--;
        if (--state->left == 0) state->header_length = 0;
    }
    return FILTER_MORE;
}

static size_t xor_seal_max(const void *opaque, size_t room)
{
    size_t record = HEADER_BYTES + RECORD_BYTES_MAX, rest = room % record;

    require(((const struct xor_state *)opaque)->is_open);
    if (((const struct xor_state *)opaque)->seal_waits) return 0;
    return room / record * RECORD_BYTES_MAX + (rest > HEADER_BYTES ? rest - HEADER_BYTES : 0);
}

static bool xor_seal(void *opaque, const uint8_t *plain, size_t length, struct filter_output *out,
                     struct filter_error *error)
{
    require(length > 0 && length <= xor_seal_max(opaque, filter_output_room(out)));
    require_equal(error->reason, WEIR_REASON_EXHAUSTED);
    if (test_filters.refuses_seal) return false;
    while (length > 0) {
        size_t piece = length < RECORD_BYTES_MAX ? length : RECORD_BYTES_MAX;
        require(xor_add(out, 'd', plain, piece));
        plain += piece;
        length -= piece;
    }
    return true;
}

static void xor_goodbye(void *opaque, enum weir_reason reason, struct filter_output *out)
{
    (void)reason;
    require(((struct xor_state *)opaque)->is_open);
    require(xor_add(out, 'e', NULL, 0));
}

static size_t xor_held_bytes(const void *opaque)
{
    return sizeof(struct xor_state) + ((const struct xor_state *)opaque)->header_length;
}

static void xor_release(void *opaque)
{
    test_filters.xor_states--;
    memory_free(opaque);
}

static const struct filter_kind xor_kind = {
    .name = "xor",
    .reason = WEIR_REASON_TLS,
    .transforms = true,
    .open_worker = xor_context,
    .free_worker = memory_free,
    .open = xor_open,
    .feed = xor_feed,
    .seal_max = xor_seal_max,
    .seal = xor_seal,
    .goodbye = xor_goodbye,
    .held_bytes = xor_held_bytes,
    .release = xor_release,
};

struct filter test_filter_line = {.kind = &line_kind, .references = 1};
struct filter test_filter_xor = {.kind = &xor_kind, .references = 1};
struct filter test_filter_up = {.kind = &up_kind, .references = 1};

/* ---- the client's side ---- */

#define WIRES_MAX 2048u
#define WIRE_OUT_BYTES 8192u

/* One connection. Bytes that the window does not take wait in `out`. */
struct wire {
    struct sim_peer *peer; /* null: the slot is free */
    uint8_t out[WIRE_OUT_BYTES];
    uint32_t out_length;
    bool is_open, must_finish;
    uint32_t skip_wire, skip_plain; /* answers to the opening that have not come */
    uint8_t header[HEADER_BYTES];
    uint32_t header_length, left;
    bool saw_goodbye;
    uint32_t counts[128]; /* of records, by type */
};

static struct wire wires[WIRES_MAX];

bool test_chain_has(const struct filter *filter)
{
    for (uint32_t i = 0; i < test_chain_count; i++)
        if (test_chain[i] == filter) return true;
    return false;
}

static struct wire *wire_of(struct sim_peer *peer)
{
    struct wire *unused = NULL;

    for (uint32_t i = 0; i < WIRES_MAX; i++) {
        if (wires[i].peer == peer) return &wires[i];
        if (!wires[i].peer && !unused) unused = &wires[i];
    }
    require(unused != NULL);
    *unused = (struct wire){.peer = peer};
    return unused;
}

void test_filters_forget_peers(void)
{
    if (test_chain_client) test_chain_client->forget_peers();
    memset(wires, 0, sizeof wires);
}

static void wire_add(struct wire *wire, const void *bytes, uint32_t length)
{
    require(wire->out_length + length <= sizeof wire->out);
    memcpy(wire->out + wire->out_length, bytes, length);
    wire->out_length += length;
}

static void wire_add_record(struct wire *wire, char type, const uint8_t *bytes, uint32_t length)
{
    struct filter_output out = {wire->out, wire->out_length, sizeof wire->out};

    require(xor_add(&out, type, bytes, length));
    wire->out_length = (uint32_t)out.length;
}

static void wire_push(struct wire *wire)
{
    if (wire->out_length > 0) {
        uint32_t sent = sim_peer_send(wire->peer, wire->out, wire->out_length);
        wire->out_length -= sent;
        memmove(wire->out, wire->out + sent, wire->out_length);
    }
    if (!wire->must_finish || wire->out_length > 0) return;
    wire->must_finish = false;
    sim_peer_finish(wire->peer);
}

static void wire_prepare(struct wire *wire)
{
    if (wire->is_open) return;
    wire->is_open = true;
    if (test_chain_has(&test_filter_line)) {
        wire_add(wire, "GO\n", 3);
        wire->skip_wire = 3;
    }
    if (test_chain_has(&test_filter_xor)) wire_add_record(wire, 'h', NULL, 0);
    if (!test_chain_has(&test_filter_up)) return;
    if (test_chain_has(&test_filter_xor))
        wire_add_record(wire, 'd', (const uint8_t *)"GO\n", 3);
    else
        wire_add(wire, "GO\n", 3);
    wire->skip_plain = 3;
}

bool filtered_open(struct sim_peer *peer)
{
    if (test_chain_client) return test_chain_client->open(peer);
    struct wire *wire = wire_of(peer);
    wire_prepare(wire);
    wire_push(wire);
    return true;
}

void filtered_record(struct sim_peer *peer, char type, const void *bytes, uint32_t length)
{
    struct wire *wire = wire_of(peer);

    wire_prepare(wire);
    wire_add_record(wire, type, bytes, length);
    wire_push(wire);
}

uint32_t filtered_send(struct sim_peer *peer, const void *bytes, uint32_t count)
{
    if (test_chain_client) return test_chain_client->send(peer, bytes, count);
    if (test_chain_count == 0) return sim_peer_send(peer, bytes, count);
    struct wire *wire = wire_of(peer);
    uint32_t done = 0;

    wire_prepare(wire);
    wire_push(wire);
    while (done < count && wire->out_length == 0) {
        uint32_t piece = count - done < RECORD_BYTES_MAX ? count - done : RECORD_BYTES_MAX;
        if (test_chain_has(&test_filter_xor))
            wire_add_record(wire, 'd', (const uint8_t *)bytes + done, piece);
        else
            wire_add(wire, (const uint8_t *)bytes + done, piece);
        done += piece;
        wire_push(wire);
    }
    return done;
}

/* Takes the header of a record. */
static void wire_take_header(struct wire *wire, uint8_t byte)
{
    wire->header[wire->header_length++] = byte;
    if (wire->header_length < HEADER_BYTES) return;
    wire->counts[wire->header[0] & 127]++;
    wire->left = wire->header[1] | (uint32_t)wire->header[2] << 8;
    if (wire->left == 0) wire->header_length = 0;
    if (wire->header[0] == 'e')
        wire->saw_goodbye = true;
    else
        require(!wire->saw_goodbye);
}

/* Returns whether the byte is one for the caller, and decodes it. */
static bool wire_take(struct wire *wire, uint8_t *byte)
{
    if (wire->skip_wire > 0) {
        wire->skip_wire--;
        return false;
    }
    if (test_chain_has(&test_filter_xor)) {
        if (wire->left == 0) {
            wire_take_header(wire, *byte);
            return false;
        }
        *byte ^= KEY;
        if (--wire->left == 0) wire->header_length = 0;
    }
    if (wire->skip_plain == 0) return true;
    wire->skip_plain--;
    return false;
}

uint32_t filtered_receive(struct sim_peer *peer, void *bytes, uint32_t bytes_max)
{
    uint8_t byte, *to = bytes;
    uint32_t count = 0;

    if (test_chain_client) return test_chain_client->receive(peer, bytes, bytes_max);
    if (test_chain_count == 0) return sim_peer_receive(peer, bytes, bytes_max);
    struct wire *wire = wire_of(peer);
    wire_push(wire);
    while (count < bytes_max && sim_peer_receive(peer, &byte, 1) == 1)
        if (wire_take(wire, &byte)) to[count++] = byte;
    return count;
}

uint32_t filtered_unread(struct sim_peer *peer)
{
    if (test_chain_client) return test_chain_client->unread(peer);
    if (test_chain_count > 0) wire_push(wire_of(peer));
    return sim_peer_unread(peer);
}

void filtered_finish(struct sim_peer *peer)
{
    if (test_chain_client) {
        test_chain_client->finish(peer);
        return;
    }
    if (test_chain_count == 0) {
        sim_peer_finish(peer);
        return;
    }
    struct wire *wire = wire_of(peer);
    wire_prepare(wire);
    if (test_chain_has(&test_filter_xor)) wire_add_record(wire, 'e', NULL, 0);
    wire->must_finish = true;
    wire_push(wire);
}

void filtered_close(struct sim_peer *peer)
{
    if (test_chain_client) {
        test_chain_client->close(peer);
        return;
    }
    if (test_chain_count > 0) wire_of(peer)->peer = NULL;
    sim_peer_close(peer);
}

bool filtered_saw_end(struct sim_peer *peer)
{
    uint8_t byte;

    if (test_chain_client) return test_chain_client->saw_end(peer);
    if (test_chain_count > 0 && sim_peer_unread(peer) > 0) {
        struct wire *wire = wire_of(peer);
        while (wire->left == 0 && test_chain_has(&test_filter_xor) &&
               sim_peer_receive(peer, &byte, 1) == 1)
            wire_take(wire, &byte);
    }
    return sim_peer_saw_end(peer);
}

uint32_t filtered_count(struct sim_peer *peer, char type)
{
    return wire_of(peer)->counts[type & 127];
}

bool filtered_saw_goodbye(struct sim_peer *peer)
{
    uint8_t byte;

    if (test_chain_client) return test_chain_client->saw_goodbye(peer);
    while (filtered_receive(peer, &byte, 1) == 1) continue;
    return wire_of(peer)->saw_goodbye;
}
