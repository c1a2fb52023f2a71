/* SPDX-License-Identifier: MIT */
/* load_window.c - counts answers, latencies and processor time in the measured window.
 *
 * Latencies go into buckets: 128 for each power of two, so a percentile is exact to 0.8 percent.
 * The processor time of a server is the CPU clock of its process: all threads, to the nanosecond,
 * with those that have ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define WINDOW__SUB_BITS 7
#define WINDOW__SUBS (1u << WINDOW__SUB_BITS)
#define WINDOW__BUCKETS ((64 - WINDOW__SUB_BITS + 1) * WINDOW__SUBS)
#define WINDOW__NS_PER_S UINT64_C(1000000000)

enum window__phase { WINDOW__WARM, WINDOW__MEASURED, WINDOW__OVER };

struct window__histogram {
    uint64_t counts[WINDOW__BUCKETS];
    uint64_t total;
};

static struct {
    enum window__phase phase;
    uint64_t began_ns, took_ns;
    uint64_t server_ns, own_ns; /* processor time; at the start of the window, then in it */
    uint64_t answers, lost, all_answers;
    struct window__histogram latencies, lags;
} window;

static uint32_t window__bucket(uint64_t value)
{
    if (value < WINDOW__SUBS) return (uint32_t)value;
    uint32_t power = 63 - (uint32_t)__builtin_clzll(value) - WINDOW__SUB_BITS;

    return (power + 1) * WINDOW__SUBS + ((uint32_t)(value >> power) & (WINDOW__SUBS - 1));
}

static uint64_t window__value(uint32_t bucket)
{
    uint32_t power = bucket / WINDOW__SUBS;

    if (power == 0) return bucket;
    return (uint64_t)(WINDOW__SUBS + bucket % WINDOW__SUBS) << (power - 1);
}

static uint64_t window__percentile(const struct window__histogram *histogram, uint64_t percent)
{
    uint64_t left = histogram->total * percent / 100;

    for (uint32_t i = 0; i < WINDOW__BUCKETS; i++) {
        if (left < histogram->counts[i]) return window__value(i);
        left -= histogram->counts[i];
    }
    return 0;
}

static uint64_t window__clock_ns(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) != 0) load_fail("clock_gettime (has the server ended?)");
    return (uint64_t)time.tv_sec * WINDOW__NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t load_now_ns(void)
{
    return window__clock_ns(CLOCK_MONOTONIC);
}

static uint64_t window__server_ns(void)
{
    uint64_t sum_ns = 0;

    for (uint32_t i = 0; i < load_settings.pids_count; i++) {
        clockid_t clock;
        if (clock_getcpuclockid(load_settings.pids[i], &clock) != 0)
            load_give_up("a server has ended");
        sum_ns += window__clock_ns(clock);
    }
    return sum_ns;
}

static void window__open(uint64_t now_ns)
{
    memset(&window.latencies, 0, sizeof window.latencies);
    memset(&window.lags, 0, sizeof window.lags);
    window.answers = window.lost = 0;
    window.phase = WINDOW__MEASURED;
    window.server_ns = window__server_ns();
    window.own_ns = window__clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    window.began_ns = now_ns;
}

void load_begin(void)
{
    window.began_ns = load_now_ns();
    if (load_settings.messages > 0) window__open(window.began_ns);
}

void load_count(uint64_t count, uint64_t latency_ns)
{
    window.all_answers += count;
    window.answers += count;
    window.latencies.counts[window__bucket(latency_ns)] += count;
    window.latencies.total += count;
}

void load_count_lag(uint64_t lag_ns)
{
    window.lags.counts[window__bucket(lag_ns)]++;
    window.lags.total++;
}

void load_count_lost(uint64_t count)
{
    window.lost += count;
}

uint64_t load_answers(void)
{
    return window.all_answers;
}

bool load_is_over(uint64_t now_ns)
{
    if (window.phase == WINDOW__WARM && now_ns - window.began_ns >= load_settings.warm_ns)
        window__open(now_ns);
    if (window.phase != WINDOW__MEASURED) return window.phase == WINDOW__OVER;
    bool is_over = load_settings.messages > 0 ? window.answers >= load_settings.messages
                                              : now_ns - window.began_ns >= load_settings.window_ns;
    if (!is_over) return false;
    window.server_ns = window__server_ns() - window.server_ns;
    window.own_ns = window__clock_ns(CLOCK_PROCESS_CPUTIME_ID) - window.own_ns;
    window.took_ns = now_ns - window.began_ns;
    window.phase = WINDOW__OVER;
    return true;
}

void load_print(void)
{
    printf("{\"messages\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_ns\": %" PRIu64
           ", \"load_cpu_ns\": %" PRIu64 ", \"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64
           ", \"lag_p99_ns\": %" PRIu64 ", \"lost\": %" PRIu64 "}\n",
           window.answers, (double)window.took_ns / (double)WINDOW__NS_PER_S, window.server_ns,
           window.own_ns, window__percentile(&window.latencies, 50),
           window__percentile(&window.latencies, 99), window__percentile(&window.lags, 99),
           window.lost);
    fflush(stdout);
}

void load_wait_gate(void)
{
    char line[16];

    if (!load_settings.is_gated) return;
    printf("ready\n");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) exit(0); /* nothing more is wanted */
}
