/* SPDX-License-Identifier: MIT */
/* findings.h - says in words what is wrong with a running server, why that is believed, and which
 * option changes it. The rules are pure: they compare figures of two moments and a summary of the
 * open sessions with the limits in findings_limits.h, and know no server, clock or memory.
 *
 *     sessions -> findings_scan.h ----+
 *     counters, histograms, groups ---+--> findings_collect() --> /findings.json, page, weir top
 */
#ifndef ADMIN_FINDINGS_H
#define ADMIN_FINDINGS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/cluster.h>
#include <weir/weir.h>

#include "findings_scan.h"

#define FINDINGS_TEXT_BYTES 320
#define FINDINGS_MAX 32 /* most findings at a time; there are fewer rules that find one each */

enum findings_severity {
    FINDINGS_NOTE,     /* works as configured, but worth a look */
    FINDINGS_WARNING,  /* some peers are affected, or soon will be */
    FINDINGS_CRITICAL, /* all peers are affected, or some are refused */
};

/* One diagnosis. */
struct finding {
    const char *id; /* of its rule, "peer_not_reading"; static */
    enum findings_severity severity;
    char text[FINDINGS_TEXT_BYTES];     /* one sentence: what is wrong */
    char evidence[FINDINGS_TEXT_BYTES]; /* the numbers from which that follows */
    const char *advice;                 /* one sentence: what to do; static */
    const char *setting;                /* option to change, without dashes: "send-timeout"; static;
                                         * "": none helps */
    uint64_t session;                   /* id of the session that the text names; 0: none */
};

/* The diagnoses of one moment, the most severe first. */
struct findings {
    struct finding items[FINDINGS_MAX];
    size_t count;
    struct finding spare; /* takes what exceeds FINDINGS_MAX */
};

/* Durations that were measured in the window. */
struct findings_durations {
    uint64_t count, p50_ns, p99_ns;
};

/* The sampled durations of a handler's callbacks. */
struct findings_handler {
    const char *name;     /* of the handler */
    const char *listener; /* "tcp 127.0.0.1:7000"; "": outbound connections */
    struct findings_durations durations;
};

/* A worker at the end of the window. */
struct findings_worker {
    uint64_t memory_bytes, memory_max_bytes; /* maximum 0: not limited */
    uint64_t busy_ms;                        /* of the window: time in loop iterations */
    uint64_t silent_ms; /* how long it has not answered a ping; 0: it answers */
};

/* A group on all workers. Its counters begin with the group. */
struct findings_group {
    const char *name; /* any bytes */
    size_t name_length;
    uint64_t members, offered, dropped;
};

/* A certificate of the server. */
struct findings_certificate {
    const char *name;       /* of its TLS settings */
    int64_t expires_unix_s; /* 0: not known */
};

/* What the rules compare. A null pointer or a count of 0 leaves out the rules that need it. */
struct findings_input {
    uint64_t window_ms;                    /* time between `before` and `now` */
    const struct weir_stats *before, *now; /* both set */
    uint64_t sessions_max;                 /* the setting; 0: not known */
    struct findings_durations loop;        /* loop iterations of all workers */
    const struct findings_worker *workers;
    size_t workers_count;
    const struct findings_handler *handlers;
    size_t handlers_count;
    const struct findings_group *groups;
    size_t groups_count;
    const struct findings_certificate *certificates;
    size_t certificates_count;
    int64_t now_unix_s;
    const char *reload_error;     /* why the last reload failed; null: it did not */
    uint32_t needs_restart_count; /* settings that the last reload could not apply */
    const struct weir_cluster_stats *cluster, *cluster_before; /* at the ends of the window */
    const struct findings_scan *scan; /* of all open sessions, some seconds old at most */
};

/* Fills in *findings by all rules. Thread: any; it uses its arguments only. */
void findings_collect(const struct findings_input *input, struct findings *findings);

/* Returns the severity as one word: "warning". Never null. */
const char *findings_severity_text(enum findings_severity severity);

#endif
