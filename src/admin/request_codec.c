/* SPDX-License-Identifier: MIT */
/* request_codec.c - parses request heads by llhttp. The server's frame_timeout_ms limits the time
 * for one head, because an incomplete head is an incomplete frame.
 *
 *      bytes -> llhttp -> values in `text`, one after the other, each with a NUL -> struct request
 */
#include "request_codec.h"

#include <llhttp.h>
#include <string.h>

#include "request.h"

/* Every byte of a head is stored at most once, and a NUL per value replaces at least one byte that
 * is not stored (the blank after the target, the colon after a name). */
#define REQUEST_CODEC__TEXT_BYTES (REQUEST_CODEC_HEAD_BYTES_MAX + REQUEST_FIELDS_COUNT + 2)
#define REQUEST_CODEC__NAME_BYTES 32u /* longer than every name in the table */

struct request_codec__state {
    llhttp_t parser;
    struct request request;
    uint32_t bytes_count; /* of the present head; 0: none has arrived */
    uint32_t lines_count;
    uint32_t text_length;
    enum request_field field; /* of the present header line */
    uint32_t name_length;
    const char *input_end;
    bool value_has_ended; /* llhttp has passed the last byte of the present line's value */
    bool has_failed;      /* a head was refused: the rest is discarded */
    char name[REQUEST_CODEC__NAME_BYTES]; /* lower case; cut if it is longer */
    char text[REQUEST_CODEC__TEXT_BYTES];
};

static const struct {
    const char *name;
    bool is_unique; /* a second line is refused; otherwise it is ignored */
} request_codec__fields[REQUEST_FIELDS_COUNT] = {
    [REQUEST_HOST] = {"host", true},
    [REQUEST_AUTHORIZATION] = {"authorization", true},
    [REQUEST_ACCEPT] = {"accept", false},
    [REQUEST_ADMIN] = {"weir-admin", true},
};

static int request_codec__refuse(struct request_codec__state *state, uint32_t status,
                                 const char *why)
{
    state->request.status = status;
    state->request.why = why;
    return HPE_USER;
}

/* ---- callbacks of llhttp ---- */

static void request_codec__append(struct request_codec__state *state, const char *bytes,
                                  size_t length)
{
    memcpy(state->text + state->text_length, bytes, length);
    state->text_length += (uint32_t)length;
    state->text[state->text_length] = '\0';
}

static int request_codec__on_url(llhttp_t *parser, const char *bytes, size_t length)
{
    struct request_codec__state *state = parser->data;

    request_codec__append(state, bytes, length);
    state->request.target = state->text;
    return HPE_OK;
}

static int request_codec__on_name(llhttp_t *parser, const char *bytes, size_t length)
{
    struct request_codec__state *state = parser->data;

    for (size_t i = 0; i < length && state->name_length < sizeof state->name; i++) {
        char byte = bytes[i];
        if (byte >= 'A' && byte <= 'Z') byte = (char)(byte - 'A' + 'a');
        state->name[state->name_length++] = byte;
    }
    return HPE_OK;
}

static enum request_field request_codec__find(const struct request_codec__state *state)
{
    for (size_t i = 0; i < REQUEST_FIELDS_COUNT; i++)
        if (strlen(request_codec__fields[i].name) == state->name_length &&
            memcmp(request_codec__fields[i].name, state->name, state->name_length) == 0)
            return (enum request_field)i;
    return REQUEST_FIELDS_COUNT;
}

static int request_codec__on_name_end(llhttp_t *parser)
{
    struct request_codec__state *state = parser->data;
    const char **values = state->request.values;

    state->field = request_codec__find(state);
    state->name_length = 0;
    state->value_has_ended = false;
    if (++state->lines_count > REQUEST_CODEC_LINES_MAX)
        return request_codec__refuse(state, 431, "the request head has too many lines");
    if (state->field == REQUEST_FIELDS_COUNT) return HPE_OK;
    if (values[state->field]) {
        if (request_codec__fields[state->field].is_unique)
            return request_codec__refuse(state, 400,
                                         "a header line that must be unique is repeated");
        state->field = REQUEST_FIELDS_COUNT;
        return HPE_OK;
    }
    state->text_length++; /* keeps the NUL of the value before it */
    values[state->field] = state->text + state->text_length;
    request_codec__append(state, "", 0);
    return HPE_OK;
}

static int request_codec__on_value(llhttp_t *parser, const char *bytes, size_t length)
{
    struct request_codec__state *state = parser->data;

    if (state->value_has_ended) return request_codec__refuse(state, 400, "a header line is folded");
    /* A part that stops before the end of the input is the last one of its line. */
    state->value_has_ended = bytes + length < state->input_end;
    if (state->field != REQUEST_FIELDS_COUNT) request_codec__append(state, bytes, length);
    return HPE_OK;
}

/* Removes the blanks behind a value: they do not belong to it (RFC 9110, section 5.5). The NUL of
 * the value before it ends the loop. */
static int request_codec__on_value_end(llhttp_t *parser)
{
    struct request_codec__state *state = parser->data;
    char *text = state->text;

    if (state->field == REQUEST_FIELDS_COUNT) return HPE_OK;
    while (text[state->text_length - 1] == ' ' || text[state->text_length - 1] == '\t')
        text[--state->text_length] = '\0';
    return HPE_OK;
}

static int request_codec__on_end(llhttp_t *parser)
{
    struct request_codec__state *state = parser->data;

    if (parser->http_major != 1 || parser->http_minor > 1)
        return request_codec__refuse(state, 505, "only HTTP/1.1 and HTTP/1.0 are served");
    if ((parser->flags & (F_CHUNKED | F_TRANSFER_ENCODING)) != 0 || parser->content_length > 0)
        return request_codec__refuse(state, 413, "requests to this server have no body");
    return 2; /* no body is read, and llhttp_execute() stops here */
}

static const llhttp_settings_t request_codec__callbacks = {
    .on_url = request_codec__on_url,
    .on_header_field = request_codec__on_name,
    .on_header_field_complete = request_codec__on_name_end,
    .on_header_value = request_codec__on_value,
    .on_header_value_complete = request_codec__on_value_end,
    .on_headers_complete = request_codec__on_end,
};

/* ---- the codec ---- */

static void request_codec__begin(struct request_codec__state *state)
{
    state->request = (struct request){0};
    state->bytes_count = state->lines_count = state->text_length = state->name_length = 0;
    state->text[0] = '\0';
    llhttp_init(&state->parser, HTTP_REQUEST, &request_codec__callbacks);
    state->parser.data = state;
}

static void request_codec__complete(struct request_codec__state *state)
{
    struct request *request = &state->request;

    request->method = state->parser.method == HTTP_GET    ? REQUEST_GET
                      : state->parser.method == HTTP_HEAD ? REQUEST_HEAD
                      : state->parser.method == HTTP_POST ? REQUEST_POST
                                                          : REQUEST_OTHER;
    request->is_old = state->parser.http_minor == 0;
    request->closes = request->is_old || (state->parser.flags & F_CONNECTION_CLOSE) != 0;
}

/* Parses input. Returns true if the head is complete, or was refused. */
static bool request_codec__parse(struct request_codec__state *state, struct weir_input *input)
{
    size_t length = REQUEST_CODEC_HEAD_BYTES_MAX - state->bytes_count;
    const char *text = (const char *)input->bytes;

    if (length > input->length) length = input->length;
    state->input_end = text + length;
    llhttp_errno_t parsed = llhttp_execute(&state->parser, text, length);
    if (parsed == HPE_PAUSED_UPGRADE)
        length = (size_t)(llhttp_get_error_pos(&state->parser) - text);
    input->bytes += length;
    input->length -= length;
    state->bytes_count += (uint32_t)length;
    if (parsed == HPE_PAUSED_UPGRADE) return true;
    if (parsed == HPE_OK) {
        if (state->bytes_count < REQUEST_CODEC_HEAD_BYTES_MAX) return false;
        request_codec__refuse(state, 431, "the request head is too large");
    } else if (state->request.status == 0) {
        request_codec__refuse(state, 400, "this is not an HTTP request");
    }
    return true;
}

static void request_codec__discard(struct weir_input *input)
{
    input->bytes += input->length;
    input->length = 0;
}

static enum weir_decoded request_codec__decode(const struct weir_codec *codec, void *memory,
                                               struct weir_input *input,
                                               struct weir_message *message,
                                               struct weir_decode_error *decode_error)
{
    struct request_codec__state *state = memory;

    (void)codec;
    (void)decode_error;
    if (state->has_failed) request_codec__discard(input);
    if (input->length == 0) return WEIR_DECODED_MORE;
    if (state->bytes_count == 0) request_codec__begin(state);
    if (!request_codec__parse(state, input)) return WEIR_DECODED_MORE;
    request_codec__complete(state);
    state->has_failed = state->request.status != 0;
    if (state->has_failed) request_codec__discard(input);
    state->bytes_count = 0;
    message->bytes = message->frame = (const uint8_t *)&state->request;
    message->length = message->frame_length = sizeof state->request;
    return WEIR_DECODED_MESSAGE;
}

static size_t request_codec__partial_bytes(const struct weir_codec *codec, const void *memory)
{
    const struct request_codec__state *state = memory;

    (void)codec;
    return state->bytes_count;
}

const struct weir_codec request_codec = {
    .size = sizeof request_codec,
    .name = "admin",
    .summary = "requests to the admin server",
    .streams = true,
    .state_bytes = sizeof(struct request_codec__state),
    .decode = request_codec__decode,
    .partial_bytes = request_codec__partial_bytes,
};
