/* SPDX-License-Identifier: MIT */
/* test_websocket_codec.c - WebSocket frames of a client: framing, pings, reserved bits, opcodes,
 * fragments, UTF-8, closing and limits. Each case is decoded whole, cut at every byte, and byte by
 * byte; every way gives the same messages, the same pong and the same end.
 *
 * A stream is written as words. A character names a frame: T text, B binary, C continuation, P
 * ping, O pong, X close; in lower case without FIN. Its payload follows: ":text", "=hex", "*N" (N
 * times 'a'), or nothing. "#hex" are raw bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "memory_faults.h"
#include "websocket_codec.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES_MAX 200000
#define CUTS_MAX \
    400 /* longer streams are cut at their begin, their end and a few other positions */

/* How a stream ends: a status of enum websocket_status, or: */
enum end {
    OPEN = 0,       /* between two messages */
    PARTIAL = 1,    /* inside a message or frame: the frame timeout runs */
    CLOSED = 10000, /* plus the peer's status: by a close frame */
};

struct bytes {
    uint8_t bytes[BYTES_MAX];
    size_t length;
};

static void add(struct bytes *to, const void *bytes, size_t length)
{
    assert_true(to->length + length <= sizeof to->bytes);
    if (length > 0) memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static size_t read_hex(const char *text, size_t length, uint8_t *bytes)
{
    for (size_t i = 0; i < length / 2; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return length / 2;
}

/* Reads the payload of a word. */
static size_t read_payload(const char *text, size_t length, uint8_t *payload)
{
    if (length == 0) return 0;
    if (text[0] == '=') return read_hex(text + 1, length - 1, payload);
    if (text[0] == '*') {
        size_t count = strtoul(text + 1, NULL, 10);
        memset(payload, 'a', count);
        return count;
    }
    memcpy(payload, text + 1, length - 1);
    return length - 1;
}

static void add_header(struct bytes *to, uint8_t first, size_t length, bool is_masked)
{
    uint8_t header[WEBSOCKET_SERVER_HEADER_BYTES_MAX];
    uint32_t count = websocket_frame_write(header, 0, length);

    header[0] = first;
    if (is_masked) header[1] |= 0x80;
    add(to, header, count);
}

/* Appends the frames of the words: of a client with masks, or of a server without. */
static void add_frames(struct bytes *to, const char *words, bool is_client)
{
    static uint8_t payload[BYTES_MAX];
    static const char names[] = "CTB.....XPO", lower[] = "ctb.....xpo";
    uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

    while (*words) {
        size_t length = strcspn(words, " ");
        if (words[0] == '#') {
            size_t count = read_hex(words + 1, length - 1, payload);
            add(to, payload, count);
        } else {
            const char *upper = strchr(names, words[0]), *at = strchr(lower, words[0]);
            assert_true(upper || at);
            uint8_t first = upper ? (uint8_t)(0x80 + (upper - names)) : (uint8_t)(at - lower);
            size_t count = read_payload(words + 1, length - 1, payload);
            add_header(to, first, count, is_client);
            for (size_t i = 0; is_client && i < count; i++) payload[i] ^= mask[i % 4];
            if (is_client) add(to, mask, 4);
            add(to, payload, count);
            mask[1] = (uint8_t)(mask[1] * 7 + 1);
        }
        words += length;
        words += *words == ' ';
    }
}

/* ---- decoding ---- */

struct outcome {
    struct bytes frames; /* of the messages, as they would be sent back */
    size_t count;
    int end;
    char pong[200]; /* payload of the latest; "-": none */
    char text[256];
};

/* Decodes one piece, in memory of exactly its size. */
static enum weir_decoded feed(const struct weir_codec *codec, void *state, const uint8_t *bytes,
                              size_t length, bool ended, struct outcome *outcome)
{
    uint8_t *piece = malloc(length > 0 ? length : 1);
    struct weir_input input = {piece, length, ended};
    struct weir_message message = {.header_length = 0};
    struct weir_decode_error decode_error = {.text = ""};
    enum weir_decoded decoded;

    assert_non_null(piece);
    if (length > 0) memcpy(piece, bytes, length);
    for (;;) {
        size_t before = input.length;
        decoded = codec->decode(codec, state, &input, &message, &decode_error);
        assert_true(input.length <= before);
        if (decoded != WEIR_DECODED_MESSAGE) break;
        assert_true(ended || input.length < before);
        outcome->count++;
        assert_true(message.bytes >= message.frame);
        assert_true(message.bytes + message.length <= message.frame + message.frame_length);
        add(&outcome->frames, message.frame, message.frame_length);
        assert_int_equal(codec->partial_bytes(codec, state), 0);
    }
    if (decoded == WEIR_DECODED_MORE) assert_int_equal(input.length, 0);
    snprintf(outcome->text, sizeof outcome->text, "%s", decode_error.text);
    free(piece);
    return decoded;
}

static void note_end(const struct weir_codec *codec, struct websocket_state *state,
                     enum weir_decoded decoded, struct outcome *outcome)
{
    uint8_t pong[WEBSOCKET_CONTROL_FRAME_BYTES_MAX];
    size_t length = websocket_codec_pong(state, pong);

    snprintf(outcome->pong, sizeof outcome->pong, "-");
    if (length > 0) {
        assert_int_equal(pong[0], 0x80 | WEBSOCKET_PONG);
        assert_int_equal(pong[1], length - 2);
        snprintf(outcome->pong, sizeof outcome->pong, "%.*s", (int)length - 2, (char *)pong + 2);
        assert_int_equal(websocket_codec_pong(state, pong), 0);
    }
    outcome->end = codec->partial_bytes(codec, state) > 0 ? PARTIAL : OPEN;
    if (state->is_closed) outcome->end = CLOSED + state->peer_status;
    if (decoded == WEIR_DECODED_BAD) outcome->end = state->fail_status;
}

/* Decodes the stream in pieces: the first one of `first` bytes, the others of `next`. */
static void decode(const struct weir_codec *codec, const struct bytes *stream, size_t first,
                   size_t next, bool ends, struct outcome *outcome)
{
    void *state = calloc(1, codec->state_bytes);
    enum weir_decoded decoded = WEIR_DECODED_MORE;
    size_t at = 0, length = first;

    assert_non_null(state);
    outcome->frames.length = outcome->count = 0;
    do {
        if (length > stream->length - at) length = stream->length - at;
        decoded = feed(codec, state, stream->bytes + at, length, false, outcome);
        at += length;
        length = next;
    } while (at < stream->length && decoded == WEIR_DECODED_MORE);
    if (ends && decoded == WEIR_DECODED_MORE) decoded = feed(codec, state, NULL, 0, true, outcome);
    note_end(codec, state, decoded, outcome);
    codec->release(codec, state);
    free(state);
}

static void assert_outcome(const char *name, size_t cut, const struct outcome *outcome,
                           const struct bytes *frames, int end, const char *pong)
{
    if (outcome->end != end)
        fail_msg("%s, cut at %zu: ends with %d (%s), not %d", name, cut, outcome->end,
                 outcome->text, end);
    if (outcome->frames.length != frames->length ||
        memcmp(outcome->frames.bytes, frames->bytes, frames->length) != 0)
        fail_msg("%s, cut at %zu: %zu other messages", name, cut, outcome->count);
    if (strcmp(outcome->pong, pong) != 0)
        fail_msg("%s, cut at %zu: the pong is %s, not %s", name, cut, outcome->pong, pong);
}

static size_t cases_count;

/* Checks one stream, cut everywhere. */
static void check_stream(const struct weir_codec *codec, const char *name,
                         const struct bytes *stream, const struct bytes *frames, int end,
                         const char *pong)
{
    static struct outcome outcome;

    cases_count++;
    for (size_t cut = 1; cut <= stream->length; cut++) {
        if (cut > CUTS_MAX && cut + CUTS_MAX < stream->length) cut += stream->length / 7;
        decode(codec, stream, cut, SIZE_MAX, false, &outcome);
        assert_outcome(name, cut, &outcome, frames, end, pong);
    }
    if (stream->length > 8 * CUTS_MAX) return;
    decode(codec, stream, 1, 1, false, &outcome);
    assert_outcome(name, 0, &outcome, frames, end, pong);
}

struct test_case {
    const char *name, *stream, *messages;
    int end;
    const char *pong; /* null: none */
};

static struct bytes stream, frames;

static void check_case(const struct weir_codec *codec, const struct test_case *test)
{
    stream.length = frames.length = 0;
    add_frames(&stream, test->stream, true);
    add_frames(&frames, test->messages, false);
    check_stream(codec, test->name, &stream, &frames, test->end, test->pong ? test->pong : "-");
}

static struct websocket_codec websocket;

static const struct weir_codec *message_mode(uint64_t max)
{
    websocket_codec_init(&websocket, NULL, max, WEBSOCKET_SEND_SAME);
    return &websocket.codec;
}

static void check_cases(const struct test_case *tests, size_t count, uint64_t max)
{
    const struct weir_codec *codec = message_mode(max);

    for (size_t i = 0; i < count; i++) check_case(codec, &tests[i]);
}

/* ---- message mode ---- */

static void framing(void **state)
{
    static const struct test_case tests[] = {
        {"empty text", "T", "T", OPEN, 0},
        {"empty binary", "B", "B", OPEN, 0},
        {"text", "T:hello", "T:hello", OPEN, 0},
        {"one byte", "T:h", "T:h", OPEN, 0},
        {"binary", "B=00ff80", "B=00ff80", OPEN, 0},
        {"all zero", "B=0000000000000000000000", "B=0000000000000000000000", OPEN, 0},
        {"two", "T:one T:two", "T:one T:two", OPEN, 0},
        {"empty between", "T:one T B T:two", "T:one T B T:two", OPEN, 0},
        {"types alternate", "T:a B:b T:c B:d T:e", "T:a B:b T:c B:d T:e", OPEN, 0},
        {"124 bytes", "T*124", "T*124", OPEN, 0},
        {"125 bytes", "T*125", "T*125", OPEN, 0},
        {"126 bytes", "T*126", "T*126", OPEN, 0},
        {"127 bytes", "T*127", "T*127", OPEN, 0},
        {"128 bytes", "B*128", "B*128", OPEN, 0},
        {"125 and 126 bytes", "T*125 T*126 T*125", "T*125 T*126 T*125", OPEN, 0},
        {"1000 bytes", "B*1000 T:end", "B*1000 T:end", OPEN, 0},
        {"65535 bytes", "B*65535", "B*65535", OPEN, 0},
        {"65536 bytes", "B*65536", "B*65536", OPEN, 0},
        {"65537 bytes, then text", "B*65537 T:end", "B*65537 T:end", OPEN, 0},
        {"nothing", "", "", OPEN, 0},
        {"one byte of a header", "T:one #81", "T:one", PARTIAL, 0},
        {"two bytes of a header", "T:one #8185", "T:one", PARTIAL, 0},
        {"a header without its mask", "T:one #818537fa21", "T:one", PARTIAL, 0},
        {"a header without its payload", "T:one #818537fa213d", "T:one", PARTIAL, 0},
        {"half a payload", "T:one #818537fa213d7f9f", "T:one", PARTIAL, 0},
        {"half a length of 16 bits", "#81fe01", "", PARTIAL, 0},
        {"half a length of 64 bits", "#81ff00000000", "", PARTIAL, 0},
        {"a length of 64 bits without its mask", "#81ff0000000000010000", "", PARTIAL, 0},
        {"a header of 14 bytes", "#82ff000000000001000001020304", "", PARTIAL, 0},
        {"a mask of zeros", "#818500000000 #68656c6c6f", "T:hello", OPEN, 0},
    };

    (void)state;
    check_cases(tests, COUNT_OF(tests), 100000);
}

static void headers_that_are_wrong(void **state)
{
    static const struct test_case tests[] = {
        {"no mask", "#8105 #68656c6c6f", "", 1002, 0},
        {"no mask, empty", "#8100", "", 1002, 0},
        {"no mask, after a message", "T:one #8100", "T:one", 1002, 0},
        {"ping without mask", "#8900", "", 1002, 0},
        {"close without mask", "#8800", "", 1002, 0},
        {"0 in 16 bits", "#81fe0000", "", 1002, 0},
        {"125 in 16 bits", "#81fe007d", "", 1002, 0},
        {"126 in 64 bits", "#81ff000000000000007e", "", 1002, 0},
        {"0 in 64 bits", "#82ff0000000000000000", "", 1002, 0},
        {"65535 in 64 bits", "#82ff000000000000ffff", "", 1002, 0},
        {"the highest bit", "#82ff80", "", 1002, 0},
        {"all bits", "#82ffffffffffffffffff", "", 1002, 0},
        {"ping of 126 bytes", "#89fe", "", 1002, 0},
        {"pong of 126 bytes", "#8afe", "", 1002, 0},
        {"close of 126 bytes", "#88fe", "", 1002, 0},
        {"ping with a long length", "#89ff", "", 1002, 0},
        {"fragmented ping", "p:a", "", 1002, 0},
        {"fragmented pong", "o:a", "", 1002, 0},
        {"fragmented close", "x=03e8", "", 1002, 0},
        {"an HTTP request", "#474554202f20485454502f312e31", "", 1002, 0},
        {"TLS", "#160301", "", 1002, 0},
        {"zeros", "#0000", "", 1002, 0},
    };

    (void)state;
    check_cases(tests, COUNT_OF(tests), 100000);
}

/* Every first byte, inside and outside of a fragmented message. */
static void every_first_byte(void **state)
{
    const struct weir_codec *codec = message_mode(1000);

    (void)state;
    for (int inside = 0; inside < 2; inside++)
        for (unsigned first = 0; first < 256; first++) {
            const uint8_t frame[] = {(uint8_t)first, 0x80, 1, 2, 3, 4};
            unsigned opcode = first & 15;
            bool is_final = first >= 0x80, is_control = opcode >= 8;
            bool is_known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
            bool is_allowed = is_control ? is_final : (opcode == 0) == (inside == 1);
            int end = inside || (!is_control && !is_final) ? PARTIAL : OPEN;
            char name[40];
            snprintf(name, sizeof name, "first byte %02x %s", first, inside ? "inside" : "");
            stream.length = frames.length = 0;
            if (inside) add_frames(&stream, "t:a", true);
            add(&stream, frame, sizeof frame);
            if ((first & 0x70) || !is_known || !is_allowed) {
                end = 1002;
            } else if (opcode == 8) {
                end = CLOSED + WEBSOCKET_STATUS_NONE;
            } else if (is_final && !is_control) {
                add_frames(&frames, inside ? "T:a" : opcode == 1 ? "T" : "B", false);
                end = OPEN;
            }
            check_stream(codec, name, &stream, &frames, end, end != 1002 && opcode == 9 ? "" : "-");
        }
}

static void fragments(void **state)
{
    static const struct test_case tests[] = {
        {"two", "t:hel C:lo", "T:hello", OPEN, 0},
        {"three", "b:a c:b C:c", "B:abc", OPEN, 0},
        {"empty first", "t C:hello", "T:hello", OPEN, 0},
        {"empty last", "t:hello C", "T:hello", OPEN, 0},
        {"all empty", "t c c C", "T", OPEN, 0},
        {"empty in between", "t:a c C:b", "T:ab", OPEN, 0},
        {"then whole", "t:a C:b T:c", "T:ab T:c", OPEN, 0},
        {"after whole", "T:c t:a C:b", "T:c T:ab", OPEN, 0},
        {"two messages", "t:a C:b b:c C:d", "T:ab B:cd", OPEN, 0},
        {"long ones", "b*70000 C*70000", "B*140000", OPEN, 0},
        {"many", "b*1 c*2 c*4 c*8 c*16 c*32 c*64 C*128", "B*255", OPEN, 0},
        {"not finished", "t:a c:b", "", PARTIAL, 0},
        {"empty, not finished", "t", "", PARTIAL, 0},
        {"a ping in between", "t:a P:x C:b", "T:ab", OPEN, "x"},
        {"a pong in between", "t:a O:x C:b", "T:ab", OPEN, 0},
        {"pings everywhere", "P:1 t:a P:2 c:b P:3 C:c P:4", "T:abc", OPEN, "4"},
        {"a close in between", "t:a X=03e8", "", CLOSED + 1000, 0},
        {"continuation of nothing", "C:a", "", 1002, 0},
        {"continuation of nothing, not final", "c:a", "", 1002, 0},
        {"continuation after the last", "t:a C:b C:c", "T:ab", 1002, 0},
        {"continuation after a whole message", "T:a C:b", "T:a", 1002, 0},
        {"text inside", "t:a T:b", "", 1002, 0},
        {"binary inside", "t:a B:b", "", 1002, 0},
        {"a second start", "t:a t:b C:c", "", 1002, 0},
        {"a second start after a ping", "t:a P b:b", "", 1002, ""},
    };

    (void)state;
    check_cases(tests, COUNT_OF(tests), 150000);
}

static void pings(void **state)
{
    static const struct test_case tests[] = {
        {"empty ping", "P", "", OPEN, ""},
        {"ping", "P:are-you-there", "", OPEN, "are-you-there"},
        {"ping of 125 bytes", "P*125", "", OPEN,
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"before a message", "P:x T:a", "T:a", OPEN, "x"},
        {"after a message", "T:a P:x", "T:a", OPEN, "x"},
        {"between messages", "T:a P:x T:b", "T:a T:b", OPEN, "x"},
        {"several: the last one counts", "P:1 P:2 P:3", "", OPEN, "3"},
        {"a long and a short one", "P:long P:s", "", OPEN, "s"},
        {"pong that answers nothing", "O:x", "", OPEN, 0},
        {"empty pong", "O", "", OPEN, 0},
        {"pong and ping", "O:x P:y O:z", "", OPEN, "y"},
        {"pong, then a message", "O:x T:a", "T:a", OPEN, 0},
        {"binary payload", "P:\x01\x02", "", OPEN, "\x01\x02"},
        {"half a ping", "#898537fa213d7f", "", PARTIAL, 0},
        {"a ping's header", "#898537fa213d", "", PARTIAL, 0},
        {"a ping and half of another", "P:x #898537fa213d7f", "", PARTIAL, "x"},
        {"a ping after a close", "X=03e8 P:x", "", CLOSED + 1000, 0},
        {"a ping before a close", "P:x X=03e8", "", CLOSED + 1000, "x"},
    };

    (void)state;
    check_cases(tests, COUNT_OF(tests), 1000);
}

static void closing(void **state)
{
    static const struct test_case tests[] = {
        {"empty", "X", "", CLOSED + 1005, 0},
        {"normal", "X=03e8", "", CLOSED + 1000, 0},
        {"with a reason", "X=03e8627965", "", CLOSED + 1000, 0},
        {"with a reason in UTF-8", "X=03e8e282ac", "", CLOSED + 1000, 0},
        {"with the longest reason",
         "#88fd00000000 #03e8 "
         "#6161616161616161616161616161616161616161616161616161616161616161616161616161"
         "6161616161616161616161616161616161616161616161616161616161616161616161616161"
         "6161616161616161616161616161616161616161616161616161616161616161616161616161"
         "616161616161616161",
         "", CLOSED + 1000, 0},
        {"after messages", "T:a T:b X=03e9", "T:a T:b", CLOSED + 1001, 0},
        {"messages after it", "T:a X=03e8 T:b", "T:a", CLOSED + 1000, 0},
        {"garbage after it", "X=03e8 #ffffffff", "", CLOSED + 1000, 0},
        {"a second one", "X=03e8 X=03e9", "", CLOSED + 1000, 0},
        {"half a status", "X=03", "", 1002, 0},
        {"a reason that is not UTF-8", "X=03e8ff", "", 1007, 0},
        {"a reason that ends inside a character", "X=03e8e282", "", 1007, 0},
        {"half a close frame", "#888237fa213d34", "", PARTIAL, 0},
    };

    (void)state;
    check_cases(tests, COUNT_OF(tests), 1000);
}

static void every_status(void **state)
{
    static const struct {
        unsigned from, to;
        bool is_valid;
    } ranges[] = {
        {0, 0, false},       {999, 999, false},   {1000, 1003, true},    {1004, 1006, false},
        {1007, 1014, true},  {1015, 1016, false}, {1100, 1100, false},   {2000, 2000, false},
        {2999, 2999, false}, {3000, 3000, true},  {3999, 3999, true},    {4000, 4000, true},
        {4999, 4999, true},  {5000, 5000, false}, {65535, 65535, false},
    };
    const struct weir_codec *codec = message_mode(1000);
    char words[16], name[32];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        for (unsigned status = ranges[i].from; status <= ranges[i].to; status++) {
            snprintf(words, sizeof words, "X=%04x", status);
            snprintf(name, sizeof name, "status %u", status);
            struct test_case test = {name, words, "",
                                     ranges[i].is_valid ? CLOSED + (int)status : 1002, 0};
            check_case(codec, &test);
        }
}

/* Texts that are valid UTF-8, and the shortest invalid ones. */
static void texts(void **state)
{
    static const struct {
        const char *hex;
        bool is_valid;
    } tests[] = {
        {"00", true},
        {"7f", true},
        {"c280", true},
        {"dfbf", true},
        {"e0a080", true},
        {"ed9fbf", true},
        {"ee8080", true},
        {"efbfbf", true},
        {"efbfbe", true},
        {"f0908080", true},
        {"f48fbfbf", true},
        {"cebae1bdb9cf83cebcceb5", true},
        {"e282ac", true},
        {"f09f9880", true},
        {"6162636465666768c3a9", true},
        {"80", false},
        {"bf", false},
        {"c0", false},
        {"c080", false},
        {"c1bf", false},
        {"c2", false},
        {"c27f", false},
        {"c2c0", false},
        {"df", false},
        {"e0", false},
        {"e080", false},
        {"e09fbf", false},
        {"e0a0", false},
        {"e1", false},
        {"e180", false},
        {"e18041", false},
        {"eda080", false},
        {"edbfbf", false},
        {"ed", false},
        {"f0", false},
        {"f080", false},
        {"f08fbfbf", false},
        {"f09080", false},
        {"f09080c0", false},
        {"f4908080", false},
        {"f5808080", false},
        {"f880808080", false},
        {"fc8080808080", false},
        {"fe", false},
        {"ff", false},
        {"61ff", false},
        {"6162636465666768ff", false},
        {"61626364656667c3", false},
        {"cebae1bdb9cf83cebcceb5eda080656469746564", false},
    };
    const struct weir_codec *codec = message_mode(1000);
    char whole[64], binary[64], split[96], message[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        int end = tests[i].is_valid ? OPEN : 1007;
        snprintf(whole, sizeof whole, "T=%s", tests[i].hex);
        snprintf(binary, sizeof binary, "B=%s", tests[i].hex);
        struct test_case test = {whole, whole, tests[i].is_valid ? whole : "", end, 0};
        check_case(codec, &test);
        test = (struct test_case){binary, binary, binary, OPEN, 0};
        check_case(codec, &test);
        snprintf(message, sizeof message, "T=%s", tests[i].hex);
        snprintf(split, sizeof split, "t=%.2s P:x C=%s", tests[i].hex, tests[i].hex + 2);
        stream.length = frames.length = 0;
        add_frames(&stream, split, true);
        if (tests[i].is_valid) add_frames(&frames, message, false);
        static struct outcome outcome;
        decode(codec, &stream, SIZE_MAX, SIZE_MAX, false, &outcome);
        assert_outcome(split, 0, &outcome, &frames, end, outcome.pong);
        cases_count++;
    }
}

static void limits(void **state)
{
    static const struct test_case tests[] = {
        {"just the limit", "T*100", "T*100", OPEN, 0},
        {"one more", "T*101", "", 1009, 0},
        {"after a message", "T:a T*101", "T:a", 1009, 0},
        {"far more", "#82ff7fffffffffffffff00000000", "", 1009, 0},
        {"fragments, just the limit", "t*50 C*50", "T*100", OPEN, 0},
        {"fragments, one more", "t*50 C*51", "", 1009, 0},
        {"fragments, one more, not final", "t*50 c*51", "", 1009, 0},
        {"the first fragment", "t*101", "", 1009, 0},
        {"many fragments", "t*50 c*25 c*25 c C*1", "", 1009, 0},
        {"each message counts for itself", "T*100 T*100 t*100 C", "T*100 T*100 T*100", OPEN, 0},
        {"pings do not count", "t*100 P*125 C", "T*100", OPEN,
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };

    (void)state;
    check_cases(tests, COUNT_OF(tests), 100);
}

/* ---- what belongs to the session ---- */

static void the_end_of_the_stream(void **state)
{
    static const struct test_case tests[] = {
        {"between messages", "T:a", "T:a", OPEN, 0},
        {"nothing at all", "", "", OPEN, 0},
        {"inside a header", "T:a #81", "T:a", 1002, 0},
        {"inside a payload", "#818537fa213d7f9f", "", 1002, 0},
        {"inside a fragmented message", "t:a", "", 1002, 0},
        {"inside a ping", "#898537fa213d7f", "", 1002, 0},
        {"after a close", "T:a X=03e8", "T:a", CLOSED + 1000, 0},
    };
    const struct weir_codec *codec = message_mode(1000);
    static struct outcome outcome;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        stream.length = frames.length = 0;
        add_frames(&stream, tests[i].stream, true);
        add_frames(&frames, tests[i].messages, false);
        decode(codec, &stream, SIZE_MAX, SIZE_MAX, true, &outcome);
        assert_outcome(tests[i].name, 0, &outcome, &frames, tests[i].end, "-");
    }
}

/* Adjacent server frames leave without a copy: borrowed_run_extend() takes them. */
static void whole_messages_are_adjacent_in_the_input(void **state)
{
    const struct weir_codec *codec = message_mode(100000);
    static const char words[] = "T:one B*300 P:x T:two B T*126";
    void *memory = calloc(1, codec->state_bytes);
    struct weir_message message;
    struct weir_decode_error decode_error;
    const uint8_t *behind = NULL;
    int count = 0;

    (void)state;
    stream.length = 0;
    add_frames(&stream, words, true);
    struct weir_input input = {stream.bytes, stream.length, false};
    while (codec->decode(codec, memory, &input, &message, &decode_error) == WEIR_DECODED_MESSAGE) {
        assert_true(message.frame >= stream.bytes &&
                    message.frame + message.frame_length <= stream.bytes + stream.length);
        if (behind) assert_ptr_equal(message.frame, behind);
        behind = message.frame + message.frame_length;
        assert_int_equal(message.header_length, message.bytes - message.frame);
        count++;
    }
    assert_int_equal(count, 5);
    codec->release(codec, memory);
    free(memory);
}

/* Collected bytes cost at most twice their number, and a delivered message is freed. */
static void a_collected_message_needs_little_memory(void **state)
{
    const struct weir_codec *codec = message_mode(100000);
    struct websocket_state *memory = calloc(1, codec->state_bytes);
    static struct outcome outcome;

    (void)state;
    stream.length = 0;
    add_frames(&stream, "b*5000 C*3000", true);
    outcome.frames.length = outcome.count = 0;
    for (size_t at = 0; at < stream.length; at += 7) {
        size_t count = stream.length - at < 7 ? stream.length - at : 7;
        assert_int_equal(feed(codec, memory, stream.bytes + at, count, false, &outcome),
                         WEIR_DECODED_MORE);
        assert_true(memory->held_capacity <=
                    2 * (memory->held_length + WEBSOCKET_SERVER_HEADER_BYTES_MAX));
    }
    assert_int_equal(outcome.count, 1);
    assert_null(memory->held);
    codec->release(codec, memory);
    free(memory);
}

static void no_memory_for_a_message_ends_the_session(void **state)
{
    const struct weir_codec *codec = message_mode(100000);
    static struct outcome outcome;

    (void)state;
    stream.length = 0;
    add_frames(&stream, "b*500 C*3000", true);
    for (uint64_t nth = 1; nth < 3; nth++) {
        memory_fail_nth(nth, 0);
        decode(codec, &stream, SIZE_MAX, SIZE_MAX, false, &outcome);
        memory_fail_nth(0, 0);
        assert_int_equal(outcome.end, WEBSOCKET_STATUS_INTERNAL);
        assert_string_equal(outcome.text, "WebSocket: out of memory for a message");
    }
}

static void close_frames(void **state)
{
    struct websocket_state memory = {.left = 0};
    uint8_t frame[WEBSOCKET_CONTROL_FRAME_BYTES_MAX];

    (void)state;
    assert_int_equal(websocket_codec_close(&memory, WEBSOCKET_STATUS_GOING_AWAY, "drain", frame),
                     9);
    assert_memory_equal(frame,
                        "\x88\x07\x03\xe9"
                        "drain",
                        9);
    memory.is_closed = true;
    memory.peer_status = 4000;
    assert_int_equal(websocket_codec_close(&memory, WEBSOCKET_STATUS_NORMAL, "done", frame), 4);
    assert_memory_equal(frame, "\x88\x02\x0f\xa0", 4);
    memory.peer_status = WEBSOCKET_STATUS_NONE;
    assert_int_equal(websocket_codec_close(&memory, WEBSOCKET_STATUS_NORMAL, "done", frame), 2);
    assert_memory_equal(frame, "\x88\x00", 2);
    memory.fail_status = WEBSOCKET_STATUS_TEXT;
    assert_int_equal(websocket_codec_close(&memory, WEBSOCKET_STATUS_PROTOCOL, "", frame), 4);
    assert_memory_equal(frame, "\x88\x02\x03\xef", 4);
}

/* ---- outgoing messages ---- */

static void assert_encoded(const char *text, size_t length, enum weir_code code, const char *words)
{
    static uint8_t frame[BYTES_MAX];
    size_t frame_length = 0;

    assert_int_equal(
        weir_codec_encode(&websocket.codec, text, length, frame, sizeof frame, &frame_length),
        code);
    if (code != WEIR_OK) return;
    frames.length = 0;
    add_frames(&frames, words, false);
    assert_int_equal(frame_length, frames.length);
    assert_memory_equal(frame, frames.bytes, frame_length);
}

static void messages_are_framed(void **state)
{
    static char many[70000];

    (void)state;
    memset(many, 'a', sizeof many);
    message_mode(70000);
    assert_encoded("", 0, WEIR_OK, "T");
    assert_encoded("hello", 5, WEIR_OK, "T:hello");
    assert_encoded(many, 125, WEIR_OK, "T*125");
    assert_encoded(many, 126, WEIR_OK, "T*126");
    assert_encoded(many, 65535, WEIR_OK, "T*65535");
    assert_encoded(many, 65536, WEIR_OK, "T*65536");
    assert_encoded("\xff", 1, WEIR_INVALID, "");
    assert_encoded("a\xe2\x82", 3, WEIR_INVALID, "");
    websocket_codec_init(&websocket, NULL, 100, WEBSOCKET_SEND_BINARY);
    assert_encoded("\xff", 1, WEIR_OK, "B=ff");
    assert_encoded(many, 101, WEIR_TOO_LARGE, "");
}

/* ---- stream mode ---- */

static struct weir_frame *inner;

static const struct weir_codec *stream_mode(const char *spec, enum websocket_send send)
{
    weir_frame_free(inner);
    assert_int_equal(weir_frame_open(spec, &inner, NULL), WEIR_OK);
    websocket_codec_init(&websocket, weir_frame_codec(inner), 1000, send);
    return &websocket.codec;
}

/* Checks a stream with an inner codec: `messages` are the inner frames, one after the other. */
static void check_inner(const char *words, const char *messages, int end, const char *pong)
{
    stream.length = frames.length = 0;
    add_frames(&stream, words, true);
    add(&frames, messages, strlen(messages));
    check_stream(&websocket.codec, words, &stream, &frames, end, pong);
}

static void payloads_are_a_stream(void **state)
{
    (void)state;
    stream_mode("line:delimiter=;,max=10", WEBSOCKET_SEND_SAME);
    check_inner("B:a;", "a;", OPEN, "-");
    check_inner("B:a;b;c;", "a;b;c;", OPEN, "-");
    check_inner("B:a;b B:b; B:c;", "a;bb;c;", OPEN, "-");
    check_inner("T:a;b T:b; B:c;", "a;bb;c;", OPEN, "-");
    check_inner("b:a;b c:b; C:c;d", "a;bb;c;", PARTIAL, "-");
    check_inner("B:a B B:b B B:;", "ab;", OPEN, "-");
    check_inner("B:a P:x B:b; P:y", "ab;", OPEN, "y");
    check_inner("b:a P:x C:b;", "ab;", OPEN, "x");
    check_inner("B:a", "", PARTIAL, "-");
    check_inner("B:a; #82", "a;", PARTIAL, "-");
    check_inner("B:a; #828537fa213d", "a;", OPEN, "-");
    check_inner("B:a;b; X=03e8 B:c;", "a;b;", CLOSED + 1000, "-");
    check_inner("B:a;0123456789ab;", "a;", 1002, "-");
    check_inner("B:a; C:b;", "a;", 1002, "-");
    check_inner("b:a; B:b;", "a;", 1002, "-");
    check_inner("T:a; T=623bff633b", "a;b;", 1007, "-");
    check_inner("T:a; T=623be282", "a;b;", 1007, "-");
    check_inner("t:a; c=e2 C=82ac3b", "a;\xe2\x82\xac;", OPEN, "-");
    stream_mode("line:delimiter=;", WEBSOCKET_SEND_SAME);
    check_inner("B*70000", "", PARTIAL, "-");
    stream_mode("raw", WEBSOCKET_SEND_SAME);
    check_inner("B:a B:bc", "abc", OPEN, "-");
}

static void the_inner_codec_ends_with_the_stream(void **state)
{
    const struct weir_codec *codec = stream_mode("line", WEBSOCKET_SEND_SAME);
    static struct outcome outcome;

    (void)state;
    stream.length = 0;
    add_frames(&stream, "B:last", true);
    decode(codec, &stream, SIZE_MAX, SIZE_MAX, true, &outcome);
    assert_int_equal(outcome.count, 1); /* a last line without its delimiter */
    assert_int_equal(outcome.end, OPEN);
    add_frames(&stream, "X=03e8", true);
    decode(codec, &stream, 3, SIZE_MAX, true, &outcome);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.end, CLOSED + 1000);
    codec = stream_mode("u32be", WEBSOCKET_SEND_SAME);
    decode(codec, &stream, SIZE_MAX, SIZE_MAX, true, &outcome);
    assert_int_equal(outcome.end, WEBSOCKET_STATUS_PROTOCOL);
}

/* Weir calls a codec without input when a session must stop, while the rest of its buffer waits. */
static void a_call_without_input_changes_nothing(void **state)
{
    const struct weir_codec *codec = stream_mode("line:delimiter=;", WEBSOCKET_SEND_SAME);
    void *memory = calloc(1, codec->state_bytes);
    struct weir_message message;
    struct weir_decode_error decode_error;
    char text[20] = "";

    (void)state;
    stream.length = 0;
    add_frames(&stream, "B:a;b;c; T:d;", true);
    struct weir_input input = {stream.bytes, stream.length, false};
    while (codec->decode(codec, memory, &input, &message, &decode_error) == WEIR_DECODED_MESSAGE) {
        strncat(text, (const char *)message.bytes, message.length);
        struct weir_input none = {input.bytes, 0, false};
        assert_int_equal(codec->decode(codec, memory, &none, &message, &decode_error),
                         WEIR_DECODED_MORE);
    }
    assert_string_equal(text, "abcd");
    codec->release(codec, memory);
    free(memory);
}

/* The same call finds that a text has ended inside a character: the next call says so again. */
static void a_rejection_without_input_is_not_forgotten(void **state)
{
    const struct weir_codec *codec = stream_mode("raw", WEBSOCKET_SEND_SAME);
    void *memory = calloc(1, codec->state_bytes);
    struct weir_message message;
    struct weir_decode_error decode_error;

    (void)state;
    stream.length = 0;
    add_frames(&stream, "T=e282 B:x", true);
    struct weir_input input = {stream.bytes, stream.length, false};
    assert_int_equal(codec->decode(codec, memory, &input, &message, &decode_error),
                     WEIR_DECODED_MESSAGE);
    struct weir_input none = {input.bytes, 0, false};
    assert_int_equal(codec->decode(codec, memory, &none, &message, &decode_error),
                     WEIR_DECODED_BAD);
    assert_int_equal(codec->decode(codec, memory, &input, &message, &decode_error),
                     WEIR_DECODED_BAD);
    assert_int_equal(((struct websocket_state *)memory)->fail_status, WEBSOCKET_STATUS_TEXT);
    codec->release(codec, memory);
    free(memory);
}

static void inner_frames_are_framed(void **state)
{
    (void)state;
    stream_mode("line", WEBSOCKET_SEND_SAME);
    assert_encoded("hello", 5, WEIR_OK, "B=68656c6c6f0a");
    assert_encoded("a\nb", 3, WEIR_INVALID, "");
    stream_mode("line", WEBSOCKET_SEND_TEXT);
    assert_encoded("hello", 5, WEIR_OK, "T=68656c6c6f0a");
    assert_encoded("\xff", 1, WEIR_INVALID, "");
    stream_mode("u8", WEBSOCKET_SEND_TEXT);
    assert_encoded("a", 1, WEIR_OK, "T=0161");
    static const char many[200] = "";
    assert_encoded(many, sizeof many, WEIR_INVALID, ""); /* the length is no character */
    assert_encoded(many, 128, WEIR_INVALID, "");
    stream_mode("line:delimiter=\\xff", WEBSOCKET_SEND_TEXT);
    assert_encoded("a", 1, WEIR_INVALID, "");
    stream_mode("u32be", WEBSOCKET_SEND_SAME);
    assert_encoded("", 0, WEIR_OK, "B=00000000");
    assert_encoded("hello", 5, WEIR_OK, "B=0000000568656c6c6f");
    stream_mode("u32be", WEBSOCKET_SEND_TEXT);
    assert_encoded("hello", 5, WEIR_OK, "T=0000000568656c6c6f");
    stream_mode("raw", WEBSOCKET_SEND_SAME);
    assert_encoded("hello", 5, WEIR_OK, "B:hello");
    assert_encoded("", 0, WEIR_OK, "");
    stream_mode("length:width=4,header=60", WEBSOCKET_SEND_SAME);
    assert_encoded("hello", 5, WEIR_OK,
                   "B=00000005"
                   "00000000000000000000000000000000000000000000000000000000"
                   "00000000000000000000000000000000000000000000000000000000"
                   "68656c6c6f");
    stream_mode("length:width=4,header=63", WEBSOCKET_SEND_SAME);
    assert_encoded("hello", 5, WEIR_TOO_LARGE, "");
}

static void an_inner_frame_is_sent_back_as_it_came(void **state)
{
    const struct weir_codec *codec = stream_mode("line", WEBSOCKET_SEND_SAME);
    const struct weir_message message = {(const uint8_t *)"hello", 5, (const uint8_t *)"hello\r\n",
                                         7, 0};
    struct weir_framing framing = {.header_length = 0};

    (void)state;
    assert_int_equal(codec->encode_back(codec, &message, &framing), WEIR_OK);
    assert_int_equal(framing.header_length, 2);
    assert_memory_equal(framing.header, "\x82\x07", 2);
    assert_int_equal(framing.skip + framing.trailer_length, 0);
}

static enum weir_code encode_back(const struct weir_codec *codec,
                                  const struct weir_message *message, struct weir_framing *framing)
{
    (void)codec;
    if (message->length == 0) return WEIR_INVALID;
    framing->skip = 2;
    framing->header[0] = '>';
    framing->header_length = 1;
    framing->trailer[0] = '<';
    framing->trailer_length = 1;
    return WEIR_OK;
}

static void an_inner_codec_frames_what_is_sent_back(void **state)
{
    const struct weir_codec custom = {
        .size = sizeof custom, .name = "custom", .streams = true, .encode_back = encode_back};
    struct weir_message message = {(const uint8_t *)"12abc" + 2, 3, (const uint8_t *)"12abc", 5, 2};
    struct weir_framing framing = {.header_length = 0};

    (void)state;
    websocket_codec_init(&websocket, &custom, 1000, WEBSOCKET_SEND_TEXT);
    assert_int_equal(websocket.codec.encode_back(&websocket.codec, &message, &framing), WEIR_OK);
    assert_int_equal(framing.header_length, 3);
    assert_memory_equal(framing.header, "\x81\x05>", 3);
    assert_int_equal(framing.skip, 2);
    assert_int_equal(framing.trailer_length, 1);
    message.length = 0;
    assert_int_equal(websocket.codec.encode_back(&websocket.codec, &message, &framing),
                     WEIR_INVALID);
}

static void there_are_about_300_cases(void **state)
{
    (void)state;
    weir_frame_free(inner);
    inner = NULL;
    assert_true(cases_count >= 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing),
        cmocka_unit_test(headers_that_are_wrong),
        cmocka_unit_test(every_first_byte),
        cmocka_unit_test(fragments),
        cmocka_unit_test(pings),
        cmocka_unit_test(closing),
        cmocka_unit_test(every_status),
        cmocka_unit_test(texts),
        cmocka_unit_test(limits),
        cmocka_unit_test(the_end_of_the_stream),
        cmocka_unit_test(whole_messages_are_adjacent_in_the_input),
        cmocka_unit_test(a_collected_message_needs_little_memory),
        cmocka_unit_test(no_memory_for_a_message_ends_the_session),
        cmocka_unit_test(close_frames),
        cmocka_unit_test(messages_are_framed),
        cmocka_unit_test(payloads_are_a_stream),
        cmocka_unit_test(the_inner_codec_ends_with_the_stream),
        cmocka_unit_test(a_call_without_input_changes_nothing),
        cmocka_unit_test(a_rejection_without_input_is_not_forgotten),
        cmocka_unit_test(inner_frames_are_framed),
        cmocka_unit_test(an_inner_frame_is_sent_back_as_it_came),
        cmocka_unit_test(an_inner_codec_frames_what_is_sent_back),
        cmocka_unit_test(there_are_about_300_cases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
