/* SPDX-License-Identifier: MIT */
/* via.c - a module that reports what a session knows about its client and the load balancer in
 * front of it, for test_proxy.py and test_load_balancers.py: in answer to any message, also to an
 * HTTP request; with the argument "greet" when the session opens. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

static bool greets;

static enum weir_code via__open(struct weir_server *server, const char *arguments, void **user,
                                struct weir_error *error)
{
    (void)server;
    (void)user;
    (void)error;
    greets = strcmp(arguments, "greet") == 0;
    return WEIR_OK;
}

static void via__report(struct weir_session *session, const char *before)
{
    char text[1024], peer[WEIR_ADDRESS_TEXT_BYTES], proxy[WEIR_ADDRESS_TEXT_BYTES] = "-";
    char server[WEIR_ADDRESS_TEXT_BYTES] = "-";
    struct weir_address address;
    struct weir_proxy_header header;

    weir_address_text(weir_session_peer(session, &address), peer, sizeof peer);
    if (weir_session_via(session, &address)) weir_address_text(&address, proxy, sizeof proxy);
    if (weir_session_proxy_header(session, &header))
        weir_address_text(&header.server, server, sizeof server);
    snprintf(text, sizeof text,
             "%speer=%s proxy=%s server=%s version=%u named=%d authority=%s id=%s\n", before, peer,
             proxy, server, header.version, header.names_client, header.authority,
             header.unique_id);
    if (weir_session_send(session, text, strlen(text)) != WEIR_OK) weir_session_abort(session);
}

static void via__on_open(struct weir_session *session)
{
    if (greets) via__report(session, "");
}

static void via__on_message(struct weir_session *session, const struct weir_message *message)
{
    bool is_http = message->length > 4 && memcmp(message->bytes, "GET ", 4) == 0;

    via__report(session, is_http ? "HTTP/1.0 200 OK\r\n\r\n" : "");
    if (is_http) weir_session_finish(session);
}

static const struct weir_handler handler = {
    .size = sizeof(struct weir_handler),
    .name = "via",
    .summary = "reports the client's address",
    .on_open = via__on_open,
    .on_message = via__on_message,
    .open = via__open,
};

WEIR_MODULE(&handler, NULL);
