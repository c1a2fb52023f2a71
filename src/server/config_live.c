/* SPDX-License-Identifier: MIT */
/* config_live.c - which members of struct weir_config can change while a server runs. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "worker.h"

/* The table of sessions has room for this many UDP sessions, so that the limit can be raised. */
#define CONFIG_LIVE__PEERS_MIN 65536u

#define CONFIG_LIVE(member)                                                                \
    {                                                                                      \
        offsetof(struct weir_config, member), sizeof(((struct weir_config *)NULL)->member) \
    }

static const struct config_live {
    size_t offset, bytes;
} config_live__members[] = {
    CONFIG_LIVE(sessions_max),
    CONFIG_LIVE(idle_timeout_ms),
    CONFIG_LIVE(first_byte_timeout_ms),
    CONFIG_LIVE(opening_timeout_ms),
    CONFIG_LIVE(frame_timeout_ms),
    CONFIG_LIVE(send_timeout_ms),
    CONFIG_LIVE(send_rate_min_bytes),
    CONFIG_LIVE(lifetime_ms),
    CONFIG_LIVE(linger_timeout_ms),
    CONFIG_LIVE(keepalive_ms),
    CONFIG_LIVE(sessions_per_address_max),
    CONFIG_LIVE(accept_rate_max),
    CONFIG_LIVE(receive_rate_max_bytes),
    CONFIG_LIVE(message_rate_max),
    CONFIG_LIVE(allow),
    CONFIG_LIVE(deny),
    CONFIG_LIVE(reject_message),
    CONFIG_LIVE(broadcast_policy),
    CONFIG_LIVE(datagram_peers_max),
    CONFIG_LIVE(datagram_idle_timeout_ms),
    CONFIG_LIVE(datagram_reply_percent_max),
    CONFIG_LIVE(datagram_reply_rate_max),
    CONFIG_LIVE(datagram_answer_services),
    CONFIG_LIVE(drain_jitter_ms),
    CONFIG_LIVE(connectors_max),
    CONFIG_LIVE(log_level),
    CONFIG_LIVE(log_rate_max),
    CONFIG_LIVE(trace_bytes_max),
    CONFIG_LIVE(trace),
    CONFIG_LIVE(groups_per_session_max),
    CONFIG_LIVE(worker_timers_max),
    CONFIG_LIVE(handler_warn_ms),
    CONFIG_LIVE(tls_handshakes_max),
    CONFIG_LIVE(tls_handshake_rate),
};

void config_set_live(struct weir_config *config, const struct weir_config *given)
{
    for (size_t i = 0; i < weir_count_of(config_live__members); i++) {
        const struct config_live *member = &config_live__members[i];
        memcpy((char *)config + member->offset, (const char *)given + member->offset,
               member->bytes);
    }
}

static uint32_t config_live__peers_room(const struct weir_config *config)
{
    return config->datagram_peers_max > CONFIG_LIVE__PEERS_MIN ? config->datagram_peers_max
                                                               : CONFIG_LIVE__PEERS_MIN;
}

uint32_t config_slots_max(const struct weir_config *config)
{
    return config_sessions_room(config) + config_live__peers_room(config) +
           WORKER_REJECT_MESSAGES_MAX;
}

static enum weir_code config_live__too_large(const char *setting, const char *most,
                                             struct weir_error *error)
{
    char reason[128];

    snprintf(reason, sizeof reason,
             "a running server has room for %s, or for as many as at its start", most);
    return error_fill(error, WEIR_INVALID, 0, "use setting", setting, reason,
                      "lower it, or restart the server");
}

enum weir_code config_check_live(const struct weir_config *config, const struct weir_config *opened,
                                 struct weir_error *error)
{
    if (config->sessions_max > config_sessions_room(opened))
        return config_live__too_large("sessions_max", "1048576", error);
    if (config->datagram_peers_max > config_live__peers_room(opened))
        return config_live__too_large("datagram_peers_max", "65536", error);
    if (config->reject_message &&
        strlen(config->reject_message) > opened->send_queue_high_bytes / 2)
        return config_wrong("reject_message",
                            "it must be half of the send_queue_high_bytes of the start, or less",
                            error);
    return WEIR_OK;
}
