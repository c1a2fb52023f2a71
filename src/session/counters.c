/* SPDX-License-Identifier: MIT */
/* counters.c - summing what the workers count, and the reasons in words. */
#include "counters.h"

void counters_add_to(const struct counters *counters, struct weir_stats *stats)
{
    /* Before `accepted`, so that `open` is never less than nothing. */
    uint64_t closed = counter_read(&counters->closed);
    uint64_t accepted = counter_read(&counters->accepted);

    stats->accepted += accepted;
    stats->closed += closed;
    stats->open += accepted - closed;
    stats->bytes_in += counter_read(&counters->bytes_in);
    stats->bytes_out += counter_read(&counters->bytes_out);
    stats->datagrams_in += counter_read(&counters->datagrams_in);
    stats->datagrams_out += counter_read(&counters->datagrams_out);
    stats->datagram_bytes_in += counter_read(&counters->datagram_bytes_in);
    stats->datagram_bytes_out += counter_read(&counters->datagram_bytes_out);
    stats->refused_full += counter_read(&counters->refused_full);
    stats->refused_failed += counter_read(&counters->refused_failed);
    stats->dropped_own_source += counter_read(&counters->dropped_own_source);
    stats->dropped_bad_source += counter_read(&counters->dropped_bad_source);
    stats->dropped_too_large += counter_read(&counters->dropped_too_large);
    stats->dropped_unsent += counter_read(&counters->dropped_unsent);
    stats->pauses_no_files += counter_read(&counters->pauses_no_files);
    stats->pauses_no_buffers += counter_read(&counters->pauses_no_buffers);
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
