/* SPDX-License-Identifier: MIT */
/* resolver.h - looks up host names on threads of its own, so that no worker waits for it.
 *
 *      any thread --resolver_ask--> [ requests that wait, at most waiting_max ]
 *                                                |
 *      answer() <-- a thread of the resolver <---'    at most threads_max, started when needed
 */
#ifndef BASE_RESOLVER_H
#define BASE_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

#include "host.h"
#include "list.h"

#define RESOLVER_THREADS_MAX 16u

struct resolver;
struct resolver_thread;

/* One request. The caller owns it, and keeps it until it is answered or cancelled. */
struct resolver_request {
    char name[HOST_NAME_BYTES_MAX + 1];
    /* Called once, on a thread of the resolver, with its lock held: it must not block, and must not
     * call the resolver. The request is no longer used after the call began. */
    void (*answer)(struct resolver_request *request, const struct host_addresses *found);
    struct list waiting;            /* the rest is for resolver.c */
    struct resolver_thread *thread; /* looks it up now; null: none does */
};

/* Looks up a name: host_lookup(), or what a test puts in its place. It may block. */
typedef void resolver_lookup(const char *name, struct host_addresses *found);

/* Returns null if memory is exhausted. Starts no thread. */
struct resolver *resolver_open(uint32_t threads_max, uint32_t waiting_max, resolver_lookup *lookup);

/* Every request has been answered or cancelled. Does not wait for lookups that still run: their
 * threads end after them. Null is allowed. */
void resolver_free(struct resolver *resolver);

/* Sets up a request that resolver_cancel() accepts. */
void resolver_request_init(struct resolver_request *request);

/* Asks for the addresses of request->name. Returns WEIR_OK: answer() will be called, unless the
 * request is cancelled. WEIR_NO_ROOM: waiting_max requests wait. Another code: no thread could be
 * started, with the cause in *os_error. Thread: any. */
enum weir_code resolver_ask(struct resolver *resolver, struct resolver_request *request,
                            int *os_error);

/* Ends a request: after the return, answer() neither runs nor follows. No effect on one that was
 * answered or never asked. Thread: any; not inside answer(). */
void resolver_cancel(struct resolver *resolver, struct resolver_request *request);

#endif
