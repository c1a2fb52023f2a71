/* SPDX-License-Identifier: MIT */
/* net_failure.c - breaks all handles of a net whose event loop failed. Owner of net.failed_os_error
 * is the transport. */
#include "net_failure.h"

#include "check.h"
#include "error_fill.h"
#include "transport.h"

void net_failure_hand_out(struct net *net)
{
    int os_error = net->failed_os_error;

    weir_check(os_error != 0);
    for (uint32_t i = 0; i < net->handle_table.handles_count; i++) {
        struct handle *handle = handle_table_at(&net->handle_table, i);
        if (handle->kind == HANDLE_FREE || handle->closing || handle->broken) continue;
        if (!event_batch_has_room(&net->batch)) return;
        list_remove(&handle->held.deliverable); /* net_close drops the data that is held */
        list_remove(&handle->waiting);
        event_batch_failed(net, handle, NET_BROKEN, error_code_of_os(os_error), os_error);
    }
}
