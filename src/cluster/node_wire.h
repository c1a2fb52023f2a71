/* SPDX-License-Identifier: MIT */
/* node_wire.h - the messages between nodes as bytes. All numbers are big-endian.
 *
 *      0        1          2       3         4              12        16          24
 *      [ 0x57 | version  | kind  | origin  | incarnation  | stream  | sequence  | name length ]
 *      [ name ][ numbers of the kind, 8 bytes each ][ message of the handler, or text ]
 *
 * Another program can publish to the same subjects, so nothing is trusted: node_wire_read() checks
 * every length and value that it passes on. `sequence` is 0 in messages that are not counted.
 */
#ifndef CLUSTER_NODE_WIRE_H
#define CLUSTER_NODE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

#define NODE_WIRE_VERSION 1
#define NODE_WIRE_HEADER_BYTES 25u
#define NODE_WIRE_NUMBERS_MAX 5

/* Bytes that the bridge adds to a message of a handler, at most. */
#define NODE_WIRE_OVERHEAD_BYTES_MAX \
    (NODE_WIRE_HEADER_BYTES + WEIR_GROUP_NAME_BYTES_MAX + 8u * NODE_WIRE_NUMBERS_MAX)

enum node_wire_kind {
    /* Messages of handlers: they have a position (stream and sequence), and are counted. */
    NODE_WIRE_BROADCAST = 1, /* name: of the group; numbers: except_id */
    NODE_WIRE_SEND,          /* numbers: id of the session */
    NODE_WIRE_FINISH,        /* likewise */
    NODE_WIRE_ABORT,         /* likewise */
    NODE_WIRE_SEND_NAME,     /* name: of the session */
    /* Messages of the bridges themselves. */
    NODE_WIRE_BOUND,      /* name; numbers: id, timestamp, whether it replaces */
    NODE_WIRE_HELLO,      /* numbers: sessions, interval_ms, draining; bytes: the address */
    NODE_WIRE_BYE,        /* the node leaves */
    NODE_WIRE_ASK_NODE,   /* does another node have the number of this one? */
    NODE_WIRE_NODE_TAKEN, /* the answer: yes */
    NODE_WIRE_ASK_COUNT,  /* name: of the group; numbers: question, deadline_ms */
    NODE_WIRE_COUNT,      /* numbers: question, members, offered, dropped, incomplete */
    NODE_WIRE_KINDS_COUNT
};

struct node_wire_message {
    enum node_wire_kind kind;
    uint8_t origin;       /* number of the node that sent it */
    uint64_t incarnation; /* of that node */
    uint32_t stream;      /* position of the message among those to its subject */
    uint64_t sequence;
    char name[WEIR_GROUP_NAME_BYTES_MAX + 1];
    uint64_t numbers[NODE_WIRE_NUMBERS_MAX];
    const uint8_t *bytes; /* inside the bytes that were read */
    size_t length;
};

/* Whether the kind is a message of a handler. */
bool node_wire_is_counted(enum node_wire_kind kind);

/* Returns how many bytes node_wire_write() writes. */
size_t node_wire_size(const struct node_wire_message *message);

/* Writes the message. `bytes` has room for node_wire_size(). */
void node_wire_write(const struct node_wire_message *message, uint8_t *bytes);

/* Replaces the position in written bytes. */
void node_wire_set_position(uint8_t *bytes, uint32_t stream, uint64_t sequence);

/* Reads a message. Returns false: it is not one of this version. */
bool node_wire_read(const uint8_t *bytes, size_t length, struct node_wire_message *message);

#endif
