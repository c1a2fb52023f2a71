/* SPDX-License-Identifier: MIT */
/* live.c - a list of the servers that are not freed. It is short, and used when a server is opened,
 * started, stopped and freed. */
#include "live.h"

#include "check.h"
#include "server_state.h"
#include "thread.h"

static struct list live__servers = {&live__servers, &live__servers};
static _Atomic bool live__taken; /* a lock that needs no memory */

static void live__lock(void)
{
    while (atomic_exchange(&live__taken, true)) thread_yield();
}

static void live__unlock(void)
{
    atomic_store(&live__taken, false);
}

/* The pointer is only compared: what it points to may have been freed. */
static bool live__has(const struct weir_server *server)
{
    const struct list *at = live__servers.next;

    while (at != &live__servers && at != &server->in_live) at = at->next;
    return at != &live__servers;
}

void live_add(struct weir_server *server)
{
    list_init(&server->in_live);
    live__lock();
    list_add_last(&live__servers, &server->in_live);
    live__unlock();
}

void live_check(const struct weir_server *server)
{
    live__lock();
    bool is_live = live__has(server);
    live__unlock();
    weir_check_use(is_live, "a server is used after weir_server_free(), or freed twice");
}

void live_remove(struct weir_server *server)
{
    live__lock();
    bool is_live = live__has(server);
    if (is_live) list_remove(&server->in_live);
    live__unlock();
    weir_check_use(is_live, "a server is used after weir_server_free(), or freed twice");
}
