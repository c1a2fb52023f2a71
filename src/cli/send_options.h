/* SPDX-License-Identifier: MIT */
/* send_options.h - reads the command line of `weir send`. */
#ifndef CLI_SEND_OPTIONS_H
#define CLI_SEND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diagnostics.h"
#include "option.h"

struct send_options {
    const char *codec; /* a frame specification */
    bool udp, hex, raw;
    uint32_t wait_ms;    /* 0: exit when the peer closes, or has answered each datagram */
    uint32_t timeout_ms; /* of the lookup and connect together, and of each wait for the peer */
    bool tls, tls_insecure;
    uint32_t tls_min;                                              /* enum weir_tls_min */
    const char *tls_ca, *tls_name, *tls_cert, *tls_key, *tls_alpn; /* null: not given */
    bool help;
    const char *address; /* as on the command line */
    const char *host, *port;
    const char **messages; /* as on the command line */
    size_t messages_count; /* 0: messages are read from stdin */
    struct arena arena;
};

extern const struct option_table send_options_table;

/* Sets every default. */
void send_options_init(struct send_options *options);

/* Reads the arguments after `weir send`, in the same way as options_read(). */
bool send_options_read(int count, char **arguments, struct send_options *options,
                       struct diagnostics *diagnostics);

/* Frees the memory of the options. */
void send_options_free(struct send_options *options);

#endif
