/* SPDX-License-Identifier: MIT */
/* mailbox.h - a bounded queue of commands from any thread to one worker, without a lock.
 *
 *      any thread --mailbox_post--> [ commands ] --mailbox_take--> the worker that owns the mailbox
 *
 * A posted command is always taken: a mailbox is shut only while it is empty, and permanently. A
 * command that is not posted stays with its sender, together with its payload and its socket.
 *
 * Room is bounded in commands and in bytes. It can be reserved before the command is posted, so
 * that one command goes to several mailboxes or to none.
 */
#ifndef SESSION_MAILBOX_H
#define SESSION_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "net.h"

struct group_count;
struct group_listing;
struct payload;
struct inspection;
struct service;
struct weir_session;
struct weir_worker;
struct worker;

enum mailbox_kind {
    MAILBOX_ACCEPTED,  /* service, socket, peer: a connection that was accepted elsewhere */
    MAILBOX_SEND,      /* id, payload: a message for a session */
    MAILBOX_FINISH,    /* id: send what is queued, then close */
    MAILBOX_ABORT,     /* id: discard what is queued, close */
    MAILBOX_RELEASE,   /* id: undo one hold */
    MAILBOX_RESUME,    /* id: end the handler's pause */
    MAILBOX_BROADCAST, /* payload: for the members of its group */
    MAILBOX_GROUPS,    /* listing: a slice of the worker's groups */
    MAILBOX_WATCH,     /* id, watch_ms: keep the frames of the session for that long */
    MAILBOX_INSPECT,   /* id, inspection: a slice of a list of sessions, or one session */
    MAILBOX_CALL,      /* call: a function of the server to run on the worker */
    MAILBOX_EVICT,     /* id: another session took its name over; finish it */
    MAILBOX_COUNT,     /* count: add the members of its group */
    MAILBOX_COUNTED,   /* count: every worker has added its members */
    MAILBOX_POST,      /* on_worker, argument: a function to call with the worker */
    MAILBOX_POST_ID,   /* id, on_session, argument: a function to call with the session */
};

/* A function to run on a worker. The caller owns the struct, until the function has run. */
struct worker_call {
    void (*run)(struct worker_call *call, struct worker *worker);
};

struct mailbox_command {
    enum mailbox_kind kind;
    union {
        struct {
            const struct service *service;
            struct net_socket socket;
            struct net_address peer;
        };
        struct worker_call *call;
        struct group_count *count;
        struct group_listing *listing; /* the worker frees it */
        uint32_t watch_ms;
        struct {
            union {
                void (*on_worker)(struct weir_worker *worker, void *argument);
                void (*on_session)(struct weir_session *session, void *argument);
            };
            void *argument;
        };
    };
    uint64_t id;
    struct payload *payload;
    struct inspection *inspection; /* the worker frees it */
    uint32_t bytes; /* of room that the command takes, besides its cell: memory of the payload */
};

struct mailbox_cell;

struct mailbox {
    struct mailbox_cell *cells; /* cells_count of them, a power of two */
    uint32_t cells_count;
    uint64_t bytes_max;       /* of all commands that wait; a single one may exceed it */
    uint64_t head;            /* commands taken; used by the owner alone */
    _Atomic uint64_t tail;    /* cells claimed; highest bit: shut */
    _Atomic uint64_t used;    /* room that is reserved or taken: commands << 40 | bytes */
    _Atomic uint64_t refused; /* reservations for which there was no room */
    _Atomic uint32_t posters; /* threads that may still wake the net */
    _Atomic bool woken;       /* the owner was woken and has not read since */
    struct net *net;          /* the owner's; set while the mailbox is open */
};

enum mailbox_posted { MAILBOX_POSTED, MAILBOX_FULL, MAILBOX_SHUT };

/* Allocates room for this many commands, rounded up to a power of two, of together `bytes_max`. The
 * mailbox is shut until mailbox_open(). Returns false if memory is exhausted. */
bool mailbox_init(struct mailbox *mailbox, uint32_t commands_max, uint64_t bytes_max);

/* Frees a mailbox that is shut, or all zero. */
void mailbox_free(struct mailbox *mailbox);

/* Lets commands in; a posted command wakes this net. Once. Thread: the owner's. */
void mailbox_open(struct mailbox *mailbox, struct net *net);

/* Shuts the mailbox if it is empty; no thread uses the net afterwards. Returns false if a command
 * must be taken first. No effect if it is shut already. Thread: the owner's. */
bool mailbox_shut(struct mailbox *mailbox);

/* Wakes the owner if its mailbox is open. Thread: any. */
void mailbox_wake(struct mailbox *mailbox);

/* Reserves room for one command of this size. Returns false, and counts it, if there is none. The
 * caller then calls mailbox_post_reserved() or mailbox_cancel(). Thread: any. */
bool mailbox_reserve(struct mailbox *mailbox, uint32_t bytes);
void mailbox_cancel(struct mailbox *mailbox, uint32_t bytes);

/* Posts a command for which room was reserved. Returns MAILBOX_POSTED, or MAILBOX_SHUT: the room is
 * given up, and the caller still owns the command. Thread: any. */
enum mailbox_posted mailbox_post_reserved(struct mailbox *mailbox,
                                          const struct mailbox_command *command);

/* Reserves room and posts a command. Unless it returns MAILBOX_POSTED, the caller still owns the
 * command. Commands of one thread are taken in order. Thread: any. */
enum mailbox_posted mailbox_post(struct mailbox *mailbox, const struct mailbox_command *command);

/* Returns whether mailbox_take() may find a command. Cheap: most iterations have none. A command
 * that is being posted at the same time wakes the owner later. Thread: the owner's. */
static inline bool mailbox_may_have(const struct mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->woken, memory_order_acquire);
}

/* Takes the oldest command. Returns false if there is none. Thread: the owner's. */
bool mailbox_take(struct mailbox *mailbox, struct mailbox_command *command);

/* What waits in the mailbox, or has reserved room. */
struct mailbox_load {
    uint64_t commands, bytes;
};

/* Thread: any. */
struct mailbox_load mailbox_load(const struct mailbox *mailbox);

/* Returns how many commands wait: an estimate while other threads post. */
uint32_t mailbox_count(const struct mailbox *mailbox);

#endif
