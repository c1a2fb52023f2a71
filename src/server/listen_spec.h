/* SPDX-License-Identifier: MIT */
/* listen_spec.h - one listener as weir_server_listen() requested it: address, codec and handler,
 * found by name and checked. */
#ifndef SERVER_LISTEN_SPEC_H
#define SERVER_LISTEN_SPEC_H

#include <weir/weir.h>

#include "filter.h"
#include "net.h"
#include "service.h"

/* Limits and timeouts that the listener does not share with the server; 0: the server's. */
struct listen_limits {
    uint32_t idle_timeout_ms, first_byte_timeout_ms, frame_timeout_ms, send_timeout_ms;
    uint32_t send_rate_min_bytes, lifetime_ms, linger_timeout_ms;
    uint32_t receive_rate_max_bytes, message_rate_max;
    uint32_t sessions_max;
};

struct listen_spec {
    struct service service;           /* protocol, codec and handler of its sessions */
    struct service *services;         /* its copies, one for each worker: service.by_worker */
    struct listen_limits limits;      /* under the server's lock */
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

/* Makes room for the copies for this many workers. Returns false if memory is exhausted. */
bool listen_spec_make_copies(struct listen_spec *spec, uint32_t workers_count);

/* Fills in the copies. No worker knows the listener. */
void listen_spec_copy_service(struct listen_spec *spec, uint32_t workers_count);

/* Returns the limits of the settings. */
struct listen_limits listen_spec_limits(const struct weir_listen *listen);

/* Checks a listener's limits together with settings of the server. Returns WEIR_OK; or
 * WEIR_INVALID: *error names the setting. */
enum weir_code listen_spec_check(const struct listen_spec *spec, const struct listen_limits *limits,
                                 const struct weir_config *config, struct weir_error *error);

/* Sets the limits and timeouts of the service by spec->limits and the settings of the server. The
 * copies follow: listen_spec_renew(). The caller has the server's lock once the listener is known
 * to workers. */
void listen_spec_inherit(struct listen_spec *spec, const struct weir_config *config);

/* Sets those of the copy for one worker. Thread: the worker's, with the server's lock; or any,
 * before the start. */
void listen_spec_renew(struct listen_spec *spec, uint32_t worker);

/* Returns the listener's filter of this kind; null: it has none. */
struct filter *listen_spec_filter(const struct listen_spec *spec, const struct filter_kind *kind);

/* Frees the codec if it was made for this listener, and its references to filters. */
void listen_spec_free(struct listen_spec *spec);

#endif
