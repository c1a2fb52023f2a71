/* SPDX-License-Identifier: MIT */
/* websocket_weir.c - a WebSocket server on weir for the benchmark: `websocket_weir PORT MODE`. It
 * answers each message with the same one (echo), or sends it to all clients (broadcast). It has one
 * worker. websocket_lws.c and websocket_ws.js do the same on other libraries. */
#include <stdio.h>
#include <string.h>

#include "bench_server.h"

static void server__echo(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

int main(int argc, char **argv)
{
    struct weir_handler handler = {.size = sizeof handler, .name = "bench"};
    struct weir_listen listen = {.size = sizeof listen,
                                 .custom_handler = &handler,
                                 .websocket = "/",
                                 .websocket_send = WEIR_WEBSOCKET_SEND_BINARY};

    if (argc != 3) {
        fprintf(stderr, "websocket_weir PORT echo|broadcast\n");
        return 64;
    }
    bool broadcasts = strcmp(argv[2], "broadcast") == 0;
    handler.on_open = broadcasts ? bench_server_join : NULL;
    handler.on_message = broadcasts ? bench_server_broadcast : server__echo;
    return bench_server_run(argv[1], NULL, &listen);
}
