/* SPDX-License-Identifier: MIT */
/* bench_options.h - reads the command line of `weir bench`. */
#ifndef CLI_BENCH_OPTIONS_H
#define CLI_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "diagnostics.h"
#include "option.h"

enum bench_mode { BENCH_ECHO, BENCH_CONNECT, BENCH_IDLE, BENCH_BROADCAST };
enum bench_close { BENCH_CLOSE_GRACEFUL, BENCH_CLOSE_RUDE };

struct bench_options {
    uint32_t mode;  /* enum bench_mode */
    uint32_t close; /* enum bench_close */
    uint32_t connections, threads, size, depth;
    uint32_t rate; /* messages per second; 0: closed loop */
    uint32_t duration_ms, warmup_ms, timeout_ms, loss_ms;
    uint32_t messages; /* 0: duration_ms counts */
    uint32_t pid;      /* of the server; 0: not known */
    const char *codec, *websocket, *transport;
    const char *tls_ca, *tls_name;
    const char *hgrm, *svg; /* files; null: none */
    bool udp, tls, tls_insecure, json, json_stream, plot, quiet, help;
    const char *address;     /* HOST:PORT, or as the URL has it */
    const char *host, *port; /* null: unix:PATH */
    struct arena arena;
};

extern const struct option_table bench_options_table;

/* Sets every default. */
void bench_options_init(struct bench_options *options);

/* Reads the arguments after `weir bench`, in the same way as options_read(). */
bool bench_options_read(int count, char **arguments, struct bench_options *options,
                        struct diagnostics *diagnostics);

/* Frees the memory of the options. */
void bench_options_free(struct bench_options *options);

#endif
