/* SPDX-License-Identifier: MIT */
/* builtin.c - the tables of handlers and codecs. */
#include "builtin.h"

#include <string.h>

static const struct weir_handler *const builtin__handlers[] = {&handler_echo, NULL};
static const struct weir_codec *const builtin__codecs[] = {&codec_raw, &codec_datagram, NULL};

const struct weir_handler *builtin_handler_at(size_t index)
{
    return builtin__handlers[index];
}

const struct weir_codec *builtin_codec_at(size_t index)
{
    return builtin__codecs[index];
}

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
