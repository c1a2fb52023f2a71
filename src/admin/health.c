/* SPDX-License-Identifier: MIT */
/* health.c - see health.h.
 *
 *      admin's worker          worker i of the observed server
 *      health_ask    -- ping -->  health__answer
 *      health__count <- post ---
 */
#include "health.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "heap.h"

enum health__state {
    HEALTH__IDLE,    /* the last ping was answered, or none was sent */
    HEALTH__ASKED,   /* a ping is out */
    HEALTH__REFUSED, /* the worker's mailbox was full */
    HEALTH__GONE,    /* the worker has ended */
};

struct health_ping {
    struct health *health;
    enum health__state state;
    uint64_t since_ms;        /* valid in ASKED and REFUSED: since when there is no answer */
    _Atomic bool is_answered; /* set by the worker while the state is ASKED */
};

static void health__update(struct health *health)
{
    for (uint32_t i = 0; i < health->workers_count; i++) {
        struct health_ping *ping = &health->pings[i];
        if (ping->state == HEALTH__ASKED && atomic_load(&ping->is_answered))
            ping->state = HEALTH__IDLE;
    }
}

static bool health__is_waiting(struct health *health)
{
    health__update(health);
    for (uint32_t i = 0; i < health->workers_count; i++)
        if (health->pings[i].state == HEALTH__ASKED || health->pings[i].state == HEALTH__REFUSED)
            return true;
    return false;
}

/* Runs on the admin server's worker. */
static void health__count(struct weir_worker *worker, void *argument)
{
    struct health *health = argument;

    (void)worker;
    if (!health__is_waiting(health)) visit_list_wake(&health->waiting);
}

/* Runs on the observed server's worker. If the mailbox of the admin server is full, the clients
 * wait for HEALTH_WAIT_MS. */
static void health__answer(struct weir_worker *worker, void *argument)
{
    struct health_ping *ping = argument;
    struct health *health = ping->health;

    (void)worker;
    atomic_store(&ping->is_answered, true);
    (void)weir_post(health->own, 0, health__count, health);
}

static void health__ping(struct health_ping *ping, struct weir_server *observed, uint32_t worker)
{
    if (ping->state == HEALTH__ASKED) return;
    if (ping->state != HEALTH__REFUSED) ping->since_ms = weir_now();
    atomic_store(&ping->is_answered, false);
    switch (weir_post(observed, worker, health__answer, ping)) {
    case WEIR_OK: ping->state = HEALTH__ASKED; break;
    case WEIR_GONE: ping->state = HEALTH__GONE; break;
    default: ping->state = HEALTH__REFUSED; break;
    }
}

static bool health__open(struct health *health, struct weir_server *own, uint32_t workers_count)
{
    if (health->pings) return true;
    health->pings = heap_alloc(workers_count * sizeof *health->pings);
    if (!health->pings) return false;
    health->own = own;
    health->workers_count = workers_count;
    for (uint32_t i = 0; i < workers_count; i++) health->pings[i].health = health;
    return true;
}

bool health_ask(struct health *health, struct weir_server *own, struct weir_server *observed)
{
    if (!health__open(health, own, weir_server_workers_count(observed))) return false;
    health__update(health);
    for (uint32_t i = 0; i < health->workers_count; i++)
        health__ping(&health->pings[i], observed, i);
    return health__is_waiting(health);
}

uint64_t health_silent_ms(const struct health *health, uint32_t worker)
{
    const struct health_ping *ping = worker < health->workers_count ? &health->pings[worker] : NULL;

    if (!ping || (ping->state != HEALTH__ASKED && ping->state != HEALTH__REFUSED)) return 0;
    if (ping->state == HEALTH__ASKED && atomic_load(&ping->is_answered)) return 0;
    return weir_now() - ping->since_ms;
}

bool health_check(const struct health *health, const struct weir_server *observed, char *why,
                  size_t why_bytes)
{
    struct weir_error error;
    bool is_late = false;

    if (weir_server_failure(observed, &error) != WEIR_OK) {
        weir_error_text(&error, why, why_bytes);
        return false;
    }
    for (uint32_t i = 0; i < health->workers_count; i++) {
        uint64_t silent_ms = health_silent_ms(health, i);
        if (silent_ms == 0) continue;
        snprintf(why, why_bytes, "worker %u has not answered for %" PRIu64 ".%" PRIu64 " s",
                 (unsigned)i, silent_ms / 1000, silent_ms / 100 % 10);
        if (silent_ms >= HEALTH_HUNG_MS) return false;
        is_late = true;
    }
    if (is_late) return true;
    snprintf(why, why_bytes, "ok");
    return true;
}

void health_free(struct health *health)
{
    heap_free(health->pings);
    *health = (struct health){0};
}
