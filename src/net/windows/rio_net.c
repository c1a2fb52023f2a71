/* SPDX-License-Identifier: MIT */
/* rio_net.c - moves handles between the lists of rio_net.h and reports their receive state to the
 * verifier. The lists link handles; they do not own them. */
#include "rio_net.h"

#include "check.h"

#define RIO_NET__RETRY_NS UINT64_C(50000000)

void rio_entry_init(struct rio_entry *entry)
{
    entry->socket = WIN_NO_SOCKET;
    entry->queue = RIO_NO_RQ;
    list_init(&entry->listed);
}

void rio_retry_later(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(!entry->base.closing); /* a closed handle is on no list */
    rio_move_to(&system->delayed, entry);
    rio_report_reading(system, entry, false);
    if (system->retry_at_ns == NET_FOREVER)
        system->retry_at_ns = system->net->now_ns + RIO_NET__RETRY_NS;
}

void rio_report_reading(struct rio_net *system, struct rio_entry *entry, bool wanted)
{
    if (!system->provider->on_reading || entry->reported_reading == wanted) return;
    if (entry->queue == RIO_NO_RQ) return;
    entry->reported_reading = wanted;
    system->provider->on_reading(entry->queue, wanted);
}
