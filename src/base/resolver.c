/* SPDX-License-Identifier: MIT */
/* resolver.c - a queue of names and the threads that look them up.
 *
 * A lookup cannot be interrupted. Its thread works on copies, and a request that is cancelled
 * meanwhile is forgotten: its result is discarded. resolver_free() leaves such threads alone. The
 * last of them frees the resolver.
 */
#include "resolver.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "thread.h"

struct resolver_thread {
    struct resolver *resolver;
    struct thread *thread;            /* null: not started */
    struct resolver_request *request; /* that it looks up; null: none, or it was cancelled */
    bool is_busy;                     /* set while a lookup runs */
};

struct resolver {
    resolver_lookup *lookup;
    uint32_t threads_max, waiting_max;
    struct lock *lock;       /* of everything below */
    struct condition *asked; /* a request waits, or the resolver ends */
    struct list waiting;     /* requests, oldest first */
    uint32_t waiting_count;
    uint32_t threads_count, idle_count; /* threads that were started, and that wait */
    uint32_t users; /* that free it together: the owner, and abandoned threads */
    bool ending;
    struct resolver_thread threads[RESOLVER_THREADS_MAX];
};

static void resolver__destroy(struct resolver *resolver)
{
    condition_free(resolver->asked);
    lock_free(resolver->lock);
    memory_free(resolver);
}

struct resolver *resolver_open(uint32_t threads_max, uint32_t waiting_max, resolver_lookup *lookup)
{
    struct resolver *resolver = memory_alloc(sizeof *resolver);

    weir_check(threads_max > 0);
    weir_check(threads_max <= RESOLVER_THREADS_MAX);
    if (!resolver) return NULL;
    resolver->lookup = lookup;
    resolver->threads_max = threads_max;
    resolver->waiting_max = waiting_max;
    resolver->users = 1;
    list_init(&resolver->waiting);
    resolver->lock = lock_open();
    resolver->asked = condition_open();
    if (resolver->lock && resolver->asked) return resolver;
    resolver__destroy(resolver);
    return NULL;
}

/* Gives up one use. Returns whether it was the last one. The caller holds the lock. */
static bool resolver__leave(struct resolver *resolver)
{
    weir_check(resolver->users > 0);
    return --resolver->users == 0;
}

/* ---- the threads ---- */

/* Waits for a request, and copies its name. Returns false if the resolver ends. */
static bool resolver__take(struct resolver_thread *thread, char *name)
{
    struct resolver *resolver = thread->resolver;

    lock_take(resolver->lock);
    resolver->idle_count++;
    while (list_is_empty(&resolver->waiting) && !resolver->ending)
        condition_wait(resolver->asked, resolver->lock, CONDITION_NO_DEADLINE);
    resolver->idle_count--;
    struct list *first = list_take_first(&resolver->waiting);
    if (first) {
        thread->request = weir_container_of(first, struct resolver_request, waiting);
        thread->request->thread = thread;
        thread->is_busy = true;
        resolver->waiting_count--;
        snprintf(name, HOST_NAME_BYTES_MAX + 1, "%s", thread->request->name);
    }
    lock_give_back(resolver->lock);
    return first != NULL;
}

/* Passes the result to the request, unless it was cancelled. Returns false if the thread ends: the
 * resolver was freed meanwhile. */
static bool resolver__answer(struct resolver_thread *thread, const struct host_addresses *found)
{
    struct resolver *resolver = thread->resolver;
    struct resolver_request *request;

    lock_take(resolver->lock);
    request = thread->request;
    thread->request = NULL;
    thread->is_busy = false;
    if (request) {
        request->thread = NULL;
        request->answer(request, found);
    }
    bool ending = resolver->ending;
    bool is_last = ending && resolver__leave(resolver);
    lock_give_back(resolver->lock);
    if (is_last) resolver__destroy(resolver);
    return !ending;
}

static void resolver__run(void *argument)
{
    struct resolver_thread *thread = argument;
    char name[HOST_NAME_BYTES_MAX + 1];
    struct host_addresses found;

    while (resolver__take(thread, name)) {
        thread->resolver->lookup(name, &found);
        if (!resolver__answer(thread, &found)) return;
    }
}

/* Starts one more thread. The caller holds the lock. */
static enum weir_code resolver__start_thread(struct resolver *resolver, int *os_error)
{
    struct resolver_thread *thread = &resolver->threads[resolver->threads_count];

    thread->resolver = resolver;
    thread->thread = thread_start("weir-resolver", resolver__run, thread, os_error);
    if (!thread->thread) return *os_error ? error_code_of_os(*os_error) : WEIR_NO_MEMORY;
    resolver->threads_count++;
    return WEIR_OK;
}

/* ---- the callers ---- */

void resolver_request_init(struct resolver_request *request)
{
    list_init(&request->waiting);
    request->thread = NULL;
}

enum weir_code resolver_ask(struct resolver *resolver, struct resolver_request *request,
                            int *os_error)
{
    enum weir_code code = WEIR_OK;

    *os_error = 0;
    lock_take(resolver->lock);
    weir_check(!resolver->ending);
    weir_check(!request->thread);
    if (resolver->waiting_count >= resolver->waiting_max) code = WEIR_NO_ROOM;
    if (code == WEIR_OK && resolver->idle_count <= resolver->waiting_count &&
        resolver->threads_count < resolver->threads_max)
        code = resolver__start_thread(resolver, os_error);
    if (resolver->threads_count > 0 && code != WEIR_NO_ROOM) code = WEIR_OK; /* the others do it */
    if (code == WEIR_OK) {
        list_add_last(&resolver->waiting, &request->waiting);
        resolver->waiting_count++;
        condition_wake_all(resolver->asked);
    }
    lock_give_back(resolver->lock);
    return code;
}

void resolver_cancel(struct resolver *resolver, struct resolver_request *request)
{
    lock_take(resolver->lock);
    if (request->thread) {
        request->thread->request = NULL;
        request->thread = NULL;
    }
    if (list_has(&request->waiting)) {
        list_remove(&request->waiting);
        resolver->waiting_count--;
    }
    lock_give_back(resolver->lock);
}

void resolver_free(struct resolver *resolver)
{
    struct thread *idle[RESOLVER_THREADS_MAX], *busy[RESOLVER_THREADS_MAX];
    uint32_t idle_count = 0, busy_count = 0;

    if (!resolver) return;
    lock_take(resolver->lock);
    weir_check(list_is_empty(&resolver->waiting));
    resolver->ending = true;
    for (uint32_t i = 0; i < resolver->threads_count; i++) {
        const struct resolver_thread *thread = &resolver->threads[i];
        weir_check(!thread->request);
        if (thread->is_busy)
            busy[busy_count++] = thread->thread;
        else
            idle[idle_count++] = thread->thread;
    }
    resolver->users += busy_count;
    condition_wake_all(resolver->asked);
    lock_give_back(resolver->lock);
    for (uint32_t i = 0; i < busy_count; i++) thread_leave(busy[i]);
    for (uint32_t i = 0; i < idle_count; i++) thread_join(idle[i]);
    lock_take(resolver->lock);
    bool is_last = resolver__leave(resolver);
    lock_give_back(resolver->lock);
    if (is_last) resolver__destroy(resolver);
}
