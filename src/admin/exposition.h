/* SPDX-License-Identifier: MIT */
/* exposition.h - writes metrics in the text formats of Prometheus: the text format 0.0.4, and
 * OpenMetrics 1.0. They differ: OpenMetrics names the family of a counter without "_total", and
 * ends with "# EOF"; the text format names it with "_total". All names get the prefix "weir_"
 * unless they begin with "process_".
 *
 *      exposition_family(e, "sent_bytes", EXPOSITION_COUNTER, "Bytes sent.");
 *      exposition_label(e, "proto", "tcp");
 *      exposition_u64(e, 17);              weir_sent_bytes_total{proto="tcp"} 17 */
#ifndef ADMIN_EXPOSITION_H
#define ADMIN_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "body.h"

enum exposition_type { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

/* Starts as {.body = &body, .is_openmetrics = ...}. */
struct exposition {
    struct body *body;
    bool is_openmetrics;
    const char *prefix, *family; /* of the samples that follow */
    enum exposition_type type;
    char labels[512]; /* of the next sample, without braces */
    size_t labels_length;
};

/* Begins a family. `family` is its name without "weir_" and "_total", and must stay valid. */
void exposition_family(struct exposition *exposition, const char *family, enum exposition_type type,
                       const char *help);

/* Adds a label to the next sample. A label that does not fit is left out. */
void exposition_label(struct exposition *exposition, const char *name, const char *value);
void exposition_label_u64(struct exposition *exposition, const char *name, uint64_t value);

/* Write a sample of the family, and forget its labels. */
void exposition_u64(struct exposition *exposition, uint64_t value);
void exposition_i64(struct exposition *exposition, int64_t value);
/* `count` units of 1 / `per_second` seconds: milliseconds with 1000. */
void exposition_seconds(struct exposition *exposition, uint64_t count, uint64_t per_second);

/* Write one bucket of a histogram, cumulated up to `upper_ns` (UINT64_MAX: +Inf), with the labels
 * that were added, which stay; and its sum and count, which end it. */
void exposition_bucket(struct exposition *exposition, uint64_t upper_ns, uint64_t cumulative);
void exposition_sum(struct exposition *exposition, uint64_t sum_ns, uint64_t count);

/* Ends the whole text. */
void exposition_end(struct exposition *exposition);

#endif
