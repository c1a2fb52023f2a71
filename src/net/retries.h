/* SPDX-License-Identifier: MIT */
/* retries.h - handles whose system call failed for a cause that passes (ENOBUFS, ENOMEM, ...). Each
 * is tried again after a delay. Private to src/net.
 *
 *      a call fails        -> retries_add: NET_PAUSED once per episode, then the handle waits
 *      the delay has passed -> retries_run: transport->retry, which makes the call again
 *      it fails again      -> retries_add: the delay doubles
 *      it succeeds         -> handle_succeeded: the next failure begins a new episode
 *
 * Receiving (or accepting) and sending have separate delays, so that a receive that succeeds does
 * not shorten the delay of a send that fails.
 */
#ifndef NET_RETRIES_H
#define NET_RETRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "handle_table.h"
#include "list.h"
#include "net.h"

#define RETRIES_DELAY_FIRST_NS UINT64_C(1000000) /* 1 ms; doubles with each failure ... */
#define RETRIES_DOUBLINGS_MAX 7u                 /* ... up to 128 ms */

struct retries {
    struct list handles; /* linked through handle.retrying */
    uint64_t next_ns;    /* no handle is due earlier; NET_FOREVER: none waits */
};

void retries_init(struct retries *retries);

static inline bool retries_any(const struct retries *retries)
{
    return retries->next_ns != NET_FOREVER;
}

/* Returns the delay before the next attempt after this many consecutive failures, at least one. */
uint64_t retries_delay_ns(uint32_t failures);

/* Reports that a call of the handle failed and shall be repeated later. Hands out NET_PAUSED for
 * the first of several consecutive failures. */
void retries_add(struct net *net, struct handle *handle, enum handle_direction direction,
                 enum weir_code code, int os_error);

/* Repeats the calls that are due; for net_wait. Returns when to run next, or `until_ns` if that is
 * earlier. */
uint64_t retries_run(struct net *net, uint64_t until_ns);

#endif
