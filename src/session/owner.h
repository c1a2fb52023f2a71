/* SPDX-License-Identifier: MIT */
/* owner.h - the object that receives the events of one net handle. The file that opens the handle
 * registers the table, so that the event loop knows neither sessions nor listeners. */
#ifndef SESSION_OWNER_H
#define SESSION_OWNER_H

struct net_event;
struct owner;

struct owner_ops {
    void (*on_event)(struct owner *owner, const struct net_event *event);
};

/* A member of the object that owns the handle; net hands its address out with every event. */
struct owner {
    const struct owner_ops *ops;
};

#endif
