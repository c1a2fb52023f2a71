/* SPDX-License-Identifier: MIT */
/* websocket_head.c - parses the request head of a WebSocket, and writes the answer. */
#include "websocket_head.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "websocket_check.h"
#include "websocket_key.h"

#define WEBSOCKET_HEAD__TEXT_BYTES_MAX (2 * WEBSOCKET_HEAD_BYTES_MAX)
#define WEBSOCKET_HEAD__FIRST_BYTES 512u

/* How the values of several lines with the same name are joined; null: there can be only one. */
static const struct {
    const char *name, *separator;
} websocket_head__fields[WEBSOCKET_HEAD_FIELDS_COUNT] = {
    [WEBSOCKET_HEAD_URL] = {"", NULL}, /* no line has this name */
    [WEBSOCKET_HEAD_HOST] = {"host", NULL},
    [WEBSOCKET_HEAD_ORIGIN] = {"origin", NULL},
    [WEBSOCKET_HEAD_CONNECTION] = {"connection", ", "},
    [WEBSOCKET_HEAD_UPGRADE] = {"upgrade", ", "},
    [WEBSOCKET_HEAD_KEY] = {"sec-websocket-key", NULL},
    [WEBSOCKET_HEAD_VERSION] = {"sec-websocket-version", NULL},
    [WEBSOCKET_HEAD_PROTOCOL] = {"sec-websocket-protocol", ", "},
    [WEBSOCKET_HEAD_COOKIE] = {"cookie", "; "},
    [WEBSOCKET_HEAD_AUTHORIZATION] = {"authorization", NULL},
};

static int websocket_head__refuse(struct websocket_head *head, uint32_t status, const char *why)
{
    head->status = status;
    head->why = why;
    return HPE_USER;
}

/* ---- values ---- */

static bool websocket_head__grow(struct websocket_head *head, uint32_t needed)
{
    uint32_t capacity = head->text_capacity;

    if (needed <= capacity) return true;
    if (capacity == 0) capacity = WEBSOCKET_HEAD__FIRST_BYTES;
    while (capacity < needed) capacity *= 2;
    char *text = memory_alloc(capacity);
    if (!text) return false;
    if (head->text) memcpy(text, head->text, head->text_length);
    memory_free(head->text);
    head->text = text;
    head->text_capacity = capacity;
    return true;
}

/* Appends bytes to the current value, and a NUL that is not counted. */
static int websocket_head__append(struct websocket_head *head, const char *bytes, size_t length)
{
    if (head->text_length + length >= WEBSOCKET_HEAD__TEXT_BYTES_MAX)
        return websocket_head__refuse(head, 431, "the request head is too large");
    if (!websocket_head__grow(head, head->text_length + (uint32_t)length + 1))
        return websocket_head__refuse(head, 503, "out of memory for a request head");
    memcpy(head->text + head->text_length, bytes, length);
    head->text_length += (uint32_t)length;
    head->text[head->text_length] = '\0';
    return HPE_OK;
}

/* Copies an earlier value of the field to the end of the text. */
static int websocket_head__copy_value(struct websocket_head *head, uint32_t before)
{
    /* Growing moves the text, so that it must not be the source: there is room first. */
    size_t length = strlen(head->text + before - 1);
    if (!websocket_head__grow(head, head->text_length + (uint32_t)length + 1))
        return websocket_head__refuse(head, 503, "out of memory for a request head");
    return websocket_head__append(head, head->text + before - 1, length);
}

/* Begins the value of a field; that of an earlier line of the same name goes before it. */
static int websocket_head__begin_value(struct websocket_head *head, uint8_t field)
{
    uint32_t before = head->values[field];
    const char *separator = websocket_head__fields[field].separator;

    if (before > 0 && !separator)
        return websocket_head__refuse(head, 400, "a header line that must be unique is repeated");
    if (before > 0 && before == head->last_value) /* no other value is behind it */
        return websocket_head__append(head, separator, 2);
    if (head->text_length > 0) head->text_length++; /* keeps the NUL of the last value */
    head->values[field] = head->last_value = head->text_length + 1;
    if (before == 0) return websocket_head__append(head, "", 0);
    int result = websocket_head__copy_value(head, before);
    return result != HPE_OK ? result : websocket_head__append(head, separator, 2);
}

/* ---- callbacks of llhttp ---- */

static int websocket_head__on_begin(llhttp_t *parser)
{
    struct websocket_head *head = parser->data;

    return websocket_head__begin_value(head, WEBSOCKET_HEAD_URL);
}

static int websocket_head__on_url(llhttp_t *parser, const char *bytes, size_t length)
{
    return websocket_head__append(parser->data, bytes, length);
}

static int websocket_head__on_name(llhttp_t *parser, const char *bytes, size_t length)
{
    struct websocket_head *head = parser->data;

    for (size_t i = 0; i < length && head->name_length < sizeof head->name; i++) {
        char byte = bytes[i];
        if (byte >= 'A' && byte <= 'Z') byte = (char)(byte - 'A' + 'a');
        head->name[head->name_length++] = byte;
    }
    return HPE_OK;
}

static int websocket_head__on_name_end(llhttp_t *parser)
{
    struct websocket_head *head = parser->data;

    head->field = WEBSOCKET_HEAD_FIELDS_COUNT;
    for (uint8_t i = WEBSOCKET_HEAD_HOST; i < WEBSOCKET_HEAD_FIELDS_COUNT; i++)
        if (strlen(websocket_head__fields[i].name) == head->name_length &&
            memcmp(websocket_head__fields[i].name, head->name, head->name_length) == 0)
            head->field = i;
    head->name_length = 0;
    head->value_has_ended = false;
    if (++head->lines_count > WEBSOCKET_HEAD_LINES_MAX)
        return websocket_head__refuse(head, 431, "the request head has too many lines");
    if (head->field == WEBSOCKET_HEAD_FIELDS_COUNT) return HPE_OK;
    return websocket_head__begin_value(head, head->field);
}

static int websocket_head__on_value(llhttp_t *parser, const char *bytes, size_t length)
{
    struct websocket_head *head = parser->data;

    if (head->value_has_ended) return websocket_head__refuse(head, 400, "a header line is folded");
    /* A part that stops before the end of the input is the last one of its line. */
    head->value_has_ended = bytes + length < head->input_end;
    if (head->field == WEBSOCKET_HEAD_FIELDS_COUNT) return HPE_OK;
    return websocket_head__append(head, bytes, length);
}

/* Removes the blanks behind a value: they do not belong to it (RFC 9110, section 5.5). The NUL of
 * the value before it ends the loop. */
static int websocket_head__on_value_end(llhttp_t *parser)
{
    struct websocket_head *head = parser->data;

    if (head->field == WEBSOCKET_HEAD_FIELDS_COUNT) return HPE_OK;
    while (head->text[head->text_length - 1] == ' ' || head->text[head->text_length - 1] == '\t')
        head->text[--head->text_length] = '\0';
    return HPE_OK;
}

static int websocket_head__on_end(llhttp_t *parser)
{
    (void)parser;
    return 2; /* no body is read, and llhttp_execute() stops here */
}

static const llhttp_settings_t websocket_head__callbacks = {
    .on_message_begin = websocket_head__on_begin,
    .on_url = websocket_head__on_url,
    .on_header_field = websocket_head__on_name,
    .on_header_field_complete = websocket_head__on_name_end,
    .on_header_value = websocket_head__on_value,
    .on_header_value_complete = websocket_head__on_value_end,
    .on_headers_complete = websocket_head__on_end,
};

/* ---- answers ---- */

static const char *websocket_head__phrase(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *phrase;
    } phrases[] = {
        {400, "Bad Request"},         {403, "Forbidden"},
        {404, "Not Found"},           {405, "Method Not Allowed"},
        {426, "Upgrade Required"},    {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"}, {505, "HTTP Version Not Supported"},
    };
    size_t at = 0;

    while (phrases[at].status != status) {
        at++;
        weir_check(at < weir_count_of(phrases));
    }
    return phrases[at].phrase;
}

static size_t websocket_head__answer_open(const struct websocket_head *head, char *answer)
{
    char accept[WEBSOCKET_ACCEPT_LENGTH + 1];
    int length;

    websocket_key_accept(websocket_head_value(head, WEBSOCKET_HEAD_KEY), accept);
    length = snprintf(answer, WEBSOCKET_HEAD_ANSWER_BYTES_MAX,
                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
                      accept, head->subprotocol ? "Sec-WebSocket-Protocol: " : "",
                      head->subprotocol ? head->subprotocol : "", head->subprotocol ? "\r\n" : "");
    weir_check((size_t)length < WEBSOCKET_HEAD_ANSWER_BYTES_MAX);
    return (size_t)length;
}

/* Only the head: the page follows it. */
static size_t websocket_head__answer_web_page(const struct websocket_head *head, char *answer)
{
    int length = snprintf(answer, WEBSOCKET_HEAD_ANSWER_BYTES_MAX,
                          "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-cache\r\n"
                          "Content-Type: text/html; charset=utf-8\r\n"
                          "X-Content-Type-Options: nosniff\r\n"
                          "Content-Security-Policy: frame-ancestors 'self'\r\n"
                          "Content-Length: %zu\r\n\r\n",
                          head->settings->web_page_length);

    weir_check((size_t)length < WEBSOCKET_HEAD_ANSWER_BYTES_MAX);
    return (size_t)length;
}

static size_t websocket_head__answer_refused(const struct websocket_head *head, char *answer)
{
    const char *more = "";

    if (head->status == 405)
        more = head->settings->web_page ? "Allow: GET, HEAD\r\n" : "Allow: GET\r\n";
    if (head->status == 426) more = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    int length = snprintf(
        answer, WEBSOCKET_HEAD_ANSWER_BYTES_MAX,
        "HTTP/1.1 %u %s\r\nConnection: %sclose\r\n%sContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: %zu\r\n\r\n%s%s",
        (unsigned)head->status, websocket_head__phrase(head->status),
        head->status == 426 ? "Upgrade, " : "", more, strlen(head->why) + 1,
        websocket_head_is_head(head) ? "" : head->why, websocket_head_is_head(head) ? "" : "\n");

    weir_check((size_t)length < WEBSOCKET_HEAD_ANSWER_BYTES_MAX);
    return (size_t)length;
}

/* ---- parsing ---- */

void websocket_head_open(struct websocket_head *head,
                         const struct websocket_head_settings *settings)
{
    *head = (struct websocket_head){.settings = settings};
    llhttp_init(&head->parser, HTTP_REQUEST, &websocket_head__callbacks);
    head->parser.data = head;
}

void websocket_head_close(struct websocket_head *head)
{
    memory_free(head->text);
    head->text = NULL;
    head->text_length = head->text_capacity = 0;
    memset(head->values, 0, sizeof head->values);
}

bool websocket_head_is_head(const struct websocket_head *head)
{
    return head->parser.method == HTTP_HEAD;
}

/* Parses input. Returns true if the head is complete, or was refused. */
static bool websocket_head__parse(struct websocket_head *head, const uint8_t **in,
                                  size_t *in_length)
{
    size_t length = WEBSOCKET_HEAD_BYTES_MAX - head->bytes_count;
    const char *text = (const char *)*in;

    if (length > *in_length) length = *in_length;
    head->input_end = text + length;
    llhttp_errno_t parsed = llhttp_execute(&head->parser, text, length);
    if (parsed == HPE_PAUSED_UPGRADE) length = (size_t)(llhttp_get_error_pos(&head->parser) - text);
    *in += length;
    *in_length -= length;
    head->bytes_count += (uint32_t)length;
    if (parsed == HPE_PAUSED_UPGRADE) return true;
    if (parsed == HPE_OK) {
        if (head->bytes_count < WEBSOCKET_HEAD_BYTES_MAX) return false;
        websocket_head__refuse(head, 431, "the request head is too large");
    } else if (head->status == 0) {
        websocket_head__refuse(head, 400, "this is not an HTTP request");
    }
    return true;
}

enum websocket_head_result websocket_head_feed(struct websocket_head *head, const uint8_t **in,
                                               size_t *in_length,
                                               char answer[WEBSOCKET_HEAD_ANSWER_BYTES_MAX],
                                               size_t *answer_length)
{
    weir_check(head->status == 0);
    if (*in_length == 0 || !websocket_head__parse(head, in, in_length)) return WEBSOCKET_HEAD_MORE;
    if (head->status == 0) head->status = websocket_check(head);
    if (head->status == 101) {
        *answer_length = websocket_head__answer_open(head, answer);
        return WEBSOCKET_HEAD_ACCEPTED;
    }
    if (head->status == 200) {
        *answer_length = websocket_head__answer_web_page(head, answer);
        return WEBSOCKET_HEAD_WEB_PAGE;
    }
    *answer_length = websocket_head__answer_refused(head, answer);
    return WEBSOCKET_HEAD_REFUSED;
}
