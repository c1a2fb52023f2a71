/* SPDX-License-Identifier: MIT */
/* rio_net.c - moves handles between the lists of rio_net.h and reports their receive state to the
 * verifier. The lists link handles; they do not own them. */
#include "rio_net.h"

#include "check.h"
#include "error_winsock.h"

void rio_entry_init(struct rio_entry *entry)
{
    entry->socket = WIN_NO_SOCKET;
    entry->queue = RIO_NO_RQ;
    list_init(&entry->listed);
}

bool rio_passes(int os_error)
{
    enum weir_code code = error_winsock_code(os_error);

    return code == WEIR_NO_BUFFERS || code == WEIR_NO_MEMORY;
}

void rio_retry_later(struct rio_net *system, struct rio_entry *entry,
                     enum handle_direction direction, int os_error)
{
    weir_check(!entry->base.closing); /* a closed handle is not retried */
    if (direction == HANDLE_RECEIVES) rio_report_reading(system, entry, false);
    retries_add(system->net, &entry->base, direction, error_winsock_code(os_error), os_error);
}

void rio_report_reading(struct rio_net *system, struct rio_entry *entry, bool wanted)
{
    if (!system->provider->on_reading || entry->reported_reading == wanted) return;
    if (entry->queue == RIO_NO_RQ) return;
    entry->reported_reading = wanted;
    system->provider->on_reading(entry->queue, wanted);
}
