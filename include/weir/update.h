/* SPDX-License-Identifier: MIT */
/* update.h - changes the settings of a server while it runs. */
#ifndef WEIR_UPDATE_H
#define WEIR_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_config;
struct weir_listen;
struct weir_server;
struct weir_tls;

/* New settings of one listener. */
struct weir_update_listener {
    uint32_t id; /* weir_listener_info.id */
    const struct weir_listen *settings;
};

/* New TLS settings under one name. */
struct weir_update_tls {
    const char *name; /* of weir_server_tls(); a new name adds settings */
    const struct weir_tls *settings;
};

/* What weir_server_update() changes. Zero the struct, then set `size` and the members that you
 * need. Everything that it points to is read during the call only. */
struct weir_update {
    size_t size; /* sizeof(struct weir_update) of the version the author compiled with */
    /* All settings of the server, as for weir_server_open(); null: they stay as they are. */
    const struct weir_config *config;
    /* All settings of some listeners, as for weir_server_listen(). The other listeners keep their
     * own settings, and get the new ones of the server. */
    const struct weir_update_listener *listeners;
    size_t listeners_count;
    const struct weir_update_tls *tls; /* as for weir_server_tls() */
    size_t tls_count;
    bool check_only; /* checks everything, loads the certificates, and changes nothing */
};

/* Changes settings of the server, also while it runs: all that *update contains, or none. Checks
 * everything first, and loads the certificates. Then each worker begins to use the new settings
 * between two events.
 *
 * These members are live: the call changes them. All others are checked, and otherwise ignored.
 * - struct weir_config: every timeout (..._timeout_ms, lifetime_ms, keepalive_ms for connections
 *   that begin later), sessions_max (at most 1048576, or the value of the start if that is
 *   larger), sessions_per_address_max, accept_rate_max, send_rate_min_bytes,
 *   receive_rate_max_bytes, message_rate_max, allow, deny, reject_message, broadcast_policy,
 *   datagram_peers_max (at most 65536, or the value of the start if that is larger),
 *   datagram_reply_percent_max, datagram_reply_rate_max, datagram_answer_services,
 *   drain_jitter_ms, connectors_max, groups_per_session_max, worker_timers_max,
 *   tls_handshakes_max, tls_handshake_rate, handler_warn_ms, log_level, log_rate_max, trace,
 *   trace_bytes_max.
 * - struct weir_listen: the timeouts, rates and sessions_max; proxy_from and proxy_others;
 *   websocket_origins, websocket_subprotocols, websocket_page, websocket_ping_interval_ms and
 *   websocket_pong_timeout_ms. A listener without `proxy` or `websocket` ignores the settings of
 *   that filter, and one that has it keeps them if the new settings leave the filter out.
 *
 * New timeouts and rates also apply to open sessions; a session that already exceeds a shortened
 * timeout is closed soon. A worker updates 256 sessions per iteration of its loop, so with many
 * sessions this takes some iterations. An idle timeout that the handler has set
 * (weir_session_set_idle_timeout()) stays. Limits on numbers and the lists `allow` and `deny`
 * decide about connections that begin later: a session that is open stays open, and counts towards
 * the new limits. New ping times of WebSocket apply to open sessions, too.
 *
 * When the function returns, every worker uses the new settings, except for the open sessions that
 * it has yet to update. So the call waits for callbacks that block. Inside a callback of the server
 * it does not wait: the workers follow within an iteration of their loop. It can be called before
 * the start, and during a drain. Several threads may call it at the same time: one call follows the
 * other. Returns:
 *   WEIR_OK           the settings are in use; or, with check_only, they could be
 *   WEIR_INVALID      a member is wrong: *error names it, the cause and the next step
 *   WEIR_GONE         the server has no listener with one of the ids
 *   WEIR_DENIED       the system does not let this user read a file
 *   WEIR_UNSUPPORTED  this weir was built without what the settings need
 *   WEIR_NO_MEMORY
 * or another code for a failure of the system. Unless it returns WEIR_OK, nothing has changed.
 * `error` may be null. Thread: any, except while weir_server_start() runs; of a server that runs
 * on the application's own loop, not a thread for which that loop waits. */
WEIR_API enum weir_code weir_server_update(struct weir_server *server,
                                           const struct weir_update *update,
                                           struct weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
