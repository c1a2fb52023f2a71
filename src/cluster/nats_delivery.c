/* SPDX-License-Identifier: MIT */
/* nats_delivery.c - the callbacks that run on libnats' own threads, also shortly after the
 * connection was destroyed. So they carry a serial number in place of a pointer, by which they find
 * the broker in a list. The list's lock is held during the callback: close() waits for it. */
#include "nats_state.h"

#include <stddef.h>

/* The lock is made by the first broker, and is never freed: a late callback can take it. */
static _Atomic(struct lock *) nats_delivery__lock;
static struct nats_broker *nats_delivery__first; /* under the lock, as is the next */
static uintptr_t nats_delivery__serial;

static struct lock *nats_delivery__take(void)
{
    struct lock *lock = atomic_load(&nats_delivery__lock);

    if (lock) lock_take(lock);
    return lock;
}

static struct nats_broker *nats_delivery__find(const void *serial)
{
    struct nats_broker *broker = nats_delivery__first;

    while (broker && broker->serial != (uintptr_t)serial) broker = broker->next;
    return broker;
}

bool nats_delivery_add(struct nats_broker *broker)
{
    struct lock *none = NULL;

    if (!atomic_load(&nats_delivery__lock)) {
        struct lock *fresh = lock_open();
        if (!fresh) return false;
        if (!atomic_compare_exchange_strong(&nats_delivery__lock, &none, fresh)) lock_free(fresh);
    }
    struct lock *lock = nats_delivery__take();
    broker->serial = ++nats_delivery__serial;
    broker->next = nats_delivery__first;
    nats_delivery__first = broker;
    lock_give_back(lock);
    return true;
}

void nats_delivery_remove(struct nats_broker *broker)
{
    struct lock *lock = nats_delivery__take();

    if (!lock) return;
    for (struct nats_broker **at = &nats_delivery__first; *at; at = &(*at)->next) {
        if (*at != broker) continue;
        *at = broker->next;
        break;
    }
    lock_give_back(lock);
}

void nats_delivery_on_message(natsConnection *connection, natsSubscription *subscription,
                              natsMsg *message, void *serial)
{
    struct lock *lock = nats_delivery__take();
    struct nats_broker *broker = nats_delivery__find(serial);

    (void)connection;
    (void)subscription;
    if (broker)
        broker->events.on_message(broker->events.user, natsMsg_GetSubject(message),
                                  (const uint8_t *)natsMsg_GetData(message),
                                  (size_t)natsMsg_GetDataLength(message));
    lock_give_back(lock);
    natsMsg_Destroy(message);
}

static void nats_delivery__on_refused(struct nats_broker *broker, natsConnection *connection)
{
    const char *text = NULL;

    lock_take(broker->lock);
    if (connection == broker->connection) {
        natsConnection_GetLastError(connection, &text);
        nats_socket_give_up(broker, text ? text : "", true);
    }
    lock_give_back(broker->lock);
}

/* Without an error handler libnats prints to stderr. */
void nats_delivery_on_error(natsConnection *connection, natsSubscription *subscription,
                            natsStatus status, void *serial)
{
    struct lock *lock = nats_delivery__take();
    struct nats_broker *broker = nats_delivery__find(serial);

    (void)subscription;
    if (broker && status == NATS_NOT_PERMITTED) nats_delivery__on_refused(broker, connection);
    if (broker && status == NATS_SLOW_CONSUMER) {
        atomic_store(&broker->is_slow, true);
        nats_socket_wake(broker);
    }
    lock_give_back(lock);
}
