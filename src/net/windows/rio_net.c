/* SPDX-License-Identifier: MIT */
/* rio_net.c - which list a handle is on, and what the verifier is told about its receiving. */
#include "rio_net.h"

#define RIO_NET__REST_NS UINT64_C(50000000)

void rio_entry_init(struct rio_entry *entry)
{
    entry->socket = WIN_NO_SOCKET;
    entry->queue = RIO_NO_RQ;
    list_init(&entry->listed);
}

void rio_rest(struct rio_net *system, struct rio_entry *entry)
{
    rio_put(&system->resting, entry);
    rio_tell_reading(system, entry, false);
    if (system->rest_until_ns == NET_FOREVER)
        system->rest_until_ns = system->net->now_ns + RIO_NET__REST_NS;
}

void rio_tell_reading(struct rio_net *system, struct rio_entry *entry, bool wanted)
{
    if (!system->provider->on_reading || entry->told_reading == wanted) return;
    if (entry->queue == RIO_NO_RQ) return;
    entry->told_reading = wanted;
    system->provider->on_reading(entry->queue, wanted);
}
