/* SPDX-License-Identifier: MIT */
/* streams.h - the positions of messages: by them a receiver finds repeated and missing ones.
 *
 *      sender    subject           -> stream, last sequence    1, 2, 3, ... of published ones
 *      receiver  subject, origin   -> incarnation, stream, last sequence
 *
 * Both tables are bounded: the least recently used entry is forgotten. A sender that has forgotten
 * a subject continues with a new stream, whose number is higher than those of all earlier streams.
 *
 *      received position, compared with the entry     message        gaps
 *      no entry, or of an earlier subscription        accepted (*)   0
 *      next sequence of the stream                    accepted       0
 *      later sequence of the stream                   accepted       those between
 *      later stream, or another incarnation           accepted       those of the stream before it
 *      same or earlier sequence, or earlier stream    repeated       0
 *
 * (*) Not a message that was received by the earlier subscription, either.
 *
 * Thread: one per table.
 */
#ifndef CLUSTER_STREAMS_H
#define CLUSTER_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "siphash.h"
#include "subjects.h"

struct streams;

/* Returns an empty table; null: out of memory. */
struct streams *streams_open(uint32_t entries_max, const struct siphash_key *key);
void streams_free(struct streams *streams); /* null is allowed */

/* What identifies an entry of a receiver, and where a message is in its stream. */
struct streams_position {
    uint8_t origin;
    uint64_t incarnation;
    uint64_t subscription; /* number of this node's subscription to the subject */
    uint32_t stream;
    uint64_t sequence;
};

/* Sender: fills in the position that the next message to the subject will have. It is taken by
 * streams_published(). Returns false if memory is exhausted. */
bool streams_next(struct streams *streams, const char *subject, uint32_t *stream,
                  uint64_t *sequence);

/* Sender: the message with the position of the last streams_next() was published. */
void streams_published(struct streams *streams);

/* Receiver: returns false if the message is a repeated one. *gaps: how many are missing before it.
 * If memory is exhausted, accepts the message and forgets the position. */
bool streams_receive(struct streams *streams, const char *subject,
                     const struct streams_position *position, uint64_t *gaps);

#endif
