/* SPDX-License-Identifier: MIT */
/* inbox.h - notes from any thread to one worker, which are never refused: each is a member of the
 * object that it is about, so posting one allocates nothing.
 *
 *      any thread --inbox_post--> [ notes ] --inbox_take--> the worker, once per iteration
 *
 * It is for rare events, such as outbound connections, and takes a lock; mailbox.h is for messages.
 */
#ifndef SESSION_INBOX_H
#define SESSION_INBOX_H

#include <stdbool.h>

#include "list.h"
#include "thread.h"

struct inbox_note {
    struct list in_inbox;
    /* What the worker does with it. */
    void (*read)(struct inbox_note *note);
};

struct inbox {
    struct lock *lock; /* of the rest */
    struct list notes; /* oldest first */
    bool is_shut;
};

/* Returns false if memory is exhausted. */
bool inbox_init(struct inbox *inbox);

/* No note may be left. Harmless if inbox_init() was not called. */
void inbox_free(struct inbox *inbox);

void inbox_note_init(struct inbox_note *note, void (*read)(struct inbox_note *note));

/* Posts a note. The caller then calls worker_request_connects(). Returns false if the inbox is
 * shut: the caller still owns the note. Does nothing if the note is posted already. Thread: any. */
bool inbox_post(struct inbox *inbox, struct inbox_note *note);

/* Takes back a note. Does nothing if it is not posted. Thread: any. */
void inbox_withdraw(struct inbox *inbox, struct inbox_note *note);

/* Takes the oldest note; null: none is there. Thread: the worker's. */
struct inbox_note *inbox_take(struct inbox *inbox);

/* Shuts the inbox forever if it is empty. Returns whether it is shut. Thread: the worker's. */
bool inbox_shut(struct inbox *inbox);

#endif
