/* SPDX-License-Identifier: MIT */
/* notify.c - see notify.h. The main thread sends all reports, between two events: a main thread
 * that hangs sends none. */
#include "notify.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "os_systemd.h"
#include "os_thread.h"
#include "serve_output.h"

#define NOTIFY__WORKERS_MAX 255u
#define NOTIFY__DRAIN_TICK_MS 1000u
#define NOTIFY__EXTENSION_MS 15000u /* per report of a drain: more than the time between two */
#define NOTIFY__START_MS 30000u     /* beside the wait for addresses */

/* Whether a worker has called the function of this round. */
enum notify__ping { NOTIFY__NOT_POSTED, NOTIFY__POSTED, NOTIFY__ANSWERED };

static struct {
    const struct options *options;
    struct weir_server *server; /* null: not started */
    uint64_t interval_ms;       /* between two reports; 0: none are due */
    uint64_t next_ms;           /* when the next one is due, by os_now_ms() */
    bool stopping;
    bool late;     /* the log has said that a worker does not answer */
    bool has_lost; /* the log has said that the service manager cannot be reached */
} notify__state;

static _Atomic int notify__pings[NOTIFY__WORKERS_MAX];

static void notify__tell(const char *text)
{
    char line[160];

    if (!os_systemd_listens()) return;
    int os_error = os_systemd_tell(text);
    if (os_error == 0 || notify__state.has_lost) return;
    notify__state.has_lost = true;
    snprintf(line, sizeof line, "the state cannot be reported to the service manager: error %d",
             os_error);
    serve_output_log(notify__state.options, WEIR_LOG_WARNING, line);
}

/* Reports the time that the next step can take. */
static void notify__extend(uint64_t ms)
{
    char text[64];

    snprintf(text, sizeof text, "EXTEND_TIMEOUT_USEC=%" PRIu64, ms * 1000);
    notify__tell(text);
}

/* ---- the watchdog ---- */

static void notify__answer(struct weir_worker *worker, void *ping)
{
    (void)worker;
    atomic_store((_Atomic int *)ping, NOTIFY__ANSWERED);
}

/* Posts the function to the workers that have not got it in this round. Returns the number of the
 * first worker that has not answered; `count` if all have. */
static uint32_t notify__ask(uint32_t count)
{
    uint32_t silent = count;

    for (uint32_t i = count; i-- > 0;) {
        if (atomic_load(&notify__pings[i]) == NOTIFY__ANSWERED) continue;
        silent = i;
        if (atomic_load(&notify__pings[i]) == NOTIFY__POSTED) continue;
        atomic_store(&notify__pings[i], NOTIFY__POSTED); /* before the worker can answer */
        if (weir_post(notify__state.server, i, notify__answer, &notify__pings[i]) != WEIR_OK)
            atomic_store(&notify__pings[i], NOTIFY__NOT_POSTED);
    }
    return silent;
}

static void notify__log_silence(uint32_t worker)
{
    char line[200];

    if (notify__state.late || notify__state.stopping) return;
    notify__state.late = true;
    snprintf(line, sizeof line,
             "worker %" PRIu32 " has not answered for %" PRIu64 " ms: a callback blocks it; until "
             "it answers, the watchdog of the service manager is not fed",
             worker, notify__state.interval_ms);
    serve_output_log(notify__state.options, WEIR_LOG_ERROR, line);
}

/* Feeds the watchdog if every worker has answered since the last time, and asks again. */
static void notify__feed(void)
{
    uint32_t count = weir_server_workers_count(notify__state.server);
    uint32_t silent;

    if (count > NOTIFY__WORKERS_MAX) count = NOTIFY__WORKERS_MAX;
    silent = notify__ask(count);
    if (silent < count) {
        notify__log_silence(silent);
        return;
    }
    notify__state.late = false;
    notify__tell("WATCHDOG=1");
    for (uint32_t i = 0; i < count; i++) atomic_store(&notify__pings[i], NOTIFY__NOT_POSTED);
    notify__ask(count);
}

/* ---- reports ---- */

static void notify__status(void)
{
    const char *format = notify__state.stopping ? "STATUS=shutting down: %" PRIu64 " sessions left"
                                                : "STATUS=serving %" PRIu64 " sessions";
    struct weir_stats stats;
    char text[80];

    weir_server_stats(notify__state.server, &stats);
    snprintf(text, sizeof text, format, stats.open + (stats.peers_opened - stats.peers_closed));
    notify__tell(text);
}

static void notify__tick(void)
{
    notify__status();
    if (notify__state.stopping) notify__extend(NOTIFY__EXTENSION_MS);
    if (os_systemd_watchdog_ms() > 0) notify__feed();
}

static void notify__plan(uint64_t interval_ms)
{
    notify__state.interval_ms = interval_ms;
    notify__state.next_ms = os_now_ms() + interval_ms;
}

void notify_start(const struct options *options)
{
    uint32_t bind_wait_ms = options->config.bind_wait_ms;

    notify__state.options = options;
    if (bind_wait_ms > 0) notify__extend((uint64_t)bind_wait_ms + NOTIFY__START_MS);
}

void notify_ready(struct weir_server *server)
{
    uint64_t half_ms = os_systemd_watchdog_ms() / 2;

    if (!os_systemd_listens()) return;
    notify__state.server = server;
    notify__tell("READY=1\nSTATUS=serving");
    if (os_systemd_watchdog_ms() == 0) return;
    notify__plan(half_ms > 0 ? half_ms : 1);
    notify__ask(weir_server_workers_count(server));
}

/* Returns the time until the next report or the end of the wait; 0: neither is due ever. */
static uint32_t notify__left_ms(uint64_t now_ms, uint64_t end_ms)
{
    uint64_t until_ms = end_ms;

    if (notify__state.interval_ms > 0 && notify__state.next_ms < until_ms)
        until_ms = notify__state.next_ms;
    if (until_ms == OS_NO_DEADLINE) return 0;
    if (until_ms <= now_ms) return 1; /* 0 would wait forever */
    return until_ms - now_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)(until_ms - now_ms);
}

enum os_event notify_wait(uint32_t timeout_ms)
{
    uint64_t end_ms = timeout_ms == 0 ? OS_NO_DEADLINE : os_now_ms() + timeout_ms;

    for (;;) {
        enum os_event event = os_wait(notify__left_ms(os_now_ms(), end_ms));
        uint64_t now_ms = os_now_ms();
        if (notify__state.interval_ms > 0 && now_ms >= notify__state.next_ms) {
            notify__tick();
            notify__state.next_ms = now_ms + notify__state.interval_ms;
        }
        if (event != OS_TIME || now_ms >= end_ms) return event;
    }
}

void notify_reloading(void)
{
    char text[80];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, os_systemd_now_us());
    notify__tell(text);
}

void notify_reloaded(void)
{
    notify__tell("READY=1");
}

void notify_stopping(void)
{
    uint64_t half_ms = os_systemd_watchdog_ms() / 2;

    if (!os_systemd_listens() || notify__state.stopping) return;
    notify__state.stopping = true;
    notify__tell("STOPPING=1");
    notify__tick();
    notify__plan(half_ms > 0 && half_ms < NOTIFY__DRAIN_TICK_MS ? half_ms : NOTIFY__DRAIN_TICK_MS);
}
