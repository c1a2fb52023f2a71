/* SPDX-License-Identifier: MIT */
/* mailbox.h - what other threads have for a worker: accepted sockets, where one worker listens for
 * all.
 *
 *      worker that listens --mailbox_post--> [ letters ] --mailbox_take--> worker that owns it
 *
 * A letter is in the mailbox of a worker that looks into it once more, or it stays the sender's: a
 * mailbox is shut only while it is empty, and then for ever.
 */
#ifndef SESSION_MAILBOX_H
#define SESSION_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "thread.h"

struct place;

/* A connection that was accepted elsewhere. */
struct mailbox_letter {
    struct net_socket socket;
    struct weir_address peer;
    const struct place *place;
};

/* So many connections may wait for a worker that is busy with a turn; the next one is then served
 * by who accepted it. */
#define MAILBOX_LETTERS_MAX 256u

struct mailbox {
    struct lock *lock; /* over all below */
    struct net *net;   /* of the owner, who is woken; null while the mailbox is shut */
    uint32_t first, count;
    struct mailbox_letter letters[MAILBOX_LETTERS_MAX];
};

/* Shut until mailbox_open(). False: no memory. */
bool mailbox_init(struct mailbox *mailbox);
void mailbox_free(struct mailbox *mailbox);

/* The owner's thread: letters are welcome, and wake its net. */
void mailbox_open(struct mailbox *mailbox, struct net *net);

/* The owner's thread: no more letters. False: there is one to be taken first. */
bool mailbox_shut(struct mailbox *mailbox);

/* Any thread: the owner looks about, if it still takes letters. */
void mailbox_wake(struct mailbox *mailbox);

/* Any thread: false, and the letter stays the sender's, when the mailbox is full or shut. */
bool mailbox_post(struct mailbox *mailbox, const struct mailbox_letter *letter);

/* The owner's thread: false when there is none. */
bool mailbox_take(struct mailbox *mailbox, struct mailbox_letter *letter);

#endif
