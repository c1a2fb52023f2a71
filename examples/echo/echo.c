/* SPDX-License-Identifier: MIT */
/* echo.c - sends every message, here each received piece, back: `echo [ADDR:]PORT`. */
#include <stdio.h>

#include <weir/weir.h>

/* Copies nothing: the buffer that received the message is the buffer that is sent. */
static void echo__on_message(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

static const struct weir_handler echo = {
    .size = sizeof(struct weir_handler), .name = "echo", .on_message = echo__on_message};

int main(int argc, char **argv)
{
    struct weir_listen listener = {
        .size = sizeof listener, .address = argc > 1 ? argv[1] : "7001", .custom_handler = &echo};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    weir_config_init(&config);
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
        weir_server_listen(server, &listener, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        weir_server_free(server);
        return 1;
    }
    weir_server_listener(server, 0, &info);
    printf("%s; press Enter to stop\n", weir_address_text(&info.address, text, sizeof text));
    fflush(stdout);
    getchar();
    weir_server_free(server);
    return 0;
}
