/* SPDX-License-Identifier: MIT */
/* bench_server.c - see bench_server.h. */
#include "bench_server.h"

#include <stdio.h>

void bench_server_join(struct weir_session *session)
{
    weir_session_join(session, "all");
}

void bench_server_broadcast(struct weir_session *session, const struct weir_message *message)
{
    weir_broadcast(weir_session_server(session), "all", message->bytes, message->length, 0);
}

int bench_server_run(const char *port, const char *transport, struct weir_listen *listen)
{
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512], address[32];

    snprintf(address, sizeof address, "127.0.0.1:%.5s", port);
    listen->address = address;
    weir_config_init(&config);
    config.workers = 1;
    if (transport) config.transport = transport;
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
        weir_server_listen(server, listen, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    weir_server_wait(server);
    weir_server_free(server);
    return 0;
}
