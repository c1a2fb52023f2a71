/* SPDX-License-Identifier: MIT */
/* loopback.c - the default listeners at the start: those of one address family are left out if the
 * machine lacks it. */
#include "loopback.h"

#include <stdio.h>
#include <string.h>

#include "listening.h"

bool loopback_drop_absent(struct options *options, bool (*exists)(bool v6), char *line,
                          size_t line_bytes)
{
    size_t kept = 0;

    if (!options->listeners_are_default) return false;
    bool has_v4 = exists(false), has_v6 = exists(true);
    if (has_v4 == has_v6) return false;
    const char *absent = has_v4 ? LISTENING_DEFAULT_V6 : LISTENING_DEFAULT_V4;
    for (size_t i = 0; i < options->listeners_count; i++)
        if (strcmp(options->listeners[i].address, absent) != 0)
            options->listeners[kept++] = options->listeners[i];
    options->listeners_count = kept;
    snprintf(line, line_bytes,
             "this machine has no loopback address %s, so weir listens on %s only",
             has_v4 ? "::1" : "127.0.0.1", has_v4 ? "127.0.0.1" : "::1");
    return true;
}

static bool loopback__serves(const struct options *options, enum weir_proto proto)
{
    for (size_t i = 0; i < options->listeners_count; i++)
        if (options->listeners[i].proto == proto) return true;
    return false;
}

bool loopback_how_to_open(const struct options *options, char *line, size_t line_bytes)
{
    if (!options->listeners_are_default) return false;
    snprintf(line, line_bytes,
             "only programs on this machine can connect; to listen on all addresses, add:%s%s",
             loopback__serves(options, WEIR_TCP) ? " --tcp " LISTENING_DEFAULT_PORT : "",
             loopback__serves(options, WEIR_UDP) ? " --udp " LISTENING_DEFAULT_PORT : "");
    return true;
}
