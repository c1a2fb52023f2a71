/* SPDX-License-Identifier: MIT */
/* number.c - parses unsigned decimal numbers, with or without a unit. */
#include "number.h"

const struct number_unit number_sizes[] = {
    {"g", UINT64_C(1) << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}, {0}};

size_t number_digits(const char *text, size_t length, uint64_t max, uint64_t *value)
{
    size_t count = 0;

    *value = 0;
    for (; count < length && text[count] >= '0' && text[count] <= '9'; count++) {
        uint64_t digit = (uint64_t)(text[count] - '0');
        if (digit > max || *value > (max - digit) / 10) return 0;
        *value = *value * 10 + digit;
    }
    return count;
}

/* Compares a unit without case: "64K" equals "64k". */
static bool number__is_unit(const char *text, size_t length, const char *unit)
{
    for (size_t i = 0; i < length; i++) {
        char character = text[i];
        if (character >= 'A' && character <= 'Z') character = (char)(character - 'A' + 'a');
        if (character != unit[i]) return false; /* also at the end of the unit */
    }
    return unit[length] == '\0';
}

bool number_read(const char *text, size_t length, const struct number_unit *units, uint64_t max,
                 uint64_t *value)
{
    size_t digits = number_digits(text, length, max, value);

    if (digits == 0) return false;
    for (const struct number_unit *unit = units; unit->name; unit++) {
        if (!number__is_unit(text + digits, length - digits, unit->name)) continue;
        if (*value > max / unit->factor) return false;
        *value *= unit->factor;
        return true;
    }
    return false;
}
