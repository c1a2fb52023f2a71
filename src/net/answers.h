/* SPDX-License-Identifier: MIT */
/* answers.h - answers to sends and closes, recorded when the transport knows them and handed out by
 * the next net_wait. Private to src/net.
 *
 *      send, send_to, close  ->  answer_sent, answer_datagrams, answer_closed: the handle is listed
 *      a send in two steps   ->  answer_unreleased, answer_accepted, answer_released
 *      net_stop_accepting    ->  answer_stopped;  a lost connection  ->  answer_refused
 *      net_wait              ->  answers_hand_out: NET_SENT, NET_RELEASED or NET_REFUSED, and
 *                                NET_CLOSED last
 *      net_send_now      ->  answer_sent: its return value is the answer
 *
 * A transport may record an answer at any time, inside and outside of transport->wait.
 */
#ifndef NET_ANSWERS_H
#define NET_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "handle_table.h"
#include "net.h"

/* The handles that have answers, oldest first, linked through answer_next. */
struct answers {
    struct handle *first, *last;
};

/* Sets how many bytes of a net_send the system did not accept; before answer_sent() reports that it
 * failed. */
void answer_count_unsent(struct handle *handle, uint32_t bytes);

/* Records the answer to a net_send, which releases it. Its buffers must be back in the pool. */
void answer_sent(struct net *net, struct handle *handle, enum weir_code code, int os_error);

/* The same for a send that succeeded, inside transport->wait: the caller has left room for the
 * event, which is handed out now. */
void answer_sent_now(struct net *net, struct handle *handle);

/* The system releases the buffers of the current net_send later than it accepts them; in
 * transport->send. */
void answer_unreleased(struct handle *handle);

/* Records the answer to such a net_send. */
void answer_accepted(struct net *net, struct handle *handle, enum weir_code code, int os_error);

/* Records that the system has released this many bytes, and that this many buffers of such
 * net_sends are back in the pool. */
void answer_released(struct net *net, struct handle *handle, uint32_t bytes, uint32_t buffers);

/* Records answers to net_send_to calls. `code` and `os_error` say why those that failed did. */
void answer_datagrams(struct net *net, struct handle *handle, uint32_t sent, uint32_t failed,
                      enum weir_code code, int os_error);

/* Counts the datagrams and bytes of one net_send_to; call it just before answer_datagrams() reports
 * it as sent. */
void answer_count_datagrams(struct handle *handle, uint32_t bytes, uint32_t segment_bytes);

/* Records the answer to net_close. */
void answer_closed(struct net *net, struct handle *handle);

/* Counts a connection that the system accepted and that is lost before NET_ACCEPTED. */
void answer_refused(struct net *net, struct handle *listener);

/* Records the answer to net_stop_accepting. */
void answer_stopped(struct net *net, struct handle *listener);

/* Converts recorded answers to events while there is room; for net_wait. */
void answers_hand_out(struct net *net);

static inline bool answers_are_recorded(const struct answers *answers)
{
    return answers->first != NULL;
}

#endif
