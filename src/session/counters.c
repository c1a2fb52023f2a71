/* SPDX-License-Identifier: MIT */
/* counters.c - sums the counters of the workers, and formats sums and reasons as text. */
#include "counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

_Static_assert(WEIR_REASONS_COUNT <=
                   sizeof(((struct weir_stats *)0)->closed_by_reason) / sizeof(uint64_t),
               "there is a count for every reason");

static void counters__raise(uint64_t *most, const thread_counter *counter)
{
    uint64_t value = counter_read(counter);

    if (value > *most) *most = value;
}

void counters_add_to(const struct counters *counters, struct weir_stats *stats)
{
    /* Reads `closed` before the others, so that `open` is never negative. */
    uint64_t closed = counter_read(&counters->closed);
    uint64_t accepted = counter_read(&counters->accepted);
    uint64_t connected = counter_read(&counters->connected);

    struct weir_stats mine = {0};

#define COUNTER(name, always) mine.name = counter_read(&counters->name);
#include "counters.def"
#undef COUNTER
    mine.accepted = accepted;
    mine.connected = connected;
    mine.closed = closed;
#define COUNTER(name, always) stats->name += mine.name;
#include "counters.def"
#undef COUNTER
    stats->open += accepted + connected - closed;
    stats->memory_bytes += counter_read(&counters->memory_bytes);
    counters__raise(&stats->timer_lag_max_ms, &counters->timer_lag_max_ms);
    counters__raise(&stats->reassembly_bytes_max, &counters->reassembly_bytes_max);
    for (int i = 0; i < WEIR_REASONS_COUNT; i++)
        stats->closed_by_reason[i] += counter_read(&counters->closed_by_reason[i]);
}

const char *weir_reason_text(enum weir_reason reason)
{
    static const char *const texts[WEIR_REASONS_COUNT] = {
        [WEIR_REASON_NONE] = "none",
#define WEIR_REASON(identifier, word, text) [WEIR_REASON_##identifier] = word,
#include <weir/reason.def>
#undef WEIR_REASON
    };

    return (unsigned)reason < WEIR_REASONS_COUNT ? texts[reason] : "unknown";
}

/* ---- text ---- */

struct counters__words {
    char *text;
    size_t size, used;
};

static void counters__say(struct counters__words *words, const char *prefix, const char *name,
                          uint64_t count)
{
    int length;

    if (words->used >= words->size) return;
    length = snprintf(words->text + words->used, words->size - words->used, "%s%s%s=%" PRIu64,
                      words->used > 0 ? " " : "", prefix, name, count);
    weir_check(length > 0);
    words->used += (size_t)length;
}

char *weir_stats_text(const struct weir_stats *stats, char *text, size_t size)
{
    weir_check_use(size > 0, "weir_stats_text() needs room for its end");
    const struct {
        const char *name;
        uint64_t count;
        int always;
    } counts[] = {
#define COUNTER(name, always) {#name, stats->name, always},
#include "counters.def"
#undef COUNTER
        {"timer_lag_max_ms", stats->timer_lag_max_ms, 0},
        {"reassembly_bytes_max", stats->reassembly_bytes_max, 0},
        {"connects_refused", stats->connects_refused, 0},
        {"log_lines_lost", stats->log_lines_lost, 0},
    };
    struct counters__words words = {text, size, 0};

    text[0] = '\0';
    for (size_t i = 0; i < weir_count_of(counts); i++)
        if (counts[i].always || counts[i].count > 0)
            counters__say(&words, "", counts[i].name, counts[i].count);
    for (int i = 0; i < WEIR_REASONS_COUNT; i++)
        if (stats->closed_by_reason[i] > 0)
            counters__say(&words, "closed_", weir_reason_text((enum weir_reason)i),
                          stats->closed_by_reason[i]);
    return text;
}
