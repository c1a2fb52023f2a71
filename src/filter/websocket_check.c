/* SPDX-License-Identifier: MIT */
/* websocket_check.c - decides the answer to a parsed request head (RFC 6455, section 4.2.1). */
#include "websocket_check.h"

#include <string.h>

#include "websocket_key.h"

static uint32_t websocket_check__refuse(struct websocket_head *head, uint32_t status,
                                        const char *why)
{
    head->why = why;
    return status;
}

static char websocket_check__lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* Compares two texts of the same length, ignoring the case of ASCII characters. */
static bool websocket_check__alike(const char *one, const char *other, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (websocket_check__lower(one[i]) != websocket_check__lower(other[i])) return false;
    return true;
}

/* Removes the next element of a comma-separated list. Returns its length, without blanks; sets
 * *list to null at the end of the list. */
static size_t websocket_check__next(const char **list, const char **element)
{
    const char *text = *list + strspn(*list, " \t");
    size_t length = strcspn(text, ",");

    *list = text[length] == ',' ? text + length + 1 : NULL;
    *element = text;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
    return length;
}

/* Returns whether the list has the element; `ignores_case` for ASCII characters. */
static bool websocket_check__has(const char *list, const char *wanted, bool ignores_case)
{
    size_t wanted_length = strlen(wanted);

    while (list) {
        const char *element;
        size_t length = websocket_check__next(&list, &element);
        if (length != wanted_length) continue;
        if (memcmp(element, wanted, length) == 0) return true;
        if (ignores_case && websocket_check__alike(element, wanted, length)) return true;
    }
    return false;
}

static bool websocket_check__is_visible(char character)
{
    return (uint8_t)(character - '!') <= '~' - '!';
}

/* Returns whether the list has an element that is no subprotocol name: an HTTP token. */
static bool websocket_check__is_broken(const char *list)
{
    static const char separators[] = "()<>@,;:\\\"/[]?={} \t";

    while (list) {
        const char *element;
        size_t length = websocket_check__next(&list, &element);
        for (size_t i = 0; i < length; i++)
            if (!websocket_check__is_visible(element[i]) || strchr(separators, element[i]))
                return true;
    }
    return false;
}

/* Returns whether a page of this origin comes from the host of the request. Both leave out the port
 * that the scheme implies. */
static bool websocket_check__same_host(const char *origin, const char *host)
{
    static const struct {
        const char *scheme, *port;
    } schemes[] = {{"http://", ":80"}, {"https://", ":443"}};

    for (size_t i = 0; i < 2; i++) {
        size_t scheme_length = strlen(schemes[i].scheme), port_length = strlen(schemes[i].port);
        if (strncmp(origin, schemes[i].scheme, scheme_length) != 0) continue;
        const char *from = origin + scheme_length;
        size_t length = strlen(host);
        if (length > port_length && strcmp(host + length - port_length, schemes[i].port) == 0)
            length -= port_length;
        return strlen(from) == length && length > 0 && websocket_check__alike(from, host, length);
    }
    return false;
}

/* Without Origin the client is no browser: nothing keeps it from sending any origin. */
static bool websocket_check__origin(const struct websocket_head *head)
{
    const struct websocket_head_settings *settings = head->settings;
    const char *origin = websocket_head_value(head, WEBSOCKET_HEAD_ORIGIN);

    if (!origin) return true;
    if (settings->origins_count == 0)
        return websocket_check__same_host(origin, websocket_head_value(head, WEBSOCKET_HEAD_HOST));
    for (size_t i = 0; i < settings->origins_count; i++) {
        const char *allowed = settings->origins[i];
        if (strcmp(allowed, "*") == 0 || strcmp(allowed, origin) == 0) return true;
    }
    return false;
}

/* Returns whether the request is for the listener's path, with any query. */
static bool websocket_check__path(const struct websocket_head *head)
{
    const char *path = head->settings->path;
    const char *url = websocket_head_value(head, WEBSOCKET_HEAD_URL);
    size_t length = strlen(path);

    return strcspn(url, "?") == length && memcmp(url, path, length) == 0;
}

static bool websocket_check__has_body(const struct websocket_head *head)
{
    const llhttp_t *parser = &head->parser;

    return parser->flags & F_TRANSFER_ENCODING ||
           (parser->flags & F_CONTENT_LENGTH && parser->content_length > 0);
}

/* Checks what every request needs, with and without upgrade. Returns 0 if nothing is wrong. */
static uint32_t websocket_check__request(struct websocket_head *head)
{
    const llhttp_t *parser = &head->parser;
    bool is_get = parser->method == HTTP_GET;
    bool is_web_page_head = parser->method == HTTP_HEAD && head->settings->web_page;

    if (parser->http_major != 1 || parser->http_minor != 1)
        return websocket_check__refuse(head, 505, "HTTP/1.1 is needed");
    if (!websocket_check__path(head)) return websocket_check__refuse(head, 404, "not found");
    if (!is_get && !is_web_page_head)
        return websocket_check__refuse(head, 405, "the method must be GET");
    if (websocket_check__has_body(head))
        return websocket_check__refuse(head, 400, "the request must not have a body");
    if (!websocket_head_value(head, WEBSOCKET_HEAD_HOST))
        return websocket_check__refuse(head, 400, "the request has no Host");
    return 0;
}

static bool websocket_check__asks_for_upgrade(const struct websocket_head *head)
{
    return websocket_check__has(websocket_head_value(head, WEBSOCKET_HEAD_UPGRADE), "websocket",
                                true) &&
           websocket_check__has(websocket_head_value(head, WEBSOCKET_HEAD_CONNECTION), "upgrade",
                                true) &&
           head->parser.method == HTTP_GET;
}

/* Checks what only a request for a WebSocket needs. Returns 0 if nothing is wrong. */
static uint32_t websocket_check__upgrade(struct websocket_head *head)
{
    const char *version = websocket_head_value(head, WEBSOCKET_HEAD_VERSION);
    const char *key = websocket_head_value(head, WEBSOCKET_HEAD_KEY);

    if (!version || strcmp(version, "13") != 0)
        return websocket_check__refuse(head, 426, "version 13 of WebSocket is needed");
    if (!key || !websocket_key_is_valid(key))
        return websocket_check__refuse(head, 400, "Sec-WebSocket-Key is not valid");
    if (websocket_check__is_broken(websocket_head_value(head, WEBSOCKET_HEAD_PROTOCOL)))
        return websocket_check__refuse(head, 400, "Sec-WebSocket-Protocol is not valid");
    if (!websocket_check__origin(head))
        return websocket_check__refuse(head, 403, "pages of this origin may not connect");
    return 0;
}

uint32_t websocket_check(struct websocket_head *head)
{
    const struct websocket_head_settings *settings = head->settings;
    const char *offered = websocket_head_value(head, WEBSOCKET_HEAD_PROTOCOL);
    uint32_t status = websocket_check__request(head);

    if (status > 0) return status;
    if (!websocket_check__asks_for_upgrade(head)) {
        if (settings->web_page) return 200;
        return websocket_check__refuse(head, 426, "a WebSocket client is needed here");
    }
    status = websocket_check__upgrade(head);
    if (status > 0) return status;
    for (size_t i = 0; i < settings->subprotocols_count && !head->subprotocol; i++)
        if (websocket_check__has(offered, settings->subprotocols[i], false))
            head->subprotocol = settings->subprotocols[i];
    return 101;
}
