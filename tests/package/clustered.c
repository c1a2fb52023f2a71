/* SPDX-License-Identifier: MIT */
/* clustered.c - a server that wants to be a node of a cluster, with an installed weir::cluster. */
#include <stdio.h>
#include <string.h>

#include <weir/cluster.h>
#include <weir/weir.h>

int main(void)
{
    const struct weir_cluster_options options = {.size = sizeof(struct weir_cluster_options),
                                                 .servers = "nats://127.0.0.1:4222",
                                                 .name = "a b"};
    struct weir_cluster *cluster = NULL;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    weir_config_init(&config);
    if (weir_server_open(&config, &server, &error) != WEIR_OK) return 1;
    if (weir_cluster_join(server, &options, &cluster, &error) != WEIR_INVALID) return 2;
    if (!strstr(weir_error_text(&error, text, sizeof text), "letters, digits")) return 3;
    weir_cluster_leave(cluster);
    weir_server_free(server);
    puts("clustered");
    return 0;
}
