/* SPDX-License-Identifier: MIT */
/* findings_text.c - writes names and other parts of sentences, and adds findings. */
#include "findings_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

#define FINDINGS_TEXT__NAME_BYTES 64 /* of a name that is shown */

struct findings_word findings_word(const char *format, ...)
{
    struct findings_word word;
    va_list values;

    va_start(values, format);
    vsnprintf(word.text, sizeof word.text, format, values);
    va_end(values);
    return word;
}

/* ---- names ---- */

struct findings_word findings_network(const struct weir_address *address)
{
    struct findings_word word;
    struct weir_address network = *address;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool is_v4 = memcmp(address->ip, mapped, sizeof mapped) == 0;

    network.port = 0;
    network.scope = 0;
    if (!is_v4) memset(network.ip + 8, 0, 8);
    weir_address_text(&network, word.text, sizeof word.text);
    char *end = strrchr(word.text, is_v4 ? ':' : ']');
    if (!end) return word;
    *end = '\0';
    if (is_v4) return word;
    memmove(word.text, word.text + 1, strlen(word.text)); /* the bracket */
    strncat(word.text, "/64", sizeof word.text - strlen(word.text) - 1);
    return word;
}

struct findings_word findings_name(const char *name, size_t length)
{
    struct findings_word word;
    bool is_long = length > FINDINGS_TEXT__NAME_BYTES / 2;

    escape_text((const uint8_t *)name, is_long ? FINDINGS_TEXT__NAME_BYTES / 2 : length, word.text,
                FINDINGS_TEXT__NAME_BYTES);
    if (is_long) strncat(word.text, "...", sizeof word.text - strlen(word.text) - 1);
    return word;
}

struct findings_word findings_others(uint64_t others, const char *what, const char *state)
{
    if (others == 0) return (struct findings_word){""};
    return findings_word(" %" PRIu64 " other %s%s %s.", others, what, others == 1 ? " is" : "s are",
                         state);
}

/* ---- findings ---- */

struct finding *findings_add(struct findings *findings, const struct findings_head *head)
{
    struct finding *finding =
        findings->count < FINDINGS_MAX ? &findings->items[findings->count++] : &findings->spare;

    *finding = (struct finding){.id = head->id,
                                .severity = head->severity,
                                .advice = head->advice,
                                .setting = head->setting};
    return finding;
}

void findings_say(struct finding *finding, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    escape_format(finding->text, sizeof finding->text, format, values);
    va_end(values);
}

void findings_prove(struct finding *finding, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    escape_format(finding->evidence, sizeof finding->evidence, format, values);
    va_end(values);
}
