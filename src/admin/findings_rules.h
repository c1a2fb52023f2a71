/* SPDX-License-Identifier: MIT */
/* findings_rules.h - the rules: each adds the findings of one kind. */
#ifndef ADMIN_FINDINGS_RULES_H
#define ADMIN_FINDINGS_RULES_H

#include "findings.h"

/* Adds what it finds, or nothing. */
typedef void (*findings_rule)(const struct findings_input *input, struct findings *findings);

/* Sessions, from the scan: */
void findings_peer_not_reading(const struct findings_input *input, struct findings *findings);
void findings_over_rate(const struct findings_input *input, struct findings *findings);
void findings_slow_frame(const struct findings_input *input, struct findings *findings);
void findings_paused_by_handler(const struct findings_input *input, struct findings *findings);
void findings_address_share(const struct findings_input *input, struct findings *findings);

/* Durations: */
void findings_worker_silent(const struct findings_input *input, struct findings *findings);
void findings_handler_slow(const struct findings_input *input, struct findings *findings);
void findings_handler_blocks(const struct findings_input *input, struct findings *findings);
void findings_loop_lag(const struct findings_input *input, struct findings *findings);
void findings_loop_busy(const struct findings_input *input, struct findings *findings);

/* Load: */
void findings_memory_high(const struct findings_input *input, struct findings *findings);
void findings_accepts_refused(const struct findings_input *input, struct findings *findings);
void findings_sessions_nearly_full(const struct findings_input *input, struct findings *findings);
void findings_out_of_files(const struct findings_input *input, struct findings *findings);
void findings_out_of_buffers(const struct findings_input *input, struct findings *findings);
void findings_mailbox_full(const struct findings_input *input, struct findings *findings);
void findings_log_lost(const struct findings_input *input, struct findings *findings);
void findings_datagrams_dropped(const struct findings_input *input, struct findings *findings);

/* Ends of sessions, groups, settings: */
void findings_closes_dominated(const struct findings_input *input, struct findings *findings);
void findings_opening_fails(const struct findings_input *input, struct findings *findings);
void findings_group_dropping(const struct findings_input *input, struct findings *findings);
void findings_certificate_expires(const struct findings_input *input, struct findings *findings);
void findings_reload_failed(const struct findings_input *input, struct findings *findings);
void findings_needs_restart(const struct findings_input *input, struct findings *findings);

/* Cluster: */
void findings_broker_away(const struct findings_input *input, struct findings *findings);
void findings_node_refused(const struct findings_input *input, struct findings *findings);
void findings_cluster_dropping(const struct findings_input *input, struct findings *findings);
void findings_cluster_losing(const struct findings_input *input, struct findings *findings);

#endif
