/* SPDX-License-Identifier: MIT */
/* histograms.c - weir_server_histogram(): adds up the histograms of workers, or finds that of a
 * listener. */
#include <weir/weir.h>

#include <string.h>

#include "histogram.h"
#include "inspect.h"
#include "server_state.h"

static enum weir_code histograms__workers(const struct weir_server *server,
                                          enum weir_histogram_kind kind, uint32_t which,
                                          struct weir_histogram *sum)
{
    enum weir_code code = WEIR_GONE;

    for (uint32_t i = 0; i < server->workers_count; i++) {
        if (which != i && which != WEIR_WORKERS_ALL) continue;
        inspect_histogram(&server->threads[i].loop.worker, kind, sum);
        code = WEIR_OK;
    }
    return code;
}

/* Returns the times of a listener's handler, or of outbound sessions. Null: there is no listener
 * with this id. The caller holds the server's lock. */
static const struct histogram *histograms__of(const struct weir_server *server, uint32_t id)
{
    if (id == 0) return &server->common.outbound_times;
    for (uint32_t i = 0; i < server->listeners_count; i++)
        if (server->listeners[i]->id == id) return server->listeners[i]->service.handler_times;
    return NULL;
}

static enum weir_code histograms__handler(const struct weir_server *server, uint32_t id,
                                          struct weir_histogram *out)
{
    lock_take(server->lock);
    const struct histogram *times = histograms__of(server, id);
    if (times) histogram_read(times, 0, out);
    lock_give_back(server->lock);
    return times ? WEIR_OK : WEIR_GONE;
}

enum weir_code weir_server_histogram_sized(const struct weir_server *server,
                                           enum weir_histogram_kind kind, uint32_t which,
                                           struct weir_histogram *histogram, size_t size)
{
    struct weir_histogram whole = {.count = 0};
    enum weir_code code = WEIR_INVALID;

    server_check_mark(server);
    switch (kind) {
    case WEIR_HISTOGRAM_ITERATION:
    case WEIR_HISTOGRAM_OPENING: code = histograms__workers(server, kind, which, &whole); break;
    case WEIR_HISTOGRAM_HANDLER: code = histograms__handler(server, which, &whole); break;
    default: break; /* a kind of a later version */
    }
    memset(histogram, 0, size);
    memcpy(histogram, &whole, size < sizeof whole ? size : sizeof whole);
    return code;
}
