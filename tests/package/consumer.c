/* SPDX-License-Identifier: MIT */
/* consumer.c - a server that uses an installed weir: it listens, prints its address and exits. */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

int main(void)
{
    struct weir_error error;
    struct weir_server *server = NULL;
    struct weir_config config;
    char text[512];
    struct weir_listen echo = {.size = sizeof echo, .proto = WEIR_TCP, .address = "127.0.0.1:0"};

    weir_config_init(&config);
    config.transport = "epoll";
    if (strcmp(weir_version(), WEIR_VERSION) != 0) return 2;
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
        weir_server_listen(server, &echo, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        weir_server_free(server);
        return 1;
    }
    struct weir_listener_info info;
    weir_server_listener(server, 0, &info);
    printf("weir %s on %s\n", weir_version(), weir_address_text(&info.address, text, sizeof text));
    weir_server_stop(server);
    weir_server_wait(server);
    weir_server_free(server);
    return 0;
}
