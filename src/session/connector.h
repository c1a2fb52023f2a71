/* SPDX-License-Identifier: MIT */
/* connector.h - an outbound connection by its name: it dials, has at most one session, and can dial
 * again when the session has ended. See connector.c. */
#ifndef SESSION_CONNECTOR_H
#define SESSION_CONNECTOR_H

#include <weir/weir.h>

#include "atomic.h"
#include "dial.h"
#include "dial_target.h"
#include "inbox.h"
#include "service.h"
#include "wheel.h"

struct connector_table;
struct dial;
struct worker;

struct connector_options {
    struct dial_target target;
    const char *text;    /* the address as the program wrote it; valid as long as the connector */
    uint32_t timeout_ms; /* of a dial; 0: no limit */
    bool reconnects;
    uint32_t reconnect_min_ms, reconnect_max_ms;
    void (*on_failed)(struct weir_server *server, uint64_t connector,
                      const struct weir_error *error, void *user); /* null: no call */
    void *user;
};

struct connector {
    struct service service; /* of its session */
    struct connector_options options;
    /* Frees the connector, and what belongs to it. */
    void (*free)(struct connector *connector);
    size_t memory_bytes; /* what that frees; in the worker's account while was_started */
    /* The rest is for connector.c. */
    struct connector_table *table;
    struct worker *worker;
    uint64_t id;
    struct inbox_note note; /* that it begins or ends */
    _Atomic bool must_end;  /* weir_disconnect() was called on another thread */
    struct list in_connectors;
    struct dial *dial;                   /* null: none runs */
    struct weir_session *session;        /* null: none is open */
    struct wheel_timer timer;            /* of the dial, or before the next one */
    uint64_t opened_ms;                  /* when the session began */
    struct dial_failure opening_failure; /* of the session's filters; WEIR_OK: none */
    uint64_t wait_max_ms;                /* the bound of the last wait before a dial */
    bool was_started;                    /* it is on worker.connects */
    bool is_over; /* its id is invalid; it is freed when no session is left */
};

/* Initialises worker->connects. Returns false if memory is exhausted. */
bool connector_init(struct worker *worker);

/* Adds a connector to the table, for the worker of that index. The first four members are set.
 * Returns its id; 0: there is no room. Thread: any. */
uint64_t connector_add(struct connector *connector, struct connector_table *table, uint8_t worker);

/* Lets it begin, in the worker's next iteration. Returns false if the worker has ended: the
 * connector was removed from the table, and the caller owns it. Thread: any. */
bool connector_begin(struct connector *connector, struct worker *worker);

/* weir_disconnect() for a connector of this worker. Thread: any. */
enum weir_code connector_disconnect(struct worker *worker, uint64_t id);

/* Reads the inbox, and does what is due. Once per iteration while WORKER_CONNECTS is set, after its
 * events. */
void connector_update(struct worker *worker);

/* Returns when connector_update() must be called at the latest, in milliseconds. */
uint64_t connector_next_ms(const struct worker *worker);

/* A drain begins: connectors that wait for their next dial end, and no other one dials again. */
void connector_drain(struct worker *worker);

/* A stop begins: every connector ends. The loop closes their sessions. */
void connector_stop(struct worker *worker);

/* Returns whether nothing is left and nothing can begin. */
bool connector_all_ended(struct worker *worker);

/* Frees connectors that never began, because the worker did not start. */
void connector_discard(struct worker *worker);

#endif
