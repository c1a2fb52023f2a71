/* SPDX-License-Identifier: MIT */
/* pause.c - counts and logs the pauses of flows and sends. */
#include "pause.h"

#include <stdio.h>

#include "error_fill.h"
#include "worker.h"

static thread_counter *pause__counter(struct counters *counters, const struct net_event *event)
{
    if (event->code == WEIR_NO_BUFFERS && event->os_error == 0) return &counters->pauses_no_buffers;
    return event->code == WEIR_NO_FILES ? &counters->pauses_no_files : &counters->pauses_failed;
}

void pause_report(struct worker *worker, const struct net_event *event, const char *subject)
{
    char hint[160], text[512];
    struct weir_error error;

    weir_check(event->kind == NET_PAUSED);
    counter_add(pause__counter(&worker->counters, event), 1);
    if (event->os_error == 0) return; /* buffers are a setting of the server, and counted */
    error_hint_and("tried again after a delay", event->os_error, hint, sizeof hint);
    error_fill(&error, event->code, event->os_error, "go on with", subject, NULL, hint);
    log_limited(&worker->pauses, &worker->common->log, worker->now_ms, WEIR_LOG_WARNING, "%s",
                weir_error_text(&error, text, sizeof text));
}

/* Here, and not where the event is dispatched: its text would enlarge the stack frame of a function
 * that runs for every message. */
void pause_report_client(struct worker *worker, const struct net_event *event,
                         const struct net_address *peer)
{
    char address[NET_ADDRESS_TEXT_BYTES], subject[96];

    weir_check(peer != NULL);
    snprintf(subject, sizeof subject, "client %s",
             address_peer_text(peer, address, sizeof address));
    pause_report(worker, event, subject);
}
