/* SPDX-License-Identifier: MIT */
/* web.h - what a WebSocket client sent to open its session. */
#ifndef WEIR_WEB_H
#define WEIR_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_session;

/* The request that opened a WebSocket session. Null: the request has none. The client chose every
 * text except `subprotocol`: check it before use. A browser always sends the true `origin`, but any
 * other client can claim to be a browser and send any origin. */
struct weir_web {
    const char *path;          /* "/play"; never null */
    const char *query;         /* after the '?', as sent: "room=1&name=ada%20l" */
    const char *origin;        /* of the page: "https://game.example" */
    const char *subprotocol;   /* that weir selected; see weir_listen.websocket_subprotocols */
    const char *cookie;        /* "name=value; name=value" */
    const char *authorization; /* "Basic ..." or another scheme */
};

/* Fills in the first `size` bytes of *web. Call weir_session_web() instead. */
WEIR_API bool weir_session_web_sized(const struct weir_session *session, struct weir_web *web,
                                     size_t size);

/* Fills in *web. Its texts are valid until on_open returns: copy what is needed later. Returns
 * false, and all members are null, if the session is not a WebSocket or on_open has returned.
 * Thread: handler, in on_open. */
static inline bool weir_session_web(const struct weir_session *session, struct weir_web *web)
{
    return weir_session_web_sized(session, web, sizeof *web);
}

#ifdef __cplusplus
}
#endif
#endif
