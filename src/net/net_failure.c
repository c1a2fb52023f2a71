/* SPDX-License-Identifier: MIT */
/* net_failure.c - breaks all handles of a net whose event loop failed. The owner of
 * net.failure is this file. */
#include "net_failure.h"

#include "check.h"
#include "error_fill.h"
#include "transport.h"

void net_failure_record(struct net *net, enum weir_code code, int os_error, const char *call)
{
    if (net->failed) return;
    net->failed = true;
    if (net->options.has_failed) *net->options.has_failed = true;
    error_fill(&net->failure, code, os_error, "wait for events with", call, NULL,
               "restart the server; if it fails again, choose another --transport");
}

void net_failure_hand_out(struct net *net)
{
    const struct weir_error *failure = &net->failure;

    weir_check(net->failed);
    for (uint32_t i = 0; i < net->handle_table.handles_count; i++) {
        struct handle *handle = handle_table_at(&net->handle_table, i);
        if (handle->kind == HANDLE_FREE || handle->closing || handle->broken) continue;
        if (!event_batch_has_room(&net->batch)) return;
        list_remove(&handle->held.deliverable); /* net_close drops the data that is held */
        list_remove(&handle->waiting);
        list_remove(&handle->retrying);
        event_batch_failed(net, handle, NET_BROKEN, failure->code, failure->os_error);
    }
}
