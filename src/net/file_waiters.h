/* SPDX-License-Identifier: MIT */
/* file_waiters.h - listeners that wait for file descriptors or memory. Private to src/net.
 *
 *      accept fails with EMFILE -> NET_PAUSED once per shortage, the listener waits
 *      a handle of this net closed, or 100 ms passed -> every listener that waits tries again
 */
#ifndef NET_FILE_WAITERS_H
#define NET_FILE_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

#include "handle_table.h"
#include "net.h"

struct file_waiters {
    struct list listeners; /* linked through handle.waiting */
    uint64_t retry_ns;     /* while a listener waits: when to try again */
    bool file_freed;       /* a descriptor was closed here since the listeners last tried */
};

void file_waiters_init(struct file_waiters *waiters);

static inline bool file_waiters_any(const struct file_waiters *waiters)
{
    return !list_is_empty(&waiters->listeners);
}

/* Reports that an accept failed: `scarce` if files or memory ran out, otherwise for a reason of one
 * connection alone. Returns true if the transport should accept the next connection. Returns false
 * if the listener now waits: NET_PAUSED was handed out at the first failure, and the front calls
 * transport->accept again later. Only inside transport->wait, with room. */
bool file_waiters_accept_failed(struct net *net, struct handle *handle, bool scarce, int os_error);

/* Lets the listeners try again if a file was freed or the delay has passed; for net_wait. Returns
 * when to try next, or `until_ns` if that is earlier. */
uint64_t file_waiters_retry(struct net *net, uint64_t until_ns);

#endif
