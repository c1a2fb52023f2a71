/* SPDX-License-Identifier: MIT */
/* exposition.c - see exposition.h. */
#include "exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXPOSITION__NS UINT64_C(1000000000)

void exposition_family(struct exposition *exposition, const char *family, enum exposition_type type,
                       const char *help)
{
    static const char *const words[] = {"counter", "gauge", "histogram"};
    const char *prefix = strncmp(family, "process_", 8) == 0 ? "" : "weir_";
    const char *suffix = type == EXPOSITION_COUNTER && !exposition->is_openmetrics ? "_total" : "";

    exposition->prefix = prefix;
    exposition->family = family;
    exposition->type = type;
    exposition->labels_length = 0;
    body_format(exposition->body, "# HELP %s%s%s %s\n# TYPE %s%s%s %s\n", prefix, family, suffix,
                help, prefix, family, suffix, words[type]);
}

/* Escapes a value: both formats write \\, \" and \n so. */
static void exposition__escape(const char *value, char *text, size_t size)
{
    size_t used = 0;

    for (; *value != '\0' && used + 3 < size; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n') text[used++] = '\\';
        text[used++] = *value;
        if (*value == '\n') text[used - 1] = 'n';
    }
    text[used] = '\0';
}

void exposition_label(struct exposition *exposition, const char *name, const char *value)
{
    char text[256];
    size_t used = exposition->labels_length, left = sizeof exposition->labels - used;

    exposition__escape(value, text, sizeof text);
    int length =
        snprintf(exposition->labels + used, left, "%s%s=\"%s\"", used > 0 ? "," : "", name, text);
    if (length > 0 && (size_t)length < left) exposition->labels_length += (size_t)length;
}

void exposition_label_u64(struct exposition *exposition, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    exposition_label(exposition, name, text);
}

/* Writes a sample. `le`: the label of a bucket; null: none. */
static void exposition__sample(struct exposition *exposition, const char *suffix, const char *le,
                               const char *value)
{
    struct body *body = exposition->body;
    bool has_labels = exposition->labels_length > 0;

    body_format(body, "%s%s%s", exposition->prefix, exposition->family, suffix);
    if (has_labels || le) body_text(body, "{");
    body_add(body, exposition->labels, exposition->labels_length);
    if (le) body_format(body, "%sle=\"%s\"", has_labels ? "," : "", le);
    if (has_labels || le) body_text(body, "}");
    body_format(body, " %s\n", value);
}

static void exposition__value(struct exposition *exposition, const char *value)
{
    const char *suffix = exposition->type == EXPOSITION_COUNTER ? "_total" : "";

    exposition__sample(exposition, suffix, NULL, value);
    exposition->labels_length = 0;
}

void exposition_u64(struct exposition *exposition, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    exposition__value(exposition, text);
}

void exposition_i64(struct exposition *exposition, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    exposition__value(exposition, text);
}

/* Writes a fraction exactly, "0.0025": as a decimal number without zeros at its end, but with one
 * digit after the point, as OpenMetrics wants it for bounds. */
static void exposition__decimal(uint64_t count, uint64_t per_second, char *text, size_t size)
{
    int digits = per_second == EXPOSITION__NS ? 9 : per_second == 1000 ? 3 : 6;
    int length = snprintf(text, size, "%" PRIu64 ".%0*" PRIu64, count / per_second, digits,
                          count % per_second);

    while (length > 2 && text[length - 1] == '0' && text[length - 2] != '.') text[--length] = '\0';
}

void exposition_seconds(struct exposition *exposition, uint64_t count, uint64_t per_second)
{
    char text[48];

    exposition__decimal(count, per_second, text, sizeof text);
    exposition__value(exposition, text);
}

void exposition_bucket(struct exposition *exposition, uint64_t upper_ns, uint64_t cumulative)
{
    char bound[48] = "+Inf", value[24];

    if (upper_ns != UINT64_MAX) exposition__decimal(upper_ns, EXPOSITION__NS, bound, sizeof bound);
    snprintf(value, sizeof value, "%" PRIu64, cumulative);
    exposition__sample(exposition, "_bucket", bound, value);
}

void exposition_sum(struct exposition *exposition, uint64_t sum_ns, uint64_t count)
{
    char text[48];

    exposition__decimal(sum_ns, EXPOSITION__NS, text, sizeof text);
    exposition__sample(exposition, "_sum", NULL, text);
    snprintf(text, sizeof text, "%" PRIu64, count);
    exposition__sample(exposition, "_count", NULL, text);
    exposition->labels_length = 0;
}

void exposition_end(struct exposition *exposition)
{
    if (exposition->is_openmetrics) body_text(exposition->body, "# EOF\n");
}
