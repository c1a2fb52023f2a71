/* SPDX-License-Identifier: MIT */
/* config.c - the default settings, and the checks that reject settings which can never work. */
#include "config.h"

#include <string.h>

#include "check.h"
#include "connector_table.h"
#include "error_fill.h"
#include "resolver.h"
#include "sized.h"
#include "thread.h"

#define CONFIG__WORKERS_MAX 255u /* a session id has 8 bits for its worker */
#define CONFIG__SESSIONS_MAX (1u << 23)
/* Handles of a worker that are not sessions: listeners, UDP sockets, and rejected connections that
 * receive the reject message. */
#define CONFIG__OTHER_HANDLES_MAX 512u
/* Ages of sessions are compared modulo 2^32 milliseconds: the longest timeout is half of that. */
#define CONFIG__MS_MAX ((uint32_t)INT32_MAX)
/* Tables of pointers to chunks have room for this many sessions, so that sessions_max can be raised
 * while the server runs. It costs 50 KiB per worker. */
#define CONFIG__SESSIONS_ROOM (1u << 20)
#define CONFIG__PEERS_MAX (1u << 22)
#define CONFIG__COMMANDS_MAX (1u << 20)
#define CONFIG__TIMERS_MAX (1u << 20)
#define CONFIG__LOG_LINES_MAX (1u << 16)
#define CONFIG__LOG_RATE_MAX 10000000u
#define CONFIG__REPLY_RATE_MAX 10000000u
#define CONFIG__MEMORY_MAX_BYTES (UINT64_C(1) << 50)
#define CONFIG__MAILBOX_BYTES (UINT64_C(8) << 20) /* default, where the memory suffices */

static const struct weir_config config__defaults = {
    .size = sizeof(struct weir_config),
    .transport = "auto",
    .workers = 0,
    .sessions_max = 100000,
    .send_queue_high_bytes = 1024 * 1024,
    .send_queue_low_bytes = 256 * 1024,
    .buffer_bytes = 16 * 1024,
    .memory_max_bytes = UINT64_C(1) << 30,
    .listen_backlog = 4096,
    .idle_timeout_ms = 10 * 60 * 1000,
    .first_byte_timeout_ms = 60 * 1000,
    .opening_timeout_ms = 10 * 1000,
    .tls_handshakes_max = 1024,
    .frame_timeout_ms = 30 * 1000,
    .send_timeout_ms = 60 * 1000,
    .linger_timeout_ms = 10 * 1000,
    .keepalive_ms = 60 * 1000,
    .datagram_peers_max = 65536,
    .datagram_idle_timeout_ms = 60 * 1000,
    .datagram_reply_percent_max = 100,
    .datagram_reply_rate_max = 2000,
    .datagram_receives = 256,
    .mailbox_commands_max = 4096,
    .log_lines_max = 1024,
    .log_flush_ms = 1000,
    .bind_wait_ms = 5000,
    .resolver_threads = 4,
    .resolver_queue_max = 1024,
    .groups_per_session_max = 64,
    .socket_unsent_max_bytes = 256 * 1024,
    .socket_receive_max_bytes = 1536 * 1024,
    .log_level = WEIR_LOG_WARNING,
    .log_rate_max = 10000,
    .trace_bytes_max = 256,
    .worker_timers_max = 1024,
    .handler_warn_ms = 500,
};

void weir_config_init_sized(struct weir_config *config, size_t size)
{
    size_t known = size < sizeof *config ? size : sizeof *config;

    memset(config, 0, size);
    memcpy(config, &config__defaults, known);
    config->size = size;
}

enum weir_code config_wrong(const char *setting, const char *rule, struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, "use setting", setting, rule, "change it");
}

uint64_t config_worker_memory_bytes(const struct weir_config *config)
{
    return config->memory_max_bytes / config_workers(config);
}

/* Sets the parts of a worker's memory that were not given. */
static void config__set_parts(struct weir_config *config)
{
    uint64_t bytes = config_worker_memory_bytes(config);
    uint64_t mailbox_bytes = bytes / 16;

    if (mailbox_bytes > CONFIG__MAILBOX_BYTES) mailbox_bytes = CONFIG__MAILBOX_BYTES;
    if (config->buffer_memory_max_bytes == 0) config->buffer_memory_max_bytes = bytes / 4 * 3;
    if (config->datagram_memory_max_bytes == 0) config->datagram_memory_max_bytes = bytes / 8;
    if (config->mailbox_bytes_max == 0) config->mailbox_bytes_max = (uint32_t)mailbox_bytes;
    if (config->connectors_max == 0)
        config->connectors_max = config->sessions_max < CONNECTOR_TABLE_SLOTS_MAX
                                     ? config->sessions_max
                                     : CONNECTOR_TABLE_SLOTS_MAX;
}

/* Checks that the parts of a worker's memory fit into it. */
static enum weir_code config__check_parts(const struct weir_config *config,
                                          struct weir_error *error)
{
    uint64_t bytes = config_worker_memory_bytes(config);
    uint64_t rest_bytes = bytes;
    const struct {
        const char *name;
        uint64_t bytes;
    } parts[] = {
        {"buffer_memory_max_bytes", config->buffer_memory_max_bytes},
        {"datagram_memory_max_bytes", config->datagram_memory_max_bytes},
        {"mailbox_bytes_max", config->mailbox_bytes_max},
    };

    for (size_t i = 0; i < weir_count_of(parts); i++) {
        if (parts[i].bytes > rest_bytes)
            return config_wrong(
                parts[i].name,
                "it does not fit into the worker's part of memory_max_bytes: "
                "lower it, raise memory_max_bytes (--memory), or start fewer workers",
                error);
        rest_bytes -= parts[i].bytes;
    }
    if (config->send_queue_high_bytes > config->buffer_memory_max_bytes)
        return config_wrong("send_queue_high_bytes",
                            "it must be buffer_memory_max_bytes or less: lower it, or raise "
                            "memory_max_bytes (--memory)",
                            error);
    return WEIR_OK;
}

static enum weir_code config__check_memory(const struct weir_config *config,
                                           struct weir_error *error)
{
    if (config->buffer_bytes < 4096 || config->buffer_bytes > (1u << 20))
        return config_wrong("buffer_bytes", "it must be 4096 to 1048576", error);
    if (config->send_queue_high_bytes / 2 < config->buffer_bytes ||
        config->send_queue_high_bytes > (1u << 30))
        return config_wrong("send_queue_high_bytes",
                            "it must be two buffers or more, and 1 GiB or less", error);
    if (config->send_queue_low_bytes >= config->send_queue_high_bytes)
        return config_wrong("send_queue_low_bytes", "it must be less than send_queue_high_bytes",
                            error);
    if (config->memory_max_bytes == 0 || config->memory_max_bytes > CONFIG__MEMORY_MAX_BYTES)
        return config_wrong("memory_max_bytes", "it must be 1 byte to 1 PiB", error);
    if (config->buffer_memory_max_bytes < (uint64_t)config->buffer_bytes * 4)
        return config_wrong("buffer_memory_max_bytes", "it must be four buffers or more", error);
    if (config->datagram_memory_max_bytes < (uint64_t)64 * 1024 * 4)
        return config_wrong("datagram_memory_max_bytes", "it must be 256 KiB or more", error);
    return config__check_parts(config, error);
}

enum weir_code config_check_times(const struct weir_config *config, struct weir_error *error)
{
    const struct {
        const char *name;
        uint32_t ms;
    } times[] = {
        {"idle_timeout_ms", config->idle_timeout_ms},
        {"first_byte_timeout_ms", config->first_byte_timeout_ms},
        {"opening_timeout_ms", config->opening_timeout_ms},
        {"frame_timeout_ms", config->frame_timeout_ms},
        {"send_timeout_ms", config->send_timeout_ms},
        {"lifetime_ms", config->lifetime_ms},
        {"linger_timeout_ms", config->linger_timeout_ms},
        {"keepalive_ms", config->keepalive_ms},
        {"datagram_idle_timeout_ms", config->datagram_idle_timeout_ms},
        {"drain_jitter_ms", config->drain_jitter_ms},
        {"log_flush_ms", config->log_flush_ms},
        {"bind_wait_ms", config->bind_wait_ms},
        {"tick_ms", config->tick_ms},
        {"handler_warn_ms", config->handler_warn_ms},
    };

    for (size_t i = 0; i < weir_count_of(times); i++)
        if (times[i].ms > CONFIG__MS_MAX)
            return config_wrong(times[i].name, "it must be 2147483647 (24 days) or less", error);
    if (config->send_rate_min_bytes > 0 && config->send_timeout_ms == 0)
        return config_wrong("send_rate_min_bytes", "it needs a send_timeout_ms", error);
    return WEIR_OK;
}

static enum weir_code config__check_limits(const struct weir_config *config,
                                           struct weir_error *error)
{
    const struct {
        const char *name;
        uint32_t value, least, most;
        const char *rule;
    } limits[] = {
        {"sessions_max", config->sessions_max, 1, CONFIG__SESSIONS_MAX, "it must be 1 to 8388608"},
        {"datagram_peers_max", config->datagram_peers_max, 1, CONFIG__PEERS_MAX,
         "it must be 1 to 4194304"},
        {"datagram_reply_rate_max", config->datagram_reply_rate_max, 0, CONFIG__REPLY_RATE_MAX,
         "it must be 10000000 or less"},
        {"datagram_receives", config->datagram_receives, 1, 65536, "it must be 1 to 65536"},
        {"spin_max_us", config->spin_max_us, 0, 10000, "it must be 10000 or less"},
        {"mailbox_commands_max", config->mailbox_commands_max, 1, CONFIG__COMMANDS_MAX,
         "it must be 1 to 1048576"},
        {"log_lines_max", config->log_lines_max, 1, CONFIG__LOG_LINES_MAX, "it must be 1 to 65536"},
        {"listen_backlog", config->listen_backlog, 1, 1u << 20, "it must be 1 to 1048576"},
        {"connectors_max", config->connectors_max, 1, CONNECTOR_TABLE_SLOTS_MAX,
         "it must be 1 to 4194304"},
        {"resolver_threads", config->resolver_threads, 1, RESOLVER_THREADS_MAX,
         "it must be 1 to 16"},
        {"resolver_queue_max", config->resolver_queue_max, 1, 1u << 20, "it must be 1 to 1048576"},
        {"connect_state_bytes", config->connect_state_bytes, 0, 65536, "it must be 65536 or less"},
        {"node", config->node, 0, 255, "it must be 0 to 255"},
        {"log_level", (uint32_t)config->log_level, 0, WEIR_LOG_DETAIL,
         "it must be WEIR_LOG_ERROR to WEIR_LOG_DETAIL"},
        {"log_rate_max", config->log_rate_max, 0, CONFIG__LOG_RATE_MAX,
         "it must be 10000000 or less"},
        {"trace_bytes_max", config->trace_bytes_max, 0, 65536, "it must be 65536 or less"},
        {"groups_per_session_max", config->groups_per_session_max, 1, 65536,
         "it must be 1 to 65536"},
        {"worker_timers_max", config->worker_timers_max, 0, CONFIG__TIMERS_MAX,
         "it must be 1048576 or less"},
        {"broadcast_policy", (uint32_t)config->broadcast_policy, 0, WEIR_BROADCAST_DROP_OLDEST,
         "it must be a value of enum weir_broadcast_policy"},
    };

    for (size_t i = 0; i < weir_count_of(limits); i++)
        if (limits[i].value < limits[i].least || limits[i].value > limits[i].most)
            return config_wrong(limits[i].name, limits[i].rule, error);
    if (config->reject_message &&
        strlen(config->reject_message) > config->send_queue_high_bytes / 2)
        return config_wrong("reject_message", "it must be half of send_queue_high_bytes or less",
                            error);
    return WEIR_OK;
}

static enum weir_code config__check(const struct weir_config *config, struct weir_error *error)
{
    if (!config->transport)
        return config_wrong("transport", "it must be a name, or \"auto\"", error);
    if (config->workers > CONFIG__WORKERS_MAX)
        return config_wrong("workers", "it must be 0 to 255", error);
    enum weir_code code = config__check_memory(config, error);
    if (code == WEIR_OK) code = config_check_times(config, error);
    return code == WEIR_OK ? config__check_limits(config, error) : code;
}

enum weir_code config_read(const struct weir_config *given, struct weir_config *config,
                           struct weir_error *error)
{
    *config = config__defaults;
    if (given && sized_copy(&sized_config, given, config, error) != WEIR_OK) return WEIR_INVALID;
    config__set_parts(config);
    return config__check(config, error);
}

uint32_t config_sessions_room(const struct weir_config *config)
{
    return config->sessions_max > CONFIG__SESSIONS_ROOM ? config->sessions_max
                                                        : CONFIG__SESSIONS_ROOM;
}

static uint32_t config__count(uint64_t memory_bytes, uint64_t each_bytes)
{
    uint64_t count = memory_bytes / each_bytes;

    return count > (1u << 20) ? 1u << 20 : (uint32_t)count;
}

struct net_options config_net_options(const struct weir_config *config)
{
    struct net_options options;

    net_options_init(&options);
    options.transport = config->transport;
    options.keepalive_ms = config->keepalive_ms;
    options.stream_unsent_max_bytes = config->socket_unsent_max_bytes;
    options.stream_send_max_bytes = config->socket_send_max_bytes;
    options.stream_receive_max_bytes = config->socket_receive_max_bytes;
    options.stream_unreleased_max_bytes = (uint32_t)config->send_queue_high_bytes;
    options.verify_rio = config->verify_rio;
    options.stream_buffer_bytes = config->buffer_bytes;
    options.stream_buffers_max =
        config__count(config->buffer_memory_max_bytes, config->buffer_bytes);
    options.datagram_buffers_max =
        config__count(config->datagram_memory_max_bytes, NET_DATAGRAM_BYTES_MAX + 1);
    options.datagram_receives = config->datagram_receives;
    options.spin_max_ns = config->spin_max_us * UINT64_C(1000);
    options.handles_max = config_sessions_room(config) + CONFIG__OTHER_HANDLES_MAX;
    return options;
}

uint32_t config_workers(const struct weir_config *config)
{
    uint32_t cores;

    if (config->workers > 0) return config->workers;
    cores = thread_cores_count();
    return cores > CONFIG__WORKERS_MAX ? CONFIG__WORKERS_MAX : cores;
}
