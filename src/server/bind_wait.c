/* SPDX-License-Identifier: MIT */
/* bind_wait.c - repeats the probe of each address until it is free, the time is over, or the server
 * is stopped. It waits before the first listener opens, so no client connects to a server that
 * might not start. */
#include "bind_wait.h"

#include "clock.h"
#include "error_fill.h"
#include "net.h"
#include "server_state.h"
#include "thread.h"

#define BIND_WAIT__PAUSE_NS (20 * CLOCK_NS_PER_MS)

static void bind_wait__log(const struct weir_server *server, const struct net_address *address)
{
    char text[NET_ADDRESS_TEXT_BYTES];

    log_line(&server->common.log, WEIR_LOG_WARNING,
             "tcp %s: old connections still use the address, and no program listens on it; waiting "
             "for at most bind_wait_ms = %u",
             net_address_text(address, text, sizeof text), server->common.config.bind_wait_ms);
}

/* Pauses until the next probe. Returns whether to go on: no shutdown is requested. */
static bool bind_wait__pause(struct weir_server *server)
{
    uint64_t until_ns = clock_now_ns() + BIND_WAIT__PAUSE_NS;

    lock_take(server->lock);
    while (server->request == WORKER_RUN &&
           condition_wait(server->requested, server->lock, until_ns))
        continue;
    bool goes_on = server->request == WORKER_RUN;
    lock_give_back(server->lock);
    return goes_on;
}

/* Waits for one address. Returns false if a shutdown is requested. */
static bool bind_wait__one(struct weir_server *server, const struct net_address *address,
                           uint64_t deadline_ns)
{
    bool is_logged = false;

    while (clock_now_ns() < deadline_ns && net_address_lingers(address)) {
        if (!is_logged) bind_wait__log(server, address);
        is_logged = true;
        if (!bind_wait__pause(server)) return false;
    }
    return true;
}

enum weir_code bind_wait(struct weir_server *server, struct weir_error *error)
{
    uint64_t deadline_ns = clock_now_ns() + server->common.config.bind_wait_ms * CLOCK_NS_PER_MS;

    for (uint32_t i = 0; i < server->listeners_count; i++) {
        const struct listen_spec *spec = server->listeners[i];
        if (spec->service.proto != WEIR_TCP || spec->where.address.port == 0) continue;
        if (!bind_wait__one(server, &spec->where.address, deadline_ns))
            return error_fill(error, WEIR_CANCELLED, 0, "start a server", NULL,
                              "it was stopped while it waited for an address", "start it again");
    }
    return WEIR_OK;
}
