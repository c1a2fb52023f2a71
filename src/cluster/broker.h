/* SPDX-License-Identifier: MIT */
/* broker.h - what the cluster needs of a message broker: subjects, to which nodes publish and
 * subscribe. NATS is one (broker_nats.c); another one fills in the same table.
 *
 *      bridge thread --publish, subscribe, unsubscribe--> broker --on_message--> any thread
 *
 * The broker delivers a message to every node that subscribes to its subject, at most once per
 * node, and keeps the order of one publisher per subject. It does not deliver a node's own messages
 * to itself. It reconnects by itself, without a limit, and then subscribes again.
 */
#ifndef CLUSTER_BROKER_H
#define CLUSTER_BROKER_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

/* Longest subject, without its NUL: weir.CLUSTER.g. and a group's name in hexadecimal. */
#define BROKER_SUBJECT_BYTES_MAX 255

/* What has failed, in the errors of a broker and of the cluster. */
#define BROKER_OPERATION "join the cluster"

struct broker;

/* What a broker reports. Thread: any of its own, one at a time for messages; also inside
 * broker_open(). Not after ops->close() has returned. */
struct broker_events {
    void *user;
    void (*on_message)(void *user, const char *subject, const uint8_t *bytes, size_t length);
    void (*on_connected)(void *user);
    /* `why` is a phrase for people. Also before the first on_connected(), and again when the cause
     * is another one. */
    void (*on_disconnected)(void *user, const char *why);
    /* The library dropped messages, because this program did not take them fast enough. */
    void (*on_dropped)(void *user, uint64_t count);
};

/* Thread of all calls: the bridge's; before it begins and after it has ended, that of the caller
 * that joins and leaves the cluster. */
struct broker_ops {
    const char *name;
    /* Publishes. Blocks for at most the write timeout. A message is never sent later, unless the
     * result is WEIR_OK. Returns:
     *   WEIR_OK         handed to the connection
     *   WEIR_GONE       the broker is away
     *   WEIR_TIMED_OUT  it did not read in time
     *   WEIR_TOO_LARGE  larger than it allows
     *   WEIR_NO_MEMORY
     *   WEIR_SYSTEM     another failure */
    enum weir_code (*publish)(struct broker *broker, const char *subject, const uint8_t *bytes,
                              size_t length);
    /* Passes on what publish() has collected. Called before the bridge waits. */
    enum weir_code (*flush)(struct broker *broker);
    /* *id: for unsubscribe(). Also while the broker is away: it applies when it is back. */
    enum weir_code (*subscribe)(struct broker *broker, const char *subject, uint64_t *id);
    void (*unsubscribe)(struct broker *broker, uint64_t id);
    void (*close)(struct broker *broker); /* and frees it; no event is reported afterwards */
};

/* The first member of every broker. */
struct broker {
    const struct broker_ops *ops;
};

struct weir_cluster_options;

/* Opens a broker, and begins to connect; goes on in the background if the broker is away. *events
 * is copied. No member of *options is 0 that has a default. The caller closes *broker. Returns
 * WEIR_OK, WEIR_INVALID, WEIR_UNSUPPORTED, WEIR_NO_MEMORY or WEIR_SYSTEM, with the cause in *error.
 * Thread: the one that joins the cluster, before the bridge's thread begins. */
typedef enum weir_code broker_open(void *argument, const struct weir_cluster_options *options,
                                   const struct broker_events *events, struct broker **broker,
                                   struct weir_error *error);

#endif
