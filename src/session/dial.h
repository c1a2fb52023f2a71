/* SPDX-License-Identifier: MIT */
/* dial.h - one try to connect to a host: looks up its name, tries its addresses in turn, and hands
 * over the first connection. See dial.c. */
#ifndef SESSION_DIAL_H
#define SESSION_DIAL_H

#include "dial_target.h"
#include "net.h"
#include "owner.h"

struct dial;
struct worker;

/* Why a dial failed. */
struct dial_failure {
    enum weir_code code;
    int os_error;
    bool is_lookup; /* the name was not found */
    char why[96];   /* "": the code says it */
};

/* Of the object that dials. One of the first two is called once, unless the dial is abandoned
 * before; the dial is over then. */
struct dial_ops {
    /* Takes over the connection, and returns the new owner of its events. Null: there is no room
     * for a session; `failed` follows. */
    struct owner *(*connected)(void *user, struct net_handle handle,
                               const struct net_address *peer);
    void (*begin)(void *user); /* after `connected`: the session can begin */
    void (*failed)(void *user, const struct dial_failure *failure);
    void (*rescheduled)(void *user); /* dial_due_ms() has changed */
};

/* Begins to dial until `until_ms` (UINT64_MAX: without a limit). The caller then calls
 * dial_advance(). Returns null if memory is exhausted. */
struct dial *dial_start(struct worker *worker, const struct dial_target *target, uint64_t until_ms,
                        const struct dial_ops *ops, void *user);

/* Does what is due. */
void dial_advance(struct dial *dial);

/* Returns when dial_advance() must be called at the latest; UINT64_MAX: an event comes first. */
uint64_t dial_due_ms(const struct dial *dial);

/* Ends a dial that is not over: cancels the lookup, and closes what was opened. */
void dial_abandon(struct dial *dial);

/* Frees the dials that are over. After all events of an iteration. */
void dial_sweep(struct worker *worker);

#endif
