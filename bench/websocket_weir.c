/* SPDX-License-Identifier: MIT */
/* websocket_weir.c - a WebSocket server on weir for the benchmark: `websocket_weir PORT MODE`. It
 * answers each message with the same one (echo), or sends it to all clients (broadcast). It has one
 * worker. websocket_lws.c and websocket_ws.js do the same on other libraries. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

static void server__join(struct weir_session *session)
{
    weir_session_join(session, "all");
}

static void server__echo(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

static void server__broadcast(struct weir_session *session, const struct weir_message *message)
{
    weir_broadcast(weir_session_server(session), "all", message->bytes, message->length, 0);
}

int main(int argc, char **argv)
{
    struct weir_handler handler = {.size = sizeof handler, .name = "bench"};
    struct weir_listen listen = {.size = sizeof listen,
                                 .custom_handler = &handler,
                                 .websocket = "/",
                                 .websocket_send = WEIR_WEBSOCKET_SEND_BINARY};
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512], address[32];

    if (argc != 3) {
        fprintf(stderr, "websocket_weir PORT echo|broadcast\n");
        return 64;
    }
    bool broadcasts = strcmp(argv[2], "broadcast") == 0;
    handler.on_open = broadcasts ? server__join : NULL;
    handler.on_message = broadcasts ? server__broadcast : server__echo;
    snprintf(address, sizeof address, "127.0.0.1:%.5s", argv[1]);
    listen.address = address;
    weir_config_init(&config);
    config.workers = 1;
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
        weir_server_listen(server, &listen, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    weir_server_wait(server);
    weir_server_free(server);
    return 0;
}
