/* SPDX-License-Identifier: MIT */
/* amount.c - selects a unit, and writes a number in it. */
#include "amount.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* A unit, and the least value that it is used for: three minutes are clearer than 180 s, but 90 s
 * are clearer than 1 min. */
struct amount__unit {
    uint64_t least, factor;
    const char *name;
};

struct amount amount_duration(uint64_t ms)
{
    static const struct amount__unit units[] = {
        {2 * 86400000u, 86400000u, "days"},
        {2 * 3600000u, 3600000u, "h"},
        {2 * 60000u, 60000u, "min"},
        {1000, 1000, "s"},
        {0, 1, "ms"},
    };
    const struct amount__unit *unit = units;
    struct amount amount;

    while (ms < unit->least) unit++;
    snprintf(amount.text, sizeof amount.text, "%" PRIu64 " %s", ms / unit->factor, unit->name);
    return amount;
}

/* Writes one decimal if the number has one digit before it: 1.5, 15. */
static struct amount amount__decimal(uint64_t value, uint64_t factor, const char *name)
{
    uint64_t whole = value / factor, tenth = value % factor * 10 / factor;
    struct amount amount;

    if (whole < 10 && tenth > 0)
        snprintf(amount.text, sizeof amount.text, "%" PRIu64 ".%" PRIu64 " %s", whole, tenth, name);
    else
        snprintf(amount.text, sizeof amount.text, "%" PRIu64 " %s", whole, name);
    return amount;
}

struct amount amount_duration_ns(uint64_t ns)
{
    if (ns >= UINT64_C(10000000000)) return amount_duration(ns / 1000000);
    if (ns >= 1000000000) return amount__decimal(ns, 1000000000, "s");
    if (ns >= 1000000) return amount__decimal(ns, 1000000, "ms");
    return amount__decimal(ns, 1000, "us");
}

/* Divides by `factor` as often as the names allow and the value needs. */
static struct amount amount__scaled(uint64_t value, uint64_t factor, const char *const *names,
                                    size_t names_count)
{
    uint64_t unit = factor;
    size_t i = 0;

    for (; value / unit >= factor && i + 1 < names_count; i++) unit *= factor;
    return amount__decimal(value, unit, names[i]);
}

struct amount amount_bytes(uint64_t bytes)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
    struct amount amount;

    if (bytes >= 1024) return amount__scaled(bytes, 1024, names, sizeof names / sizeof names[0]);
    snprintf(amount.text, sizeof amount.text, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
    return amount;
}

struct amount amount_count(uint64_t count)
{
    static const char *const names[] = {"k", "M", "G"};
    struct amount amount;

    if (count >= 10000) return amount__scaled(count, 1000, names, sizeof names / sizeof names[0]);
    snprintf(amount.text, sizeof amount.text, "%" PRIu64, count);
    return amount;
}

uint64_t amount_percent(uint64_t part, uint64_t whole)
{
    if (whole == 0) return 0;
    if (part > UINT64_MAX / 100) return part / (whole / 100 + 1);
    return part * 100 / whole;
}
