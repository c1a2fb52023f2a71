/* SPDX-License-Identifier: MIT */
/* findings.c - runs every rule, and sorts what they found. */
#include "findings.h"

#include "findings_rules.h"

/* Of findings with the same severity, those of an earlier rule come first. */
static const findings_rule findings__rules[] = {
    findings_node_refused,   findings_broker_away,         findings_cluster_dropping,
    findings_cluster_losing, findings_worker_silent,       findings_reload_failed,
    findings_memory_high,    findings_accepts_refused,     findings_out_of_files,
    findings_out_of_buffers, findings_handler_blocks,      findings_handler_slow,
    findings_loop_lag,       findings_loop_busy,           findings_sessions_nearly_full,
    findings_mailbox_full,   findings_peer_not_reading,    findings_slow_frame,
    findings_group_dropping, findings_closes_dominated,    findings_opening_fails,
    findings_address_share,  findings_certificate_expires, findings_datagrams_dropped,
    findings_log_lost,       findings_over_rate,           findings_paused_by_handler,
    findings_needs_restart,
};

/* Insertion keeps the sequence of equal severities, and there are few findings. */
static void findings__sort(struct findings *findings)
{
    for (size_t i = 1; i < findings->count; i++) {
        struct finding moved = findings->items[i];
        size_t at = i;
        for (; at > 0 && findings->items[at - 1].severity < moved.severity; at--)
            findings->items[at] = findings->items[at - 1];
        findings->items[at] = moved;
    }
}

void findings_collect(const struct findings_input *input, struct findings *findings)
{
    findings->count = 0;
    for (size_t i = 0; i < sizeof findings__rules / sizeof findings__rules[0]; i++)
        findings__rules[i](input, findings);
    findings__sort(findings);
}

const char *findings_severity_text(enum findings_severity severity)
{
    static const char *const words[] = {"note", "warning", "critical"};

    return (size_t)severity < sizeof words / sizeof words[0] ? words[severity] : "unknown";
}
