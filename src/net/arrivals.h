/* SPDX-License-Identifier: MIT */
/* arrivals.h - data, FIN, failures and accepted sockets that the system delivers: handed out while
 * the handle's flow is on, held while it is off (rule 1). Private to src/net.
 *
 *                          flow on, nothing held
 *      transport: arrival_* ---------------------> event
 *                      |                             ^
 *                      | flow off, or more is held   | arrivals_deliver, at the start of net_wait:
 *                      v                             | oldest first, while there is room
 *                 handle.held  ----------------------'
 *                                 flow on again
 *
 * A transport must not receive or accept for a handle that holds something (arrivals_are_held):
 * the order would be lost, and held_bytes_max could be exceeded. When everything is delivered, the
 * front calls transport->receive or transport->accept again.
 *
 * A held buffer belongs to SYSTEM. A held failure is handed out as soon as no data is held before
 * it, whether the flow is on or off; a held FIN waits for the flow.
 */
#ifndef NET_ARRIVALS_H
#define NET_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

#include "handle_table.h"
#include "net.h"

/* The sockets that a listener holds: positions `first` up to `count` of `sockets`. */
struct held_sockets {
    uint32_t first, count, max;
    struct held_socket {
        uintptr_t os_handle;
        struct net_address peer;
    } sockets[];
};

/* Whether something arrived that was not handed out. */
static inline bool arrivals_are_held(const struct handle *handle)
{
    const struct held *held = &handle->held;

    if (held->first || held->has_end) return true;
    if (handle->kind != HANDLE_LISTENER) return false;
    const struct held_sockets *sockets = handle->endpoint->sockets;
    return sockets && sockets->first < sockets->count;
}

/* Prepares a listener to hold up to `sockets_max` sockets: as many as the system can deliver after
 * accepting was switched off. Returns false if memory is exhausted. arrivals_drop() undoes it. */
bool arrivals_open_listener(struct handle *listener, uint32_t sockets_max);

/* Bytes arrived: `buffer` of at least one byte, owned by SYSTEM. With room for one event. */
void arrival_bytes(struct net *net, struct handle *handle, struct net_buffer *buffer);

/* A datagram arrived, as transport->hand_out_datagram will describe it. With room for one event. */
void arrival_datagram(struct net *net, struct handle *handle, struct net_buffer *buffer);

/* The receive ended: with FIN (WEIR_OK), or with a failure. Nothing arrives after it. */
void arrival_end(struct net *net, struct handle *handle, enum weir_code code, int os_error);

/* A connection was accepted; it is refused if the listener is closing. */
void arrival_socket(struct net *net, struct handle *listener, uintptr_t os_handle,
                    const struct net_address *peer);

/* The flow was switched: updates the list of handles that have something to deliver. */
void arrivals_on_switch(struct net *net, struct handle *handle);

/* Hands out what is held for handles whose flow is on; for net_wait. */
void arrivals_deliver(struct net *net);

/* Drops everything that is held, for a handle that closes or could not be opened. */
void arrivals_drop(struct net *net, struct handle *handle);

#endif
