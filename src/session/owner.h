/* SPDX-License-Identifier: MIT */
/* owner.h - the object that receives the events of one net handle. The file that opens the handle
 * registers the table, so that the event loop knows neither sessions nor listeners. */
#ifndef SESSION_OWNER_H
#define SESSION_OWNER_H

#include "net.h"

struct owner;

/* Whose callback an event can run, for a log line about it. */
struct owner_identity {
    const char *handler;     /* its name, which outlives the server */
    struct net_address peer; /* of a session, or of the event */
    uint64_t session;        /* id; 0: the event begins one, or there is none */
};

struct owner_ops {
    void (*on_event)(struct owner *owner, const struct net_event *event);
    /* Called before the event is handled. Null: it runs no handler's callback. */
    void (*identify)(const struct owner *owner, const struct net_event *event,
                     struct owner_identity *identity);
    /* Has the session measured that NET_RECEIVED or NET_DATAGRAM, which follows, is for: watch.h.
     * Null: the owner has no such events. */
    void (*sample)(struct owner *owner);
};

/* A member of the object that owns the handle; net hands its address out with every event. */
struct owner {
    const struct owner_ops *ops;
};

#endif
