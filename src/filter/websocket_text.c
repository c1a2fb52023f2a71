/* SPDX-License-Identifier: MIT */
/* websocket_text.c - checks and copies the texts of a listener's WebSocket settings. */
#include "websocket_text.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "websocket_head.h"

static const char websocket_text__operation[] = "serve WebSocket at";

/* ---- lists ---- */

/* Copies the elements behind the array of their addresses. */
bool websocket_list_open(struct websocket_list *list, const char *text)
{
    size_t count = 1, length;

    *list = (struct websocket_list){.texts = NULL};
    if (!text) return true;
    length = strlen(text);
    for (size_t i = 0; i < length; i++) count += text[i] == ',';
    list->texts = memory_alloc(count * sizeof *list->texts + length + 1);
    if (!list->texts) return false;
    char *copy = (char *)(list->texts + count);
    memcpy(copy, text, length + 1);
    for (list->count = 0; list->count < count; list->count++) {
        size_t part = strcspn(copy, ",");
        copy[part] = '\0';
        list->texts[list->count] = copy;
        copy += part + 1;
    }
    return true;
}

void websocket_list_free(struct websocket_list *list)
{
    memory_free(list->texts);
    *list = (struct websocket_list){.texts = NULL};
}

/* ---- texts ---- */

static void websocket_texts__free(struct websocket_texts *texts)
{
    websocket_list_free(&texts->origins);
    websocket_list_free(&texts->subprotocols);
    memory_free(texts->web_page);
    memory_free(texts);
}

/* Copies the page. Returns false if memory is exhausted. */
static bool websocket_texts__copy_page(struct websocket_texts *texts,
                                       const struct websocket_settings *settings)
{
    if (!settings->web_page) return true;
    texts->web_page = memory_alloc(settings->web_page_length + 1);
    if (!texts->web_page) return false;
    if (settings->web_page_length > 0)
        memcpy(texts->web_page, settings->web_page, settings->web_page_length);
    return true;
}

/* Copies the settings. Returns false if memory is exhausted. */
static bool websocket_texts__copy(struct websocket_texts *texts,
                                  const struct websocket_settings *settings, const char *path)
{
    const char *subprotocols = settings->subprotocols;

    /* Emscripten's sockets ask for "binary", and close a connection that does not confirm it. */
    if (!subprotocols && settings->inner) subprotocols = "binary";
    if (!websocket_list_open(&texts->origins, settings->origins) ||
        !websocket_list_open(&texts->subprotocols, subprotocols) ||
        !websocket_texts__copy_page(texts, settings))
        return false;
    texts->head = (struct websocket_head_settings){
        .path = path,
        .origins = texts->origins.texts,
        .origins_count = texts->origins.count,
        .subprotocols = texts->subprotocols.texts,
        .subprotocols_count = texts->subprotocols.count,
        .web_page = texts->web_page,
        .web_page_length = texts->web_page ? settings->web_page_length : 0,
    };
    return true;
}

struct websocket_texts *websocket_texts_open(const struct websocket_settings *settings,
                                             const char *path)
{
    struct websocket_texts *texts = memory_alloc(sizeof *texts);

    if (!texts) return NULL;
    atomic_store_explicit(&texts->references, 1, memory_order_relaxed);
    if (websocket_texts__copy(texts, settings, path)) return texts;
    websocket_texts__free(texts);
    return NULL;
}

struct websocket_texts *websocket_texts_ref(struct websocket_texts *texts)
{
    uint32_t before = atomic_fetch_add_explicit(&texts->references, 1, memory_order_relaxed);

    weir_check(before > 0);
    return texts;
}

void websocket_texts_unref(struct websocket_texts *texts)
{
    if (!texts) return;
    uint32_t before = atomic_fetch_sub_explicit(&texts->references, 1, memory_order_acq_rel);
    weir_check(before > 0);
    if (before == 1) websocket_texts__free(texts);
}

/* ---- checks ---- */

static bool websocket_text__is_visible(const char *text, size_t length, const char *forbidden)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~' || strchr(forbidden, text[i])) return false;
    return true;
}

/* Returns whether a browser sends the origin in another way: in lower case, and without the port
 * that the scheme implies. The text is longer than any such port. */
static bool websocket_text__is_rewritten(const char *text, size_t length)
{
    static const struct {
        const char *scheme, *port;
    } schemes[] = {{"http://", ":80"}, {"https://", ":443"}};

    for (size_t i = 0; i < length; i++)
        if (text[i] >= 'A' && text[i] <= 'Z') return true;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t scheme_length = strlen(schemes[i].scheme), port_length = strlen(schemes[i].port);
        if (strncmp(text, schemes[i].scheme, scheme_length) == 0)
            return memcmp(text + length - port_length, schemes[i].port, port_length) == 0;
    }
    return false;
}

/* Returns whether a browser could send this origin: scheme://host[:port]. */
static bool websocket_text__is_origin(const char *text, size_t length)
{
    const char *host = strstr(text, "://");

    if ((length == 1 && text[0] == '*') || (length == 4 && memcmp(text, "null", 4) == 0))
        return true;
    if (!host || host == text || host + 3 >= text + length) return false;
    if (websocket_text__is_rewritten(text, length)) return false;
    host += 3;
    return websocket_text__is_visible(text, (size_t)(host - text) - 3, "/?#@,;:\"") &&
           websocket_text__is_visible(host, length - (size_t)(host - text), "/?#@,;\"");
}

static bool websocket_text__is_subprotocol(const char *text, size_t length)
{
    return length > 0 && length <= WEBSOCKET_SUBPROTOCOL_BYTES_MAX &&
           websocket_text__is_visible(text, length, "()<>@,;:\\\"/[]?={}");
}

/* Checks each element of a list; `what` an element is, for the message. */
static enum weir_code websocket_text__check_list(const char *list,
                                                 bool (*is_valid)(const char *, size_t),
                                                 const char *path, const char *what,
                                                 const char *hint, struct weir_error *error)
{
    char reason[96];

    while (list) {
        size_t length = strcspn(list, ",");
        if (!is_valid(list, length)) {
            snprintf(reason, sizeof reason, "\"%.*s\" is not %s", length < 40 ? (int)length : 40,
                     list, what);
            return error_fill(error, WEIR_INVALID, 0, websocket_text__operation, path, reason,
                              hint);
        }
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    return WEIR_OK;
}

enum weir_code websocket_text_check(const struct websocket_settings *settings,
                                    struct weir_error *error)
{
    const char *path = settings->path;
    enum weir_code code;

    if (path[0] != '/' || !websocket_text__is_visible(path, strlen(path), "?#"))
        return error_fill(error, WEIR_INVALID, 0, websocket_text__operation, path,
                          "a path begins with '/' and has no '?', '#' or blank", NULL);
    if (settings->web_page && settings->web_page_length > WEBSOCKET_PAGE_BYTES_MAX)
        return error_fill(error, WEIR_INVALID, 0, websocket_text__operation, path,
                          "the page is longer than 1 MiB", NULL);
    code = websocket_text__check_list(
        settings->origins, websocket_text__is_origin, path, "an origin",
        "write https://game.example, without a path, or null, or *", error);
    if (code != WEIR_OK) return code;
    return websocket_text__check_list(settings->subprotocols, websocket_text__is_subprotocol, path,
                                      "the name of a subprotocol", "separate names by commas alone",
                                      error);
}
