/* SPDX-License-Identifier: MIT */
/* nats_state.h - what the files of the NATS broker share.
 *
 *      broker_nats.c      the operations, called by the bridge's thread
 *      nats_io.c          the I/O thread: connects, polls the socket, connects again
 *      nats_subjects.c    the table of subscriptions
 *      nats_settings.c    options and servers, and codes for what libnats reports
 *      nats_delivery.c    the callbacks of libnats' own threads
 *      nats_socket.c      libnats' socket, and what wakes the I/O thread
 *
 * Lock order: that of nats_delivery.c, `lock`, then libnats' own.
 */
#ifndef CLUSTER_NATS_STATE_H
#define CLUSTER_NATS_STATE_H

#include <nats/nats.h> /* tidy: allow platform - libnats is not used on Windows */
#include <stdbool.h>

#include "atomic.h"
#include "broker.h"
#include "thread.h"

#define NATS_SERVERS_MAX 32

struct nats_subject {
    char *text;                     /* null: the entry is free */
    natsSubscription *subscription; /* null while the broker is away */
    uint64_t dropped;               /* by libnats, and reported */
    size_t next_free;               /* of a free entry */
};

struct nats_broker {
    struct broker head;
    struct broker_events events;
    uintptr_t serial; /* names this broker in libnats' callbacks */
    struct nats_broker *next;
    uint32_t write_timeout_ms;

    /* Of the I/O thread. */
    natsOptions *options;
    char *servers_text;
    const char *servers[NATS_SERVERS_MAX]; /* in servers_text */
    size_t servers_count, server;          /* the next one to try */
    uint32_t failures;                     /* attempts since the last connection */
    char reported[352];                    /* the last `why` of on_disconnected() */
    bool is_refused;                       /* the last connection lacked a permission */
    uint64_t looked_ns;                    /* when it last asked for dropped messages */
    unsigned quiet_looks;                  /* since then nothing was dropped */
    bool is_announced;                     /* by on_connected() */

    struct lock *lock;
    /* Under the lock: */
    struct condition *changed;
    natsConnection *connection; /* null: the broker is away; only the I/O thread changes it */
    bool is_ready;              /* connected, and all subjects are subscribed */
    bool is_tried;              /* the first attempt has ended */
    bool is_stalled;            /* a write timed out, and the broker has read nothing since */
    bool is_waiting;            /* publish() waits for the I/O thread */
    bool is_pinned;             /* close() uses the connection */
    char unusable_why[160];     /* of is_unusable */
    bool lacks_permission;      /* the cause of is_unusable */
    bool has_ended;             /* the I/O thread */
    bool is_abandoned;          /* the I/O thread frees the broker */
    struct nats_subject *subjects;
    size_t subjects_count, subjects_size;
    size_t subjects_free; /* the first free entry; SIZE_MAX: none */
    uint64_t dropped;     /* of subjects that are gone, not reported yet */

    struct thread *thread;
    int wake_in, wake_out;     /* a pipe that interrupts the I/O thread's poll() */
    atomic_int descriptor;     /* libnats' socket, which the I/O thread polls; -1: none */
    atomic_bool wants_write;   /* libnats has bytes for the socket */
    atomic_bool is_collecting; /* set inside of an operation: the flush that follows wakes */
    atomic_bool is_woken;      /* a byte is in the pipe */
    atomic_bool is_slow;       /* libnats dropped messages */
    /* The connection is ended, and nothing more is written to it. Set under the lock. */
    atomic_bool is_unusable;
    atomic_bool is_ending;
};

/* ---- nats_settings.c ---- */

enum weir_code nats_settings_read(struct nats_broker *broker,
                                  const struct weir_cluster_options *options,
                                  struct weir_error *error);
void nats_settings_free(struct nats_broker *broker);
enum weir_code nats_settings_code(natsStatus status);

/* ---- nats_subjects.c: with the lock held ---- */

enum weir_code nats_subjects_add(struct nats_broker *broker, const char *text, uint64_t *id);
void nats_subjects_remove(struct nats_broker *broker, uint64_t id);

/* Goes over `count` entries from *next on, and subscribes to those that are not subscribed yet.
 * Returns false if libnats refuses one: the connection is lost, or memory is exhausted. */
bool nats_subjects_resume(struct nats_broker *broker, size_t *next, size_t count);

/* The connection is lost. */
void nats_subjects_suspend(struct nats_broker *broker);

/* Returns how many messages libnats has dropped since the last call. */
uint64_t nats_subjects_take_dropped(struct nats_broker *broker);

/* Returns whether a subscription that dropped messages can drop more without a call of the error
 * handler: libnats makes one call for the first message, and the next only after it has accepted a
 * message again. */
bool nats_subjects_are_full(struct nats_broker *broker);

void nats_subjects_free(struct nats_broker *broker);

/* ---- nats_io.c ---- */

enum weir_code nats_io_start(struct nats_broker *broker, struct weir_error *error);
/* Frees the broker, after its thread has ended. */
void nats_io_free(struct nats_broker *broker);

/* ---- nats_socket.c ---- */

/* Gives up the connection: nothing that libnats still holds is written, and the I/O thread connects
 * again. With the lock held. Thread: any. */
void nats_socket_give_up(struct nats_broker *broker, const char *why, bool lacks_permission);
bool nats_socket_open_pipe(struct nats_broker *broker); /* false: with errno */
void nats_socket_close_pipe(struct nats_broker *broker);
/* Ends the I/O thread's poll(). Thread: any. */
void nats_socket_wake(struct nats_broker *broker);
/* What the I/O thread does when it was woken. */
void nats_socket_drain(struct nats_broker *broker);
/* Sets in the options that the I/O thread polls the socket for libnats. */
natsStatus nats_socket_attach(struct nats_broker *broker);

/* ---- nats_delivery.c ---- */

/* Gives the broker its serial, by which libnats' callbacks find it. Returns false: no memory. */
bool nats_delivery_add(struct nats_broker *broker);
/* Waits for a callback that runs; afterwards none finds the broker. */
void nats_delivery_remove(struct nats_broker *broker);
void nats_delivery_on_message(natsConnection *connection, natsSubscription *subscription,
                              natsMsg *message, void *serial);
void nats_delivery_on_error(natsConnection *connection, natsSubscription *subscription,
                            natsStatus status, void *serial);

#endif
