/* SPDX-License-Identifier: MIT */
/* listen_spec.h - one listener as weir_server_listen() requested it: address, codec and handler,
 * found by name and checked. */
#ifndef SERVER_LISTEN_SPEC_H
#define SERVER_LISTEN_SPEC_H

#include <weir/weir.h>

#include "net.h"
#include "service.h"

struct listen_spec {
    struct service service; /* protocol, codec and handler of its sessions, in all workers */
    struct net_listen_options where;  /* its port is final once the first worker listens */
    struct weir_address unix_address; /* with the path that `where` points to, if it has one */
    struct weir_frame
        *frame; /* owns the service's codec; null: the codec is built in, or the user's */
    /* The service's, if the user's are of an older version. */
    struct weir_codec completed_codec;
    struct weir_handler completed_handler;
    const struct weir_handler *given_handler; /* as the user or the list of built-in ones has it */
    const char *given_arguments;        /* for its `open`; null: "". During weir_server_listen() */
    bool is_opened;                     /* this listener called `open`: handler_opening.c */
    struct weir_handler opened_handler; /* if so: the service's */
    char *arguments;                    /* if so: those of the call */
    const char *given_tls; /* name of its TLS settings; null: none. During weir_server_listen() */
    const char *tls;       /* the same name, kept by the server */
    size_t extra_bytes;    /* memory that each session needs for its codec and its handler */
    uint32_t id;           /* never reused */
    uint32_t slot;         /* of its endpoints in each worker; no open listener has the same */
    uint32_t open_count;   /* endpoints that are open, in all workers; under the server's lock */
    struct listen_spec *next_removed;
};

/* Sets *spec, which must stay where it is. `config` has the server's settings. Returns WEIR_OK; or
 * WEIR_INVALID: *error says why the address, the codec, the handler or a timeout cannot be used.
 * The caller calls listen_spec_free() in every case. */
enum weir_code listen_spec_read(const struct weir_listen *given, const struct weir_config *config,
                                struct listen_spec *spec, struct weir_error *error);

/* Frees the codec if it was made for this listener, and its references to filters. */
void listen_spec_free(struct listen_spec *spec);

#endif
