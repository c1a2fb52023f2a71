/* SPDX-License-Identifier: MIT */
/* value.c - reads and writes numbers with their units. */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "number.h"

/* The largest unit first; "" is the unit of a bare number. */
static const struct number_unit value__times[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"", 1000}, {"ms", 1}, {0}};
static const struct number_unit value__short_times[] = {{"ms", 1000}, {"us", 1}, {0}};
static const struct number_unit value__plain[] = {{"", 1}, {0}};

static const struct number_unit *value__units(enum value_kind kind)
{
    switch (kind) {
    case VALUE_DURATION: return value__times;
    case VALUE_SPIN: return value__short_times;
    case VALUE_SIZE:
    case VALUE_SIZE_RATE: return number_sizes;
    default: return value__plain;
    }
}

static bool value__is_rate(enum value_kind kind)
{
    return kind == VALUE_RATE || kind == VALUE_SIZE_RATE;
}

/* ---- reading ---- */

static bool value__read_number(enum value_kind kind, const char *text, uint64_t *value)
{
    size_t length = strlen(text);

    if (value__is_rate(kind) && length >= 2 && strcmp(text + length - 2, "/s") == 0) length -= 2;
    return number_read(text, length, value__units(kind), UINT64_MAX, value);
}

/* Reads "1", "1.5", "0.05" or "150%" as percent. */
static bool value__read_ratio(const char *text, uint64_t *percent)
{
    uint64_t whole, part = 0;
    size_t digits = number_digits(text, strlen(text), UINT64_MAX / 200, &whole);
    const char *rest = text + digits;

    if (digits == 0) return false;
    if (strcmp(rest, "%") == 0) {
        *percent = whole;
        return true;
    }
    if (*rest == '.') {
        digits = number_digits(rest + 1, strlen(rest + 1), 99, &part);
        if (digits == 0 || digits > 2) return false;
        if (digits == 1) part *= 10;
        rest += 1 + digits;
    }
    *percent = whole * 100 + part;
    return *rest == '\0';
}

size_t value_words(const char *words, char *room, size_t size, const char *split[VALUE_WORDS_MAX])
{
    size_t count = 0;

    snprintf(room, size, "%s", words);
    for (char *at = room; *at != '\0' && count < VALUE_WORDS_MAX;) {
        split[count++] = at;
        at += strcspn(at, "|");
        if (*at == '|') *at++ = '\0';
    }
    return count;
}

/* Reads up to four octal digits. */
static bool value__read_mode(const char *text, uint64_t *mode)
{
    size_t digits = strspn(text, "01234567");

    if (digits == 0 || digits > 4 || text[digits] != '\0') return false;
    *mode = 0;
    for (; *text != '\0'; text++) *mode = *mode * 8 + (uint64_t)(*text - '0');
    return true;
}

static bool value__read_word(const char *words, const char *text, uint64_t *index)
{
    const char *split[VALUE_WORDS_MAX];
    char room[128];
    size_t count = value_words(words, room, sizeof room, split);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(split[i], text) != 0) continue;
        *index = i;
        return true;
    }
    return false;
}

static bool value__read(enum value_kind kind, const char *text, uint64_t *value)
{
    switch (kind) {
    case VALUE_RATIO: return value__read_ratio(text, value);
    case VALUE_MODE: return value__read_mode(text, value);
    case VALUE_SPIN:
        *value = WEIR_SPIN_AUTO_US;
        return strcmp(text, "auto") == 0 || value__read_number(kind, text, value);
    default: return value__read_number(kind, text, value);
    }
}

bool value_read(const struct value_rule *rule, const char *text, uint64_t *value)
{
    uint64_t read;

    if (rule->kind == VALUE_WORD) return value__read_word(rule->words, text, value);
    if (rule->off[0] != '\0' && strcmp(text, rule->off) == 0) {
        *value = 0;
        return true;
    }
    if (!value__read(rule->kind, text, &read) || read < rule->least || read > rule->most)
        return false;
    *value = read;
    return true;
}

/* ---- writing ---- */

static void value__ratio_text(uint64_t percent, char *text, size_t size)
{
    if (percent % 10 == 0)
        snprintf(text, size, "%" PRIu64 ".%" PRIu64, percent / 100, percent / 10 % 10);
    else
        snprintf(text, size, "%" PRIu64 ".%02" PRIu64, percent / 100, percent % 100);
}

static void value__number_text(enum value_kind kind, uint64_t value, char *text, size_t size)
{
    const struct number_unit *unit = value__units(kind);

    while (unit[1].name && (value % unit->factor != 0 || value == 0)) unit++;
    snprintf(text, size, "%" PRIu64 "%s%s", value / unit->factor, unit->name,
             value__is_rate(kind) ? "/s" : "");
}

char *value_text(const struct value_rule *rule, uint64_t value, char *text, size_t size)
{
    const char *split[VALUE_WORDS_MAX];
    char room[128];

    if (rule->kind == VALUE_WORD) {
        size_t count = value_words(rule->words, room, sizeof room, split);
        snprintf(text, size, "%s", value < count ? split[value] : "?");
    } else if (value == 0 && rule->off[0] != '\0') {
        snprintf(text, size, "%s", rule->off);
    } else if (rule->kind == VALUE_RATIO) {
        value__ratio_text(value, text, size);
    } else if (rule->kind == VALUE_MODE) {
        snprintf(text, size, "%04" PRIo64, value);
    } else {
        value__number_text(rule->kind, value, text, size);
    }
    return text;
}

/* ---- allowed values ---- */

static const char *value__examples(enum value_kind kind)
{
    switch (kind) {
    case VALUE_DURATION: return "a time such as 500ms, 60s, 5m, 1h or 1d";
    case VALUE_SPIN: return "auto, or a time such as 50us or 1ms";
    case VALUE_SIZE: return "a size such as 4096, 64k, 1m or 2g";
    case VALUE_COUNT: return "a number";
    case VALUE_RATE: return "a rate such as 1000 or 1000/s";
    case VALUE_SIZE_RATE: return "a size per second such as 64k/s or 1m/s";
    case VALUE_RATIO: return "a ratio such as 1.0, 0.5 or 150%";
    case VALUE_MODE: return "permissions in octal digits such as 0660";
    case VALUE_WORD: break;
    }
    return "one of ";
}

char *value_wanted(const struct value_rule *rule, char *text, size_t size)
{
    char least[32], most[32];
    struct value_rule number = {.kind = rule->kind, .off = ""};
    const char *examples = value__examples(rule->kind);

    if (rule->kind == VALUE_WORD) {
        snprintf(text, size, "%s%s", examples, rule->words);
        for (char *at = text; *at != '\0'; at++)
            if (*at == '|') *at = ' ';
        return text;
    }
    value_text(&number, rule->least, least, sizeof least);
    value_text(&number, rule->most, most, sizeof most);
    const char *comma = rule->kind == VALUE_COUNT ? "" : ",";
    if (rule->least > 0)
        snprintf(text, size, "%s%s from %s to %s", examples, comma, least, most);
    else
        snprintf(text, size, "%s, at most %s", examples, most);
    size_t used = strlen(text);
    if (rule->off[0] != '\0') snprintf(text + used, size - used, "; or %s", rule->off);
    return text;
}
