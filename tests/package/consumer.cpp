/* SPDX-License-Identifier: MIT */
/* consumer.cpp - the same as consumer.c, in C++. */
#include <cstdio>
#include <cstring>
#include <memory>

#include <weir/weir.h>

int main()
{
    weir_error error;
    weir_server *made = nullptr;
    weir_config config;
    char text[512];
    weir_listen echo = {};

    weir_config_init(&config);
    config.transport = "epoll";
    echo.size = sizeof echo;
    echo.address = "127.0.0.1:0";
    if (std::strcmp(weir_version(), WEIR_VERSION) != 0) return 2;
    weir_code code = weir_server_open(&config, &made, &error);
    std::unique_ptr<weir_server, decltype(&weir_server_free)> server(made, weir_server_free);
    if (code != WEIR_OK || weir_server_listen(made, &echo, &error) != WEIR_OK ||
        weir_server_start(made, &error) != WEIR_OK) {
        std::fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    weir_listener_info info;
    weir_server_listener(made, 0, &info);
    std::printf("weir %s on %s\n", weir_version(),
                weir_address_text(&info.address, text, sizeof text));
    weir_server_stop(made);
    weir_server_wait(made);
    return 0;
}
