/* SPDX-License-Identifier: MIT */
/* retries.c - delays and repeats system calls that failed; retries.h states the policy. */
#include "retries.h"

#include "check.h"
#include "event_batch.h"
#include "transport.h"

void retries_init(struct retries *retries)
{
    list_init(&retries->handles);
    retries->next_ns = NET_FOREVER;
}

uint64_t retries_delay_ns(uint32_t failures)
{
    weir_check(failures > 0);
    uint32_t doublings =
        failures - 1 < RETRIES_DOUBLINGS_MAX ? failures - 1 : RETRIES_DOUBLINGS_MAX;
    return RETRIES_DELAY_FIRST_NS << doublings;
}

static void retries__list(struct retries *retries, struct handle *handle)
{
    list_add_last(&retries->handles, &handle->retrying);
    if (handle->retry_ns < retries->next_ns) retries->next_ns = handle->retry_ns;
}

/* A send can fail inside net_send, where no event can be handed out; then the next net_wait that
 * repeats the call reports it. */
static void retries__report(struct net *net, struct handle *handle)
{
    if (!handle->retry_unreported || !net->batch.events || !event_batch_has_room(&net->batch))
        return;
    if (handle->kind == HANDLE_CONNECTING) return; /* only its answer is reported (rule 2) */
    handle->retry_unreported = false;
    event_batch_failed(net, handle, NET_PAUSED, handle->retry_code, handle->retry_os_error);
}

void retries_add(struct net *net, struct handle *handle, enum handle_direction direction,
                 enum weir_code code, int os_error)
{
    uint8_t *failures = &handle->retry_failures[direction];

    weir_check(!handle->closing);
    if (*failures == 0) {
        handle->retry_unreported = true;
        handle->retry_code = (uint8_t)code;
        handle->retry_os_error = os_error;
    }
    if (*failures < UINT8_MAX) ++*failures;
    uint64_t retry_ns = net->now_ns + retries_delay_ns(*failures);
    /* Both directions are tried at the earlier time of the two. */
    if (!list_has(&handle->retrying) || retry_ns < handle->retry_ns) handle->retry_ns = retry_ns;
    list_remove(&handle->retrying);
    retries__list(&net->retries, handle);
    retries__report(net, handle);
}

uint64_t retries_run(struct net *net, uint64_t until_ns)
{
    struct retries *retries = &net->retries;
    struct list waiting, *node;

    weir_check(net->batch.events != NULL);
    if (net->now_ns >= retries->next_ns) {
        list_init(&waiting);
        list_append_all(&waiting, &retries->handles);
        retries->next_ns = NET_FOREVER;
        while ((node = list_take_first(&waiting)) != NULL) {
            struct handle *handle = weir_container_of(node, struct handle, retrying);
            weir_check(!handle->closing);
            if (handle->retry_ns > net->now_ns) {
                retries__list(retries, handle);
                continue;
            }
            retries__report(net, handle);
            net->transport->retry(net, handle);
        }
    }
    return until_ns < retries->next_ns ? until_ns : retries->next_ns;
}
