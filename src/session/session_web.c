/* SPDX-License-Identifier: MIT */
/* session_web.c - the request that opened a WebSocket session. */
#include <string.h>

#include <weir/weir.h>

#include "filters.h"
#include "websocket.h"

bool weir_session_web_sized(const struct weir_session *session, struct weir_web *web, size_t size)
{
    struct weir_web whole = {.path = NULL};
    const void *state = session->filters ? filters_find(session, &websocket_kind) : NULL;
    bool is_filled = state && websocket_web(state, &whole);

    memset(web, 0, size);
    memcpy(web, &whole, size < sizeof whole ? size : sizeof whole);
    return is_filled;
}
