/* SPDX-License-Identifier: MIT */
/* service.h - the configuration that sessions share: what stands between their sockets and their
 * bytes (filters), how the bytes become messages (codec), and what handles the messages (handler).
 *
 *      listener, UDP socket, connector -> service <- session
 *
 * A service is constant while sessions use it, except for its settings: renewal.c replaces those
 * between two events. So each worker has a service of its own, a copy of the listener's:
 *
 *      listener's service -> by_worker: [ of worker 0 ][ of worker 1 ] ...
 *
 * - Limits: `config` has the server's settings, except those that the service replaces.
 * - Filters (PROXY protocol, TLS, WebSocket): filters_in.c passes received bytes through them,
 *   filters_out.c outgoing bytes when it flushes. TCP only.
 */
#ifndef SESSION_SERVICE_H
#define SESSION_SERVICE_H

#include <stddef.h>

#include <weir/weir.h>

#include "atomic.h"

struct connector;
struct filter;
struct histogram;
struct listen_spec;

#define SERVICE_FILTERS_MAX 4u

struct service {
    enum weir_proto proto;
    const struct weir_codec *codec;
    const struct weir_handler *handler;
    /* The codec that frames broadcasts. It differs from `codec` if that passes calls on to it. */
    const struct weir_codec *framing_codec;
    struct filter *filters[SERVICE_FILTERS_MAX]; /* from the socket on: see filter.h */
    uint8_t filters_count;
    struct listen_spec *spec;  /* of the server's listener; null: none */
    struct service *by_worker; /* the copies of all workers, by index; null: there are none */
    bool is_unix;              /* of a Unix-domain listener: its sessions have no addresses */
    uint32_t listener;         /* id of the server's listener; 0: none */
    uint32_t handler_state_at; /* offset in a session's extra bytes, which begin with the codec's */
    uint32_t sessions_max; /* TCP sessions in all workers; UINT32_MAX: only the server's limit */
    _Atomic uint32_t *sessions_open; /* their number */
    _Atomic uint32_t own_sessions_open;
    /* The server's settings, with the timeouts and rates of this service. */
    struct weir_config config;
    struct histogram *handler_times; /* of on_message, on all workers; null: not measured */
    struct filter *later; /* that a handler can start, in outbound sessions; null: none */
    /* Of an outbound connection (connector.h); else 0 and null. */
    uint64_t connector;                /* its id */
    struct service *outbound;          /* the connector's service: this, or the copied one */
    void *user;                        /* of its struct weir_connect_options */
    struct connector *ended_connector; /* argument of both: */
    /* The session ends before its filters are open; `ended` follows. */
    void (*unopened)(struct connector *, enum weir_reason reason, const char *text);
    void (*ended)(struct connector *); /* the session has ended, and was freed */
};

/* Returns the service that the sessions of this worker use. */
static inline const struct service *service_of_worker(const struct service *service, uint8_t index)
{
    return service->by_worker ? &service->by_worker[index] : service;
}

/* Returns the size of the codec's state, rounded up so that the handler's state is aligned. */
static inline size_t service_codec_bytes(const struct weir_codec *codec)
{
    size_t unit = _Alignof(max_align_t);

    return (codec->state_bytes + unit - 1) / unit * unit;
}

/* Bytes behind the handler's state of each session that must not change: a handler that writes
 * beyond its state is found when the session ends. */
#define SERVICE_CANARY_BYTES 8u

/* Returns the extra bytes that a session of this codec and handler needs in the session table. */
static inline size_t service_session_bytes(const struct weir_codec *codec,
                                           const struct weir_handler *handler)
{
    return service_codec_bytes(codec) + handler->session_bytes +
           (handler->session_bytes > 0 ? SERVICE_CANARY_BYTES : 0);
}

/* Sets the codec. No session may use the service. */
static inline void service_set_codec(struct service *service, const struct weir_codec *codec)
{
    service->codec = service->framing_codec = codec;
    service->handler_state_at = (uint32_t)service_codec_bytes(codec);
}

/* Initialises a service, which must stay where it is. */
static inline void service_init(struct service *service, enum weir_proto proto,
                                const struct weir_codec *codec, const struct weir_handler *handler,
                                const struct weir_config *config)
{
    *service = (struct service){.proto = proto, .handler = handler};
    service_set_codec(service, codec);
    service->sessions_max = UINT32_MAX;
    service->sessions_open = &service->own_sessions_open;
    service->config = *config;
}

#endif
