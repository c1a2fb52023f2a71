/* SPDX-License-Identifier: MIT */
/* mailbox.h - what other threads have for a worker: letters, bounded in number, without a lock.
 *
 *      any thread --mailbox_post--> [ letters ] --mailbox_take--> the worker that owns it
 *
 * A letter is in the mailbox of a worker that looks into it once more, or it stays the sender's: a
 * mailbox is shut only while it is empty, and then for ever.
 */
#ifndef SESSION_MAILBOX_H
#define SESSION_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "net.h"

struct service;
struct payload;

enum mailbox_kind {
    MAILBOX_ACCEPTED,  /* service, socket, peer: a connection that was accepted elsewhere */
    MAILBOX_SEND,      /* id, payload: a message for a session */
    MAILBOX_FINISH,    /* id: send what is queued, then close */
    MAILBOX_ABORT,     /* id: discard what is queued, close */
    MAILBOX_BROADCAST, /* payload: for the members of its group */
};

struct mailbox_command {
    enum mailbox_kind kind;
    const struct service *service;
    struct net_socket socket;
    struct weir_address peer;
    uint64_t id;
    struct payload *payload;
};

struct mailbox_cell;

struct mailbox {
    struct mailbox_cell *cells; /* cells_count of them, a power of two */
    uint32_t cells_count;
    uint64_t head;            /* the owner's: how many letters were taken */
    _Atomic uint64_t tail;    /* how many places were given out; highest bit: it is shut */
    _Atomic uint32_t posters; /* threads that may yet touch the net */
    _Atomic bool woken;       /* the owner was woken, and has not looked since */
    struct net *net;          /* of the owner; set while it is open */
};

enum mailbox_posted { MAILBOX_POSTED, MAILBOX_FULL, MAILBOX_SHUT };

/* Shut until mailbox_open(). Room for so many letters, rounded up to a power of two. False: no
 * memory. */
bool mailbox_init(struct mailbox *mailbox, uint32_t commands_max);

/* One that is shut, or all zero. */
void mailbox_free(struct mailbox *mailbox);

/* The owner's thread: letters are welcome, and wake its net. Once. */
void mailbox_open(struct mailbox *mailbox, struct net *net);

/* The owner's thread: no more letters, and nobody touches the net any more. False: there is one to
 * be taken first. Harmless when it is shut already. */
bool mailbox_shut(struct mailbox *mailbox);

/* Any thread: the owner looks about, if it still takes letters. */
void mailbox_wake(struct mailbox *mailbox);

/* Any thread: unless it says MAILBOX_POSTED, the letter stays the sender's. Letters of one thread
 * are taken in their order. */
enum mailbox_posted mailbox_post(struct mailbox *mailbox, const struct mailbox_command *command);

/* The owner's thread: false when there is none. */
bool mailbox_take(struct mailbox *mailbox, struct mailbox_command *command);

/* How many wait; a guess, but for tests in which nobody posts meanwhile. */
uint32_t mailbox_count(const struct mailbox *mailbox);

#endif
