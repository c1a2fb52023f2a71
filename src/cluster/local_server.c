/* SPDX-License-Identifier: MIT */
/* local_server.c - the calls of libweir that the bridge makes. */
#include "local_server.h"

static uint64_t local_server__sessions(const struct weir_server *server)
{
    struct weir_stats stats;

    weir_server_stats(server, &stats);
    return stats.open + (stats.peers_opened - stats.peers_closed);
}

static void local_server__log(struct weir_server *server, enum weir_log_level level,
                              const char *line)
{
    weir_log(server, level, "%s", line);
}

const struct local_server_ops local_server_ops = {
    .broadcast = weir_bridge_broadcast,
    .send = weir_send,
    .finish = weir_finish,
    .abort = weir_abort,
    .send_name = weir_bridge_send_name,
    .evict = weir_bridge_evict,
    .group_count = weir_bridge_group_count,
    .counted = weir_bridge_counted,
    .sessions = local_server__sessions,
    .draining = weir_bridge_draining,
    .log = local_server__log,
};
