/* SPDX-License-Identifier: MIT */
/* answers.c - records answers in their handles, and converts them to events. */
#include "answers.h"

#include "check.h"
#include "event_batch.h"
#include "transport.h"

static void answers__list(struct answers *answers, struct handle *handle)
{
    weir_check(handle->kind != HANDLE_FREE);
    weir_check(!answers->first == !answers->last);
    if (handle->answer_listed) return;
    handle->answer_listed = true;
    handle->answer_next = NULL;
    if (answers->last)
        answers->last->answer_next = handle;
    else
        answers->first = handle;
    answers->last = handle;
}

void answer_count_unsent(struct handle *handle, uint32_t bytes)
{
    weir_check(handle->kind == HANDLE_CONNECTION);
    weir_check(bytes <= handle->send_bytes);
    handle->unsent_bytes = bytes;
}

static inline void answers__sent(struct net *net, struct handle *handle, enum weir_code code,
                                 int os_error)
{
    weir_check_rule(handle->send_out, "rule 2, a send is answered twice");
    weir_check_rule(!handle->sent_ready, "rule 2, a send is answered twice");
    weir_check_rule(code != WEIR_OK || handle->unsent_bytes == 0,
                    "rule 4, a send succeeds with all of its bytes");
    handle->sent_ready = true;
    handle->sent_code = (uint8_t)code;
    if (code != WEIR_OK) handle->resets = true;
    handle->sent_os_error = os_error;
    if (code == WEIR_OK) handle_succeeded(handle, HANDLE_SENDS);
    answers__list(&net->answers, handle);
}

/* net_send_now() answers the send. */
static inline void answers__now(struct net *net, struct handle *handle)
{
    weir_check_rule(handle->send_out, "rule 2, a send is answered twice");
    weir_check_rule(handle->unsent_bytes == 0, "rule 4, a send succeeds with all of its bytes");
    net->sends_now = NULL;
    handle->send_out = false;
    handle_succeeded(handle, HANDLE_SENDS);
}

void answer_sent(struct net *net, struct handle *handle, enum weir_code code, int os_error)
{
    weir_check(!handle->releases_late);
    if (code == WEIR_OK && net->sends_now == handle)
        answers__now(net, handle);
    else
        answers__sent(net, handle, code, os_error);
}

void answer_sent_now(struct net *net, struct handle *handle)
{
    weir_check(!handle->releases_late);
    weir_check_rule(!handle->sent_ready, "rule 2, a send is answered twice");
    weir_check_rule(handle->unsent_bytes == 0, "rule 4, a send succeeds with all of its bytes");
    if (handle->answer_listed) { /* what it has to answer goes first */
        answers__sent(net, handle, WEIR_OK, 0);
        return;
    }
    handle_succeeded(handle, HANDLE_SENDS);
    struct net_event *event = event_batch_sent(net, handle);
    event->sent_bytes = handle->send_bytes;
    event->released_bytes = handle->send_bytes;
    event->released_buffers = handle->send_buffers;
    handle->send_out = false;
}

void answer_unreleased(struct handle *handle)
{
    struct handle_releasing *releasing = handle_releasing(handle);

    weir_check(handle->send_out);
    handle->releases_late = true;
    releasing->unreleased_bytes += handle->send_bytes;
    releasing->unreleased_buffers += handle->send_buffers;
}

void answer_accepted(struct net *net, struct handle *handle, enum weir_code code, int os_error)
{
    weir_check(handle->releases_late);
    answers__sent(net, handle, code, os_error);
}

void answer_released(struct net *net, struct handle *handle, uint32_t bytes, uint32_t buffers)
{
    struct handle_releasing *releasing = handle_releasing(handle);

    weir_check(handle->releases_late || bytes + buffers == 0);
    weir_check_rule(buffers <= releasing->unreleased_buffers, "rule 4, a buffer is released twice");
    weir_check_rule(bytes <= releasing->unreleased_bytes, "rule 4, bytes are released twice");
    weir_check_rule(bytes == 0 || !handle->send_out || handle->sent_ready ||
                        bytes < releasing->unreleased_bytes,
                    "rule 4, a send is accepted before its last byte is released");
    releasing->unreleased_bytes -= bytes;
    releasing->unreleased_buffers -= buffers;
    releasing->released_bytes += bytes;
    releasing->released_buffers += buffers;
    if (bytes + buffers > 0) answers__list(&net->answers, handle);
}

void answer_datagrams(struct net *net, struct handle *handle, uint32_t sent, uint32_t failed,
                      enum weir_code code, int os_error)
{
    struct handle_endpoint *endpoint = handle->endpoint;
    uint32_t recorded = endpoint->datagrams_sent + endpoint->datagrams_failed;

    weir_check_rule(sent + failed <= endpoint->datagrams_out - recorded,
                    "rule 2, a datagram is answered twice");
    if (endpoint->datagrams_failed == 0 && failed > 0) {
        endpoint->datagrams_code = code;
        endpoint->datagrams_os_error = os_error;
    }
    endpoint->datagrams_sent += sent;
    endpoint->datagrams_failed += failed;
    if (sent + failed > 0) answers__list(&net->answers, handle);
}

void answer_count_datagrams(struct handle *handle, uint32_t bytes, uint32_t segment_bytes)
{
    struct handle_endpoint *endpoint = handle->endpoint;

    weir_check(handle->kind == HANDLE_DATAGRAM);
    endpoint->sent_datagrams +=
        segment_bytes == 0 ? 1 : (bytes + segment_bytes - 1) / segment_bytes;
    endpoint->sent_bytes += bytes;
}

void answer_closed(struct net *net, struct handle *handle)
{
    weir_check_rule(handle->closing, "rule 2, closed without a net_close");
    weir_check_rule(!handle->closed_ready, "rule 2, a close is answered twice");
    handle->closed_ready = true;
    answers__list(&net->answers, handle);
}

void answer_refused(struct net *net, struct handle *listener)
{
    weir_check(listener->kind == HANDLE_LISTENER);
    listener->endpoint->refused_count++;
    answers__list(&net->answers, listener);
}

void answer_stopped(struct net *net, struct handle *listener)
{
    weir_check_rule(handle_is_stopping(listener), "rule 2, stopped without a net_stop_accepting");
    weir_check_rule(!listener->endpoint->stopped_ready, "rule 2, a stop is answered twice");
    listener->endpoint->stopped_ready = true;
    answers__list(&net->answers, listener);
}

/* Hands out the answer to the send of a connection. */
static inline struct net_event *answers__hand_out_answer(struct net *net, struct handle *handle)
{
    struct net_event *event = event_batch_sent(net, handle);

    event->code = (enum weir_code)handle->sent_code;
    event->os_error = handle->sent_os_error;
    event->sent_bytes = handle->send_bytes - handle->unsent_bytes;
    handle->send_out = false;
    handle->sent_ready = false;
    handle->unsent_bytes = 0;
    return event;
}

/* Hands out what there is of a connection that releases late: an answer, releases, or both. Returns
 * false if there is nothing. */
static bool answers__hand_out_late(struct net *net, struct handle *handle)
{
    struct handle_releasing *releasing = handle_releasing(handle);
    struct net_event *event;

    weir_check(handle->releases_late);
    if (handle->sent_ready)
        event = answers__hand_out_answer(net, handle);
    else if (releasing->released_bytes + releasing->released_buffers > 0)
        event = event_batch_add(net, handle, NET_RELEASED);
    else
        return false;
    event->released_buffers = releasing->released_buffers;
    event->released_bytes = releasing->released_bytes;
    releasing->released_buffers = releasing->released_bytes = 0;
    return true;
}

static inline bool answers__hand_out_datagrams(struct net *net, struct handle *handle)
{
    struct handle_endpoint *endpoint = handle->endpoint;

    if (endpoint->datagrams_sent + endpoint->datagrams_failed == 0) return false;
    struct net_event *event = event_batch_sent(net, handle);
    event->sent_count = endpoint->datagrams_sent;
    event->failed_count = endpoint->datagrams_failed;
    event->sent_datagrams = endpoint->sent_datagrams;
    event->sent_bytes = endpoint->sent_bytes;
    if (endpoint->datagrams_failed > 0) {
        event->code = endpoint->datagrams_code;
        event->os_error = endpoint->datagrams_os_error;
    }
    endpoint->datagrams_out -= endpoint->datagrams_sent + endpoint->datagrams_failed;
    endpoint->datagrams_sent = endpoint->datagrams_failed = endpoint->sent_datagrams = 0;
    endpoint->sent_bytes = 0;
    return true;
}

/* Hands out the answer to sends, or releases. Returns false if there are none. */
static inline bool answers__hand_out_sends(struct net *net, struct handle *handle)
{
    if (handle->releases_late) return answers__hand_out_late(net, handle);
    if (handle->sent_ready) {
        struct net_event *event = answers__hand_out_answer(net, handle);
        event->released_buffers = handle->send_buffers;
        event->released_bytes = (uint32_t)event->sent_bytes;
        return true;
    }
    return handle->kind == HANDLE_DATAGRAM && answers__hand_out_datagrams(net, handle);
}

/* Hands out one event of a listener. Returns false if there is none besides NET_CLOSED. */
static bool answers__hand_out_listener(struct net *net, struct handle *listener)
{
    if (listener->endpoint->refused_count > 0) {
        event_batch_add(net, listener, NET_REFUSED)->refused_count =
            listener->endpoint->refused_count;
        listener->endpoint->refused_count = 0;
        return true;
    }
    if (!listener->endpoint->stopped_ready || listener->endpoint->stop_answered ||
        listener->closing)
        return false;
    listener->endpoint->stop_answered = true;
    event_batch_add(net, listener, NET_STOPPED);
    return true;
}

void answers_hand_out(struct net *net)
{
    struct answers *answers = &net->answers;

    while (answers->first && event_batch_has_room(&net->batch)) {
        struct handle *handle = answers->first;
        if (answers__hand_out_sends(net, handle)) {
            if (handle->closed_ready) continue; /* NET_CLOSED may need the next batch's room */
        } else if (handle->kind == HANDLE_LISTENER && answers__hand_out_listener(net, handle)) {
            continue;
        }
        answers->first = handle->answer_next;
        if (!answers->first) answers->last = NULL;
        handle->answer_listed = false;
        if (handle->closed_ready) event_batch_add(net, handle, NET_CLOSED);
    }
}
