/* SPDX-License-Identifier: MIT */
/* handler_opening.c - lets a handler read its arguments before the server starts, and release its
 * state after the last session.
 *
 *      weir_server_listen: open(arguments) -> user pointer -> sessions -> weir_server_free: close
 *
 * A handler is a constant table, and two listeners can use it with other arguments. So each
 * listener that opens one has a copy of the table, in which `user` is its own.
 */
#include "handler_opening.h"

#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "server_state.h"

/* Returns the listener after this one, in any sequence, the removed ones last; null: there is none.
 * `index` is that of a listener that was not removed. */
static struct listen_spec *handler_opening__next(const struct weir_server *server, uint32_t *index,
                                                 const struct listen_spec *spec)
{
    if (*index < server->listeners_count) return server->listeners[(*index)++];
    if ((*index)++ == server->listeners_count) return server->removed;
    return spec->next_removed;
}

/* Returns the listener that opened this handler with these arguments; null: none did. */
static const struct listen_spec *handler_opening__find(const struct weir_server *server,
                                                       const struct weir_handler *given,
                                                       const char *arguments)
{
    const struct listen_spec *spec = NULL;
    uint32_t index = 0;

    while ((spec = handler_opening__next(server, &index, spec)) != NULL)
        if (spec->is_opened && spec->given_handler == given &&
            strcmp(spec->arguments, arguments) == 0)
            return spec;
    return NULL;
}

static enum weir_code handler_opening__call(struct weir_server *server, struct listen_spec *spec,
                                            struct weir_error *error)
{
    const struct weir_handler *handler = spec->service.handler;
    struct weir_error why;

    error_fill(&why, WEIR_INVALID, 0, "open handler", handler->name, NULL, NULL);
    spec->opened_handler = *handler;
    enum weir_code code = handler->open(server, spec->arguments, &spec->opened_handler.user, &why);
    weir_check_use(code >= WEIR_OK && code < WEIR_CODES_COUNT,
                   "open of a weir_handler returns an enum weir_code");
    if (code == WEIR_OK) {
        spec->is_opened = true;
        spec->service.handler = &spec->opened_handler;
        return WEIR_OK;
    }
    why.code = code;
    if (error) *error = why;
    return code;
}

enum weir_code handler_opening_open(struct weir_server *server, struct listen_spec *spec,
                                    struct weir_error *error)
{
    const struct weir_handler *handler = spec->service.handler;
    const char *arguments = spec->given_arguments ? spec->given_arguments : "";

    if (!handler->open) {
        if (arguments[0] == '\0') return WEIR_OK;
        return error_fill(error, WEIR_INVALID, 0, "use handler", handler->name,
                          "it takes no arguments", "leave out '?' and what follows");
    }
    const struct listen_spec *same = handler_opening__find(server, spec->given_handler, arguments);
    if (same) {
        spec->service.handler = &same->opened_handler;
        return WEIR_OK;
    }
    spec->arguments = memory_copy_text(arguments);
    if (!spec->arguments)
        return error_fill(error, WEIR_NO_MEMORY, 0, "use handler", handler->name, NULL,
                          "free some memory");
    return handler_opening__call(server, spec, error);
}

void handler_opening_close(struct weir_server *server, struct listen_spec *spec)
{
    if (!spec->is_opened) return;
    spec->is_opened = false;
    if (spec->opened_handler.close) spec->opened_handler.close(server, spec->opened_handler.user);
}

void handler_opening_close_all(struct weir_server *server)
{
    struct listen_spec *spec, *last;
    uint32_t index;

    do {
        for (last = spec = NULL, index = 0;
             (spec = handler_opening__next(server, &index, spec)) != NULL;)
            if (spec->is_opened && (!last || spec->id > last->id)) last = spec;
        if (last) handler_opening_close(server, last);
    } while (last);
}
