/* SPDX-License-Identifier: MIT */
/* listen_spec.h - one listener as weir_server_listen() requested it: address, codec and handler,
 * found by name and checked. */
#ifndef SERVER_LISTEN_SPEC_H
#define SERVER_LISTEN_SPEC_H

#include <weir/weir.h>

#include "net.h"

struct listen_spec {
    enum weir_proto proto;
    struct net_listen_options where; /* its port is final once the first worker listens */
    const struct weir_codec *codec;
    struct weir_frame *frame; /* owns the codec; null: the codec is built in, or the user's */
    const struct weir_handler *handler;
    size_t extra_bytes; /* memory that each session needs for its codec and its handler */
};

/* Fills in *spec. `backlog` is that of TCP. WEIR_INVALID: the address, the codec or the handler
 * cannot be used, *error says why. Free *spec with listen_spec_free() in every case. */
enum weir_code listen_spec_read(const struct weir_listen *listen, uint32_t backlog,
                                struct listen_spec *spec, struct weir_error *error);

/* Frees the codec if it was made for this listener. */
void listen_spec_free(struct listen_spec *spec);

#endif
