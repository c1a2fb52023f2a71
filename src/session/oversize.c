/* SPDX-License-Identifier: MIT */
/* oversize.c - refuses messages that exceed a send queue's capacity, and warns once per server.
 *
 *      any thread: oversize_refuse -> first of the server? -> noted in the worker, which is woken
 *      the worker: oversize_log    -> one line that names the setting
 *
 * The caller can be any thread of the program, and only notes the length: formatting and logging
 * stay with the worker.
 */
#include "oversize.h"

#include <inttypes.h>
#include <stdio.h>

#include "mailbox.h"

enum weir_code oversize_refuse(struct worker *worker, size_t length)
{
    if (atomic_exchange(&worker->common->oversize_noted, true)) return WEIR_TOO_LARGE;
    atomic_store(&worker->oversize_bytes, length);
    mailbox_wake(worker->mailbox);
    return WEIR_TOO_LARGE;
}

void oversize_log_noted(struct worker *worker)
{
    uint64_t bytes = atomic_exchange(&worker->oversize_bytes, 0);
    char advice[64];

    if (bytes > WEIR_MESSAGE_BYTES_MAX)
        snprintf(advice, sizeof advice, "no value allows more than %" PRIu32,
                 (uint32_t)WEIR_MESSAGE_BYTES_MAX);
    else
        snprintf(advice, sizeof advice, "set it to %" PRIu64 " or more", bytes);
    log_line(&worker->common->log, WEIR_LOG_WARNING,
             "a message of %" PRIu64 " bytes was not sent: send_queue_high_bytes (--queue-high) is "
             "%" PRIu32 "; %s (logged once)",
             bytes, worker->common->config.send_queue_high_bytes, advice);
}
