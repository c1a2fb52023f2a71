/* SPDX-License-Identifier: MIT */
/* send_options.h - the command line of `weir send`. */
#ifndef CLI_SEND_OPTIONS_H
#define CLI_SEND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diagnostics.h"
#include "option.h"

struct send_options {
    const char *codec; /* a description, as weir_frame_open() reads it */
    bool udp, hex, raw;
    uint32_t wait_ms;    /* 0: until the peer ends, or has answered each datagram */
    uint32_t timeout_ms; /* for the connection, and for the next sign of the peer */
    bool help;
    const char *address; /* as it was written */
    const char *host, *port;
    const char **messages; /* as they were written */
    size_t messages_count; /* 0: they come on stdin */
    struct arena arena;
};

extern const struct option_table send_options_table;

/* Fills in every default. */
void send_options_init(struct send_options *options);

/* Reads the arguments that follow `weir send`; as options_read(). */
bool send_options_read(int count, char **arguments, struct send_options *options,
                       struct diagnostics *diagnostics);

/* Frees what the options keep. */
void send_options_free(struct send_options *options);

#endif
