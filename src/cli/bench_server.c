/* SPDX-License-Identifier: MIT */
/* bench_server.c - see bench_server.h. No timeout of the library ends a connection: the generator
 * has its own. */
#include "bench_server.h"

#include <stdio.h>

#include "bench_frames.h"
#include "os_usage.h"

#define BENCH_SERVER__MS_NS UINT64_C(1000000)
#define BENCH_SERVER__QUEUE_BYTES_MIN (UINT64_C(1) << 20)
#define BENCH_SERVER__QUEUE_BYTES_MAX (UINT64_C(1) << 30)
#define BENCH_SERVER__COARSE_MS 3             /* from here on a wait of milliseconds is precise */
#define BENCH_SERVER__SPIN_NS UINT64_C(60000) /* longer than it takes to wake a thread */
#define BENCH_SERVER__SPARE 64u               /* connections that end while others begin */
#define BENCH_SERVER__CONNECTORS_MAX 4194304u

static void bench_server__configure(struct weir_config *config, const struct bench_thread *thread)
{
    const struct bench_options *options = thread->run->options;
    uint64_t queue_bytes = 2 * (uint64_t)options->depth * (options->size + 128u);
    uint64_t connections = 2 * (uint64_t)thread->count + BENCH_SERVER__SPARE;

    if (queue_bytes < BENCH_SERVER__QUEUE_BYTES_MIN) queue_bytes = BENCH_SERVER__QUEUE_BYTES_MIN;
    if (queue_bytes > BENCH_SERVER__QUEUE_BYTES_MAX) queue_bytes = BENCH_SERVER__QUEUE_BYTES_MAX;
    if (connections > BENCH_SERVER__CONNECTORS_MAX) connections = BENCH_SERVER__CONNECTORS_MAX;
    weir_config_init(config);
    config->transport = options->transport;
    config->workers = 1;
    config->sessions_max = config->connectors_max = (uint32_t)connections;
    config->send_queue_high_bytes = (uint32_t)queue_bytes;
    config->memory_max_bytes = (UINT64_C(1) << 30) + 4 * queue_bytes;
    config->idle_timeout_ms = config->frame_timeout_ms = config->send_timeout_ms = 0;
    config->opening_timeout_ms = options->timeout_ms;
    config->linger_timeout_ms = options->timeout_ms;
    config->handler_warn_ms = 0;
}

struct weir_server *bench_server_open(struct bench_thread *thread)
{
    struct weir_server *server = NULL;
    struct weir_config config;
    struct weir_error error;

    bench_server__configure(&config, thread);
    if (weir_server_open(&config, &server, &error) != WEIR_OK)
        weir_error_text(&error, thread->why, sizeof thread->why);
    return server;
}

bool bench_server_start(struct weir_server *server, struct bench_thread *thread)
{
    struct weir_error error;

    if (weir_server_start_here(server, &error) == WEIR_OK) return true;
    weir_error_text(&error, thread->why, sizeof thread->why);
    return false;
}

void bench_server_wait(struct weir_server *server, uint64_t timeout_ns)
{
    uint64_t timeout_ms = timeout_ns / BENCH_SERVER__MS_NS;

    if (timeout_ms >= BENCH_SERVER__COARSE_MS) {
        weir_server_step(server, (uint32_t)timeout_ms - 1);
        return;
    }
    weir_server_step(server, 0); /* transmits what was sent since the last step */
    if (timeout_ns <= BENCH_SERVER__SPIN_NS) return;
    if (os_wait_readable(weir_server_descriptor(server), timeout_ns - BENCH_SERVER__SPIN_NS))
        weir_server_step(server, 0);
}

void bench_server_close(struct weir_server *server)
{
    weir_server_free(server);
}

bool bench_server_connect(struct weir_server *server, struct bench_thread *thread,
                          const struct weir_handler *handler,
                          void (*on_failed)(struct weir_server *server, uint64_t connector,
                                            const struct weir_error *error, void *user),
                          void *user)
{
    const struct bench_run *run = thread->run;
    const struct bench_options *options = run->options;
    const struct weir_tls_connect tls = {.size = sizeof tls,
                                         .name = options->tls_name,
                                         .ca = options->tls_ca,
                                         .insecure = options->tls_insecure};
    struct weir_connect_options connect;
    struct weir_error error;
    char text[BENCH_EXAMPLE_BYTES];

    weir_connect_init(&connect);
    connect.address = options->address;
    connect.custom_handler = handler;
    if (options->websocket)
        connect.custom_probe = &bench_frames_probe;
    else
        connect.custom_codec = weir_frame_codec(run->frame);
    connect.connect_timeout_ms = options->timeout_ms;
    connect.on_failed = on_failed;
    connect.user = user;
    connect.tls = options->tls ? &tls : NULL;
    if (weir_connect(server, &connect, NULL, &error) == WEIR_OK) return true;
    bench_result_fail(thread->result, BENCH_ERROR_CONNECT, "%s",
                      weir_error_text(&error, text, sizeof text));
    return false;
}
