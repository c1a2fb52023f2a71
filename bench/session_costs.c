/* SPDX-License-Identifier: MIT */
/* session_costs.c - the cost of very many sessions for a worker: the longest time for opening one
 * while the table grows, the time for finding and closing one, and for moving its timer.
 *
 *      session_costs [SESSIONS]
 *
 * Times are the thread's own processor time, including page faults: time that other processes use
 * does not count.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "session_table.h"
#include "wheel.h"

#define SESSIONS_COUNT 100000u
#define SESSIONS_MAX (1u << 23)
#define SPREAD_MS 600000u /* timers are spread over ten minutes */
#define ROUNDS 10u

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "session_costs: %s\n", what);
    exit(1);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return *state >> 8;
}

static void report(const char *what, uint64_t start_ns, uint64_t count)
{
    printf("%-44s %8.1f ns each\n", what, (double)(now_ns() - start_ns) / (double)count);
}

/* Opens all sessions; prints the average and the longest time. */
static void open_all(struct session_table *table, struct weir_session **sessions, uint32_t count)
{
    uint64_t longest_ns = 0, start_ns = now_ns(), before_ns = start_ns;
    uint32_t longest_at = 0;

    for (uint32_t i = 0; i < count; i++) {
        sessions[i] = session_table_open(table);
        if (!sessions[i]) fail("no memory");
        uint64_t after_ns = now_ns();
        if (after_ns - before_ns > longest_ns) {
            longest_ns = after_ns - before_ns;
            longest_at = i;
        }
        before_ns = after_ns;
    }
    report("open, while the table grows (and the clock)", start_ns, count);
    printf("%-44s %8.1f us, the %" PRIu32 "th\n", "the longest single open",
           (double)longest_ns / 1000, longest_at + 1);
}

static void find_all(const struct session_table *table, struct weir_session **sessions,
                     uint32_t count)
{
    uint32_t chance = 1;
    uint64_t start_ns = now_ns();

    for (uint32_t i = 0; i < count; i++) {
        struct weir_session *session = sessions[next_random(&chance) % count];
        if (session_table_find(table, session->id) != session) fail("a session was not found");
    }
    report("find any by its id", start_ns, count);
}

static void move_timers(struct weir_session **sessions, uint32_t count)
{
    static struct wheel wheel;
    uint32_t chance = 7;
    uint64_t due_count = 0, start_ns = now_ns();

    wheel_init(&wheel, 1);
    for (uint32_t i = 0; i < count; i++)
        wheel_start(&wheel, &sessions[i]->deadline, 1 + next_random(&chance) % SPREAD_MS);
    report("start a timer", start_ns, count);
    start_ns = now_ns();
    for (uint32_t i = 0; i < count * ROUNDS; i++)
        wheel_start(&wheel, &sessions[next_random(&chance) % count]->deadline,
                    1 + next_random(&chance) % SPREAD_MS);
    report("move any timer", start_ns, (uint64_t)count * ROUNDS);
    start_ns = now_ns();
    for (uint32_t i = 0; i < count / 2; i++) wheel_stop(&wheel, &sessions[i]->deadline);
    report("stop a timer", start_ns, count / 2);
    start_ns = now_ns();
    for (uint64_t ms = 1; ms <= SPREAD_MS; ms++)
        while (wheel_take_due(&wheel, ms)) due_count++;
    if (due_count != count - count / 2) fail("a timer was lost");
    report("ten minutes of milliseconds: a timer", start_ns, due_count);
    report("ten minutes of milliseconds: a millisecond", start_ns, SPREAD_MS);
}

int main(int argc, char **argv)
{
    struct session_table table;
    unsigned long asked = argc > 1 ? strtoul(argv[1], NULL, 10) : SESSIONS_COUNT;
    uint32_t count = (uint32_t)asked;

    if (asked < 2 || asked > SESSIONS_MAX) fail("how many sessions, from 2 to 8388608?");
    struct weir_session **sessions = calloc(count, sizeof *sessions);
    if (!sessions || !session_table_init(&table, 0, 0, count, 0)) fail("no memory");
    printf("%" PRIu32 " sessions of %zu bytes, %" PRIu32 " apart\n", count,
           sizeof(struct weir_session), table.stride_bytes);
    open_all(&table, sessions, count);
    find_all(&table, sessions, count);
    move_timers(sessions, count);
    uint64_t start_ns = now_ns();
    for (uint32_t i = 0; i < count; i++) session_table_close(&table, sessions[i]);
    report("close", start_ns, count);
    session_table_free(&table);
    free(sessions);
    return 0;
}
