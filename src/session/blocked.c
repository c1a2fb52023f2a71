/* SPDX-License-Identifier: MIT */
/* blocked.c - reports callbacks that kept a worker from its other sessions.
 *
 *      net_wait -> callbacks -> net_wait: measures the time between both, and lets the loop look
 *                               if it was longer than handler_warn_ms -> report
 *
 * What waited meanwhile comes as events of the second wait. So nothing is measured per message. The
 * first report therefore names no handler. After it, each event is measured for a minute, so the
 * reports that follow name the handler and the session.
 */
#include "blocked.h"

#include <inttypes.h>
#include <stdio.h>

#include "worker.h"

#define BLOCKED__MEASURED_NS (60 * 1000 * CLOCK_NS_PER_MS)
#define BLOCKED__CAUSE_BYTES 200

void blocked_begin(struct blocked *blocked)
{
    weir_check(blocked_measures(blocked));
    blocked->previous = blocked->present;
    blocked->present = (struct blocked_event){.is_measured = true};
}

void blocked_handle(struct blocked *blocked, struct worker *worker, const struct net_event *event)
{
    struct owner_identity identity = {.handler = NULL};
    struct owner *owner = event->owner; /* the event can free what it belongs to */
    uint64_t began_ns = net_clock_ns(worker->net);

    weir_check(owner != NULL);
    if (owner->ops->identify) owner->ops->identify(owner, event, &identity);
    owner->ops->on_event(owner, event);
    uint64_t ns = net_clock_ns(worker->net) - began_ns;
    counter_raise(&worker->counters.handler_max_ns, ns);
    if (!identity.handler || ns <= blocked->present.ns) return;
    blocked->present.ns = ns;
    blocked->present.identity = identity;
}

void blocked_check(struct blocked *blocked, const struct worker *worker)
{
    if (worker->now_ns >= blocked->until_ns) *blocked = (struct blocked){.until_ns = 0};
}

/* Writes what blocked, as far as it is known. Returns `text`. */
static const char *blocked__cause(const struct blocked_event *event, uint64_t busy_ns,
                                  char text[BLOCKED__CAUSE_BYTES])
{
    const struct owner_identity *identity = &event->identity;
    char peer[NET_ADDRESS_TEXT_BYTES];

    if (!event->is_measured) return "its callbacks";
    if (event->ns < busy_ns / 2)
        return "its callbacks (timers, posts, new connections, many messages)";
    address_peer_text(&identity->peer, peer, sizeof peer);
    if (identity->session > 0)
        snprintf(text, BLOCKED__CAUSE_BYTES, "handler %s, for session %016" PRIx64 " of %s,",
                 identity->handler, identity->session, peer);
    else
        snprintf(text, BLOCKED__CAUSE_BYTES, "handler %s, for %s,", identity->handler, peer);
    return text;
}

void blocked_report(struct blocked *blocked, struct worker *worker, uint32_t events_count,
                    uint32_t events_max)
{
    uint64_t busy_ns = net_take_busy_ns(worker->net);
    char text[BLOCKED__CAUSE_BYTES];

    if (busy_ns == 0) return;
    counter_add(&worker->counters.handlers_blocked, 1);
    log_limited(&worker->blocked, &worker->common->log, worker->now_ms, WEIR_LOG_WARNING,
                "worker %u: %s did not return for %" PRIu64 " ms, and %" PRIu32
                "%s events of sessions waited; a callback must not block, so do slow work on "
                "another thread (handler_warn_ms=%" PRIu32 ")",
                worker->index, blocked__cause(&blocked->previous, busy_ns, text),
                busy_ns / CLOCK_NS_PER_MS, events_count + worker->readable_count,
                events_count == events_max ? " or more" : "", worker->config->handler_warn_ms);
    blocked->until_ns = worker->now_ns + BLOCKED__MEASURED_NS;
}
