/* SPDX-License-Identifier: MIT */
/* weir_broadcast.c - fan-out on weir for bench/compare: `weir_broadcast PORT uring|epoll`. It has
 * one worker, and sends each message of 64 bytes to all sessions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

static void server__join(struct weir_session *session)
{
    weir_session_join(session, "all");
}

static void server__broadcast(struct weir_session *session, const struct weir_message *message)
{
    weir_broadcast(weir_session_server(session), "all", message->bytes, message->length, 0);
}

int main(int argc, char **argv)
{
    struct weir_handler handler = {.size = sizeof handler,
                                   .name = "bench",
                                   .on_open = server__join,
                                   .on_message = server__broadcast};
    struct weir_listen listen = {
        .size = sizeof listen, .custom_handler = &handler, .codec = "fixed:size=64"};
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512], address[32];

    if (argc != 3) {
        fprintf(stderr, "weir_broadcast PORT uring|epoll\n");
        return 64;
    }
    snprintf(address, sizeof address, "127.0.0.1:%.5s", argv[1]);
    listen.address = address;
    weir_config_init(&config);
    config.workers = 1;
    config.transport = argv[2];
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
