/* SPDX-License-Identifier: MIT */
/* builtin.c - the tables of built-in handlers and codecs. */
#include "builtin.h"

#include <stdio.h>
#include <string.h>

#include "frame_spec_name.h"

static const struct weir_handler *const builtin__handlers[] = {&handler_echo, &handler_discard,
                                                               &handler_time, &handler_chat, NULL};
static const struct weir_codec *const builtin__codecs[] = {&codec_raw, &codec_datagram, NULL};

const struct weir_handler *builtin_handler(const char *name)
{
    for (size_t i = 0; builtin__handlers[i]; i++)
        if (strcmp(builtin__handlers[i]->name, name) == 0) return builtin__handlers[i];
    return NULL;
}

const struct weir_codec *builtin_codec(const char *name)
{
    for (size_t i = 0; builtin__codecs[i]; i++)
        if (strcmp(builtin__codecs[i]->name, name) == 0) return builtin__codecs[i];
    return NULL;
}

/* Returns the names that a frame specification can begin with; null: the index is past the last. */
static const char *builtin__codec_name(size_t index)
{
    if (index < FRAME_SPEC_PROBE) return frame_spec_kind_name((enum frame_spec_kind)index);
    return frame_spec_preset(index - FRAME_SPEC_PROBE);
}

static void builtin__add_name(char *text, size_t size, const char *name)
{
    size_t used = strlen(text);

    snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", name);
}

const char *builtin_handler_names(char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; builtin__handlers[i]; i++)
        builtin__add_name(text, size, builtin__handlers[i]->name);
    return text;
}

const char *builtin_codec_names(char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; builtin__codec_name(i); i++)
        builtin__add_name(text, size, builtin__codec_name(i));
    return text;
}
