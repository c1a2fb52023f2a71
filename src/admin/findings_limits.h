/* SPDX-License-Identifier: MIT */
/* findings_limits.h - the limits above which a rule reports a finding. docs/operating.md has the
 * reasons. */
#ifndef ADMIN_FINDINGS_LIMITS_H
#define ADMIN_FINDINGS_LIMITS_H

/* ---- sessions ---- */
#define FINDINGS_NOT_READING_MS 3000u /* a pause by the send queue that lasts for this long */
#define FINDINGS_RATE_PAUSED_MS 1000u /* a pause by a rate limit; most last for milliseconds */
#define FINDINGS_SLOW_FRAME_MS 3000u  /* a frame that is incomplete for this long, */
#define FINDINGS_SLOW_FRAME_BYTES_PER_S 512u /* and grows by fewer bytes per second */
#define FINDINGS_HANDLER_PAUSED_MS 30000u    /* a pause by the handler itself */
#define FINDINGS_ADDRESS_SESSIONS_MIN 10u    /* sessions of one address, */
#define FINDINGS_ADDRESS_PERCENT 50u         /* and their part of all sessions; */
#define FINDINGS_ADDRESS_MANY_MIN 100u       /* of that many sessions, */
#define FINDINGS_ADDRESS_MANY_PERCENT 20u    /* a smaller part is unusual, too */

/* ---- durations ---- */
#define FINDINGS_HANDLER_P99_NS 10000000u /* callbacks of one handler: 10 ms */
#define FINDINGS_HANDLER_SAMPLES_MIN 10u
#define FINDINGS_LOOP_P99_NS 20000000u /* one loop iteration: 20 ms */
#define FINDINGS_LOOP_SAMPLES_MIN 20u
#define FINDINGS_BUSY_WINDOW_MIN_MS 5000u /* a start is always busy */
#define FINDINGS_BUSY_PERCENT 90u         /* time that the loops were not waiting for events */
#define FINDINGS_SILENT_MS 2000u          /* a worker that does not answer */

/* ---- load; counters are compared over the window ---- */
#define FINDINGS_MEMORY_PERCENT 80u
#define FINDINGS_MEMORY_CRITICAL_PERCENT 95u
#define FINDINGS_SESSIONS_PERCENT 90u /* open sessions, of max-sessions */
#define FINDINGS_REFUSED_MIN 5u       /* connections that one limit refused */
#define FINDINGS_MAILBOX_REFUSED_MIN 1u
#define FINDINGS_LOG_LOST_MIN 1u
#define FINDINGS_DATAGRAMS_DROPPED_MIN 100u
#define FINDINGS_DATAGRAMS_DROPPED_PERCENT 5u

/* ---- ends of sessions ---- */
#define FINDINGS_CLOSES_MIN 20u /* closed sessions in the window */
#define FINDINGS_CLOSES_PERCENT 50u
#define FINDINGS_OPENING_FAILED_MIN 20u
#define FINDINGS_OPENING_FAILED_PERCENT 25u /* of all connections that were accepted */

/* ---- groups ---- */
#define FINDINGS_GROUP_DROPPED_MIN 20u
#define FINDINGS_GROUP_DROPPED_PERCENT 1u

/* ---- cluster ---- */
#define FINDINGS_CLUSTER_LOST_MIN 1u /* messages with one cause */

/* ---- certificates ---- */
#define FINDINGS_CERTIFICATE_DAYS 14

#endif
