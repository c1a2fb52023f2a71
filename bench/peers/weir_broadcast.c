/* SPDX-License-Identifier: MIT */
/* weir_broadcast.c - fan-out on weir for bench/compare: `weir_broadcast PORT uring|epoll`. It has
 * one worker, and sends each message of 64 bytes to all sessions. */
#include <stdio.h>

#include "bench_server.h"

int main(int argc, char **argv)
{
    static const struct weir_handler handler = {.size = sizeof handler,
                                                .name = "bench",
                                                .on_open = bench_server_join,
                                                .on_message = bench_server_broadcast};
    struct weir_listen listen = {
        .size = sizeof listen, .custom_handler = &handler, .codec = "fixed:size=64"};

    if (argc != 3) {
        fprintf(stderr, "weir_broadcast PORT uring|epoll\n");
        return 64;
    }
    return bench_server_run(argv[1], argv[2], &listen);
}
