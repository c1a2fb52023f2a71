/* SPDX-License-Identifier: MIT */
/* target.c - see target.h. */
#include "target.h"

#include <string.h>

#include "escape.h"

/* Decodes a text in place: decoded text is never longer. */
static bool target__decode(char *text, bool is_query)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        char byte = *from;
        if (byte == '+' && is_query) byte = ' ';
        if (byte == '%') {
            int high = escape_hex_digit(from[1]), low = high < 0 ? -1 : escape_hex_digit(from[2]);
            if (low < 0 || (high == 0 && low == 0)) return false;
            byte = (char)(high * 16 + low);
            from += 2;
        }
        *to++ = byte;
    }
    *to = '\0';
    return true;
}

static bool target__add(struct target *target, char *text)
{
    struct target_parameter *parameter;
    char *value = strchr(text, '=');

    if (text[0] == '\0') return true; /* "a=1&&b=2" */
    if (target->parameters_count == TARGET_PARAMETERS_MAX) return false;
    parameter = &target->parameters[target->parameters_count++];
    if (value) *value++ = '\0';
    parameter->name = text;
    parameter->value = value ? value : "";
    return target__decode(text, true) && (!value || target__decode(value, true));
}

bool target_read(const char *text, struct target *target)
{
    size_t length = strlen(text);

    target->parameters_count = 0;
    if (text[0] != '/' || length > TARGET_BYTES_MAX) return false;
    memcpy(target->text, text, length + 1);
    target->path = target->text;
    char *query = strchr(target->text, '?');
    if (query) *query++ = '\0';
    if (!target__decode(target->text, false)) return false;
    while (query) {
        char *next = strchr(query, '&');
        if (next) *next++ = '\0';
        if (!target__add(target, query)) return false;
        query = next;
    }
    return true;
}

const char *target_value(const struct target *target, const char *name)
{
    for (size_t i = 0; i < target->parameters_count; i++)
        if (strcmp(target->parameters[i].name, name) == 0) return target->parameters[i].value;
    return NULL;
}

const char *target_unknown(const struct target *target, const char *const *names)
{
    for (size_t i = 0; i < target->parameters_count; i++) {
        const char *const *name = names;
        while (*name && strcmp(*name, target->parameters[i].name) != 0) name++;
        if (!*name) return target->parameters[i].name;
    }
    return NULL;
}
