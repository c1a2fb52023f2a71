/* SPDX-License-Identifier: MIT */
/* stats_stopgap.c - weir_stats_text() until the session layer's own is merged: this file goes away
 * with that. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

static void stats__add(char *text, size_t size, const char *name, uint64_t count)
{
    size_t used = strlen(text);

    if (used < size)
        snprintf(text + used, size - used, "%s%s=%" PRIu64, used > 0 ? " " : "", name, count);
}

char *weir_stats_text(const struct weir_stats *stats, char *text, size_t size)
{
    const struct {
        const char *name;
        uint64_t count;
        int always;
    } counts[] = {
        {"accepted", stats->accepted, 1},
        {"closed", stats->closed, 1},
        {"bytes_in", stats->bytes_in, 1},
        {"bytes_out", stats->bytes_out, 1},
        {"datagrams_in", stats->datagrams_in, 1},
        {"datagrams_out", stats->datagrams_out, 1},
        {"datagram_bytes_in", stats->datagram_bytes_in, 1},
        {"datagram_bytes_out", stats->datagram_bytes_out, 1},
        {"refused_full", stats->refused_full, 0},
        {"refused_failed", stats->refused_failed, 0},
        {"dropped_own_source", stats->dropped_own_source, 0},
        {"dropped_bad_source", stats->dropped_bad_source, 0},
        {"dropped_too_large", stats->dropped_too_large, 0},
        {"dropped_unsent", stats->dropped_unsent, 0},
        {"pauses_no_files", stats->pauses_no_files, 0},
        {"pauses_no_buffers", stats->pauses_no_buffers, 0},
    };
    char name[48];

    text[0] = '\0';
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].always || counts[i].count > 0)
            stats__add(text, size, counts[i].name, counts[i].count);
    for (int i = 0; i < WEIR_REASONS_COUNT; i++) {
        snprintf(name, sizeof name, "closed_%s", weir_reason_text((enum weir_reason)i));
        if (stats->closed_by_reason[i] > 0)
            stats__add(text, size, name, stats->closed_by_reason[i]);
    }
    return text;
}
