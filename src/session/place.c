/* SPDX-License-Identifier: MIT */
/* place.c - a worker's listeners and datagram sockets.
 *
 * A train of datagrams (net.h, NET_DATAGRAM) is handed to the handler one datagram at a time. As
 * long as it sends back each in turn, they are left where they lie, and the whole train goes back
 * as one request:
 *
 *      [ d0 | d1 | d2 | d3 ]     d0, d1, d2 sent back: covered, sent as a train of three
 *        ^ returned_bytes ^      one sent back out of turn: copied and sent by itself
 */
#include "place.h"

#include <string.h>

#include "address.h"
#include "check.h"
#include "worker.h"

/* ---- open, close ---- */

enum weir_code place_open(struct place *place, struct worker *worker, const struct net_place *where,
                          struct weir_error *error)
{
    enum weir_code code;

    place->owner.kind = OWNER_PLACE;
    place->worker = worker;
    list_init(&place->in_places);
    place->visitor.owner.kind = OWNER_PLACE; /* told apart from a connection by this */
    place->visitor.worker = worker;
    place->visitor.place = place;
    if (place->proto == WEIR_TCP)
        code = net_listen(worker->net, where, &place->owner, &place->handle, error);
    else
        code = net_bind(worker->net, where, &place->owner, &place->handle, error);
    if (code != WEIR_OK) return code;
    list_add_last(&worker->places, &place->in_places);
    if (place->proto == WEIR_TCP)
        net_accept(worker->net, place->handle, true);
    else
        net_receive(worker->net, place->handle, true);
    return WEIR_OK;
}

void place_close(struct place *place)
{
    if (place->closing) return;
    place->closing = true;
    net_close(place->worker->net, place->handle);
}

void place_drain(struct place *place, bool is_last_look)
{
    bool idle = !place->was_busy && place->out_count == 0;

    place->was_busy = false;
    if (idle || is_last_look) place_close(place);
}

/* ---- datagrams ---- */

/* Receiving pauses while half of what net takes is on its way out, so that no answer is refused for
 * want of room. */
static void place__mind_the_marks(struct place *place)
{
    struct worker *worker = place->worker;
    bool pause = place->paused;

    if (place->out_count >= worker->datagram_sends_max / 2) pause = true;
    if (place->out_count <= worker->datagram_sends_max / 4) pause = false;
    if (pause == place->paused || place->closing) return;
    place->paused = pause;
    net_receive(worker->net, place->handle, !pause);
}

/* Takes the buffer over. */
static enum weir_code place__send_buffer(struct place *place, struct net_buffer *buffer,
                                         uint32_t segment_bytes)
{
    struct worker *worker = place->worker;
    enum weir_code code = place->closing
                              ? WEIR_CANCELLED
                              : net_send_to(worker->net, place->handle, &place->visitor.peer,
                                            &place->local, buffer, segment_bytes);

    if (code != WEIR_OK) {
        net_give_back(worker->net, buffer);
        counter_add(&worker->counters.dropped_unsent, 1);
        return code;
    }
    place->out_count++;
    return WEIR_OK;
}

/* What the length fields of IPv4 (which counts its own header) and of UDP leave for the payload. */
static size_t place__payload_max(const struct weir_address *peer)
{
    return address_is_v4(peer) ? 65507 : 65527;
}

enum weir_code place_send(struct weir_session *visitor, const void *bytes, size_t length)
{
    struct place *place = weir_container_of(visitor, struct place, visitor);
    struct worker *worker = place->worker;

    if (length > place__payload_max(&visitor->peer)) return WEIR_TOO_LARGE;
    struct net_buffer *buffer = net_take(worker->net, length > 0 ? (uint32_t)length : 1);
    if (!buffer) {
        counter_add(&worker->counters.dropped_unsent, 1);
        return WEIR_NO_BUFFERS;
    }
    if (length > 0) memcpy(buffer->bytes, bytes, length);
    buffer->length = (uint32_t)length;
    return place__send_buffer(place, buffer, 0);
}

enum weir_code place_send_back(struct weir_session *visitor, const struct weir_message *message)
{
    struct place *place = weir_container_of(visitor, struct place, visitor);
    const struct net_buffer *lent = visitor->lent;

    weir_check_use(lent != NULL, "weir_session_send_back is for the message in hand, once");
    bool in_turn = message->bytes == lent->bytes + place->returned_bytes;
    bool is_single = place->segment_bytes == 0;
    if (!in_turn || (is_single && message->length != lent->length))
        return place_send(visitor, message->bytes, message->length);
    if (is_single) {
        struct net_buffer *whole = visitor->lent;
        visitor->lent = NULL;
        return place__send_buffer(place, whole, 0);
    }
    place->returned_bytes += (uint32_t)message->length;
    return WEIR_OK;
}

/* Hands a train to the handler, datagram by datagram, and sends back its front as far as the
 * handler did. */
static void place__on_train(struct place *place, struct net_buffer *buffer)
{
    struct net *net = place->worker->net;

    place->returned_bytes = 0;
    for (uint32_t at = 0; at < buffer->length; at += place->segment_bytes) {
        uint32_t left = buffer->length - at;
        uint32_t length = left < place->segment_bytes ? left : place->segment_bytes;
        const uint8_t *bytes = buffer->bytes + at;
        struct weir_message message = {bytes, length, bytes, length};
        place->handler->on_message(&place->visitor, &message);
    }
    place->visitor.lent = NULL;
    weir_check(place->returned_bytes <= buffer->length);
    if (place->returned_bytes == 0) {
        net_give_back(net, buffer);
        return;
    }
    buffer->length = place->returned_bytes;
    place__send_buffer(place, buffer,
                       buffer->length > place->segment_bytes ? place->segment_bytes : 0);
}

static void place__on_single(struct place *place, struct net_buffer *buffer)
{
    struct weir_message message = {buffer->bytes, buffer->length, buffer->bytes, buffer->length};

    place->returned_bytes = 0;
    place->handler->on_message(&place->visitor, &message);
    if (place->visitor.lent) net_give_back(place->worker->net, place->visitor.lent);
    place->visitor.lent = NULL;
}

/* Whether an answer would come to one of our own datagram sockets. */
static bool place__is_ours(struct worker *worker, const struct weir_address *peer)
{
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next) {
        const struct place *place = weir_container_of(at, struct place, in_places);
        if (place->proto != WEIR_UDP || place->closing) continue;
        if (net_is_own(worker->net, place->handle, peer)) return true;
    }
    return false;
}

/* Where an answer would do harm: to ourselves it would go round for ever (CVE-2024-2169), to port 0
 * or to many it cannot be meant. */
static bool place__is_welcome(struct place *place, const struct weir_address *peer, uint64_t count)
{
    struct counters *counters = &place->worker->counters;

    if (!address_is_answerable(peer)) {
        counter_add(&counters->dropped_bad_source, count);
        return false;
    }
    if (place__is_ours(place->worker, peer)) {
        counter_add(&counters->dropped_own_source, count);
        return false;
    }
    return true;
}

static void place__on_datagram(struct place *place, const struct net_event *event)
{
    struct counters *counters = &place->worker->counters;
    struct net_buffer *buffer = event->buffer;
    uint64_t count = event->segment_bytes == 0
                         ? 1
                         : (buffer->length + event->segment_bytes - 1) / event->segment_bytes;

    weir_check(place->proto == WEIR_UDP);
    weir_check(place->visitor.lent == NULL);
    weir_check(place->out_count <= place->worker->datagram_sends_max);
    counter_add(&counters->datagrams_in, count);
    counter_add(&counters->datagram_bytes_in, buffer->length);
    if (place->closing || !place__is_welcome(place, &event->peer, count)) {
        net_give_back(place->worker->net, buffer);
        return;
    }
    place->visitor.peer = event->peer;
    place->visitor.lent = buffer;
    place->local = event->local;
    place->segment_bytes = event->segment_bytes;
    if (event->segment_bytes > 0)
        place__on_train(place, buffer);
    else
        place__on_single(place, buffer);
    place__mind_the_marks(place);
}

static void place__on_sent(struct place *place, const struct net_event *event)
{
    struct counters *counters = &place->worker->counters;

    counter_add(&counters->datagrams_out, event->sent_datagrams);
    counter_add(&counters->datagram_bytes_out, event->sent_bytes);
    counter_add(&counters->dropped_unsent, event->failed_count);
    weir_check(place->out_count >= event->sent_count + event->failed_count);
    place->out_count -= event->sent_count + event->failed_count;
    place__mind_the_marks(place);
}

/* ---- events ---- */

void place_on_event(struct place *place, const struct net_event *event)
{
    struct worker *worker = place->worker;

    place->was_busy = true;
    switch (event->kind) {
    case NET_ACCEPTED:
        if (place->closing)
            net_refuse(worker->net, event->socket);
        else
            worker_place_accepted(worker, place, event->socket, &event->peer);
        break;
    case NET_DATAGRAM: place__on_datagram(place, event); break;
    case NET_SENT: place__on_sent(place, event); break;
    case NET_TOO_LARGE: counter_add(&worker->counters.dropped_too_large, 1); break;
    case NET_BROKEN: worker_place_broke(worker, place, event); break;
    case NET_CLOSED:
        weir_check(place->closing);
        weir_check(place->out_count == 0);
        list_remove(&place->in_places);
        break;
    case NET_PAUSED: worker_count_pause(worker, event->code); break;
    default: weir_unreachable("an event that no listener or datagram socket has");
    }
}
