/* SPDX-License-Identifier: MIT */
/* place.c - a worker's listeners and datagram sockets.
 *
 * A train of datagrams (net.h, NET_DATAGRAM) is handed to the handler one datagram at a time. As
 * long as it sends back each in turn, they are left where they lie, and the whole run goes back as
 * one request (hand.c keeps the run):
 *
 *      [ d0 | d1 | d2 | d3 ]     d1, d2 sent back: sent as a train of two
 *           '- run -'            one sent back out of turn: copied and sent by itself
 *
 * Who wrote is a peer with a session (peers.c) where the handler or a limit needs to know it again,
 * and the visitor, filled anew for each datagram, where nothing is kept about anybody.
 */
#include "place.h"

#include <string.h>

#include "address.h"
#include "admission.h"
#include "check.h"
#include "drain.h"
#include "error_fill.h"
#include "hand.h"
#include "peers.h"
#include "worker.h"

/* Below are the ports of services (RFC 6335 section 6): whoever writes from one is no client. */
#define PLACE__CLIENT_PORT_MIN 1024u

/* ---- open, close ---- */

static size_t place__codec_bytes(const struct weir_codec *codec)
{
    size_t unit = _Alignof(max_align_t);

    return (codec->state_bytes + unit - 1) / unit * unit;
}

size_t place_extra_bytes(const struct weir_codec *codec, const struct weir_handler *handler)
{
    return place__codec_bytes(codec) + handler->session_bytes;
}

void place_init(struct place *place, enum weir_proto proto, const struct weir_codec *codec,
                const struct weir_handler *handler)
{
    *place = (struct place){.proto = proto, .codec = codec, .handler = handler};
    place->handler_state_at = (uint32_t)place__codec_bytes(codec);
    list_init(&place->in_places);
}

/* Whether anything must be known of a peer between two of its datagrams. */
static bool place__must_keep_peers(const struct place *place)
{
    const struct weir_handler *handler = place->handler;
    const struct weir_config *config = &place->worker->common->config;

    return handler->session_bytes > 0 || handler->on_open || handler->on_close ||
           handler->on_timer || config->receive_rate_max_bytes > 0 || config->message_rate_max > 0;
}

static enum weir_code place__bind(struct place *place, const struct net_listen_options *where,
                                  struct weir_error *error)
{
    struct worker *worker = place->worker;

    place->keeps_peers = place__must_keep_peers(place);
    if (place->keeps_peers && !worker->peers.slots &&
        !peers_open(&worker->peers, worker->common->config.datagram_peers_max))
        return error_fill(error, WEIR_NO_MEMORY, 0, "keep datagram peers", NULL, NULL,
                          "lower datagram_peers_max");
    place->transient.owner.kind = OWNER_PLACE; /* told apart from a peer by this */
    place->transient.worker = worker;
    place->transient.place = place;
    place->transient.is_datagram = true;
    place->transient.state = SESSION_OPEN;
    return net_bind(worker->net, where, &place->owner, &place->handle, error);
}

enum weir_code place_open(struct place *place, struct worker *worker,
                          const struct net_listen_options *where, struct weir_error *error)
{
    enum weir_code code;

    place->owner.kind = OWNER_PLACE;
    place->worker = worker;
    if (place->proto == WEIR_TCP)
        code = net_listen(worker->net, where, &place->owner, &place->handle, error);
    else
        code = place__bind(place, where, error);
    if (code != WEIR_OK) return code;
    place->port = net_local_address(worker->net, place->handle).port;
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
    bool has_peers = place->keeps_peers && place->worker->peers.count > 0;

    place->was_busy = false;
    place->takes_no_more = is_last_look;
    if (!has_peers && (idle || is_last_look)) place_close(place);
}

/* ---- datagrams: out ---- */

/* A peer's session names its place as something it may only look at. */
static struct place *place__of(const struct weir_session *session)
{
    struct place *place = (struct place *)(uintptr_t)session->place;

    weir_check(session->is_datagram);
    weir_check(place->worker == session->worker);
    return place;
}

/* Receiving pauses while half of what net takes is on its way out, so that no answer is refused for
 * want of room. */
static void place__update_receiving(struct place *place)
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
static enum weir_code place__send_buffer(struct weir_session *session, struct net_buffer *buffer,
                                         uint32_t segment_bytes)
{
    struct place *place = place__of(session);
    struct worker *worker = place->worker;
    enum weir_code code = place->closing ? WEIR_CANCELLED
                                         : net_send_to(worker->net, place->handle, &session->peer,
                                                       &session->local, buffer, segment_bytes);

    if (code != WEIR_OK) {
        net_give_back(worker->net, buffer);
        counter_add(&worker->counters.dropped_unsent, 1);
        return code;
    }
    session->sent_ms = (uint32_t)worker->now_ms;
    place->out_count++;
    return WEIR_OK;
}

/* What the length fields of IPv4 (which counts its own header) and of UDP leave for the payload. */
static size_t place__payload_max(const struct weir_address *peer)
{
    return address_is_v4(peer) ? 65507 : 65527;
}

/* What came from a peer is what may be sent to it, or some part or multiple of it: whoever claims
 * another's address cannot have more sent there than they send themselves. */
static bool place__may_reply(struct weir_session *session, size_t length)
{
    struct worker *worker = session->worker;

    if (worker->common->config.datagram_reply_percent_max == 0) return true;
    if (length > session->reply_bytes) {
        counter_add(&worker->counters.dropped_reply, 1);
        return false;
    }
    session->reply_bytes -= length;
    return true;
}

static void place__credit(struct weir_session *session, uint32_t bytes)
{
    session->reply_bytes +=
        (uint64_t)bytes * session->worker->common->config.datagram_reply_percent_max / 100;
}

static enum weir_code place__send_copy(struct weir_session *session, const void *bytes,
                                       size_t length, uint32_t segment_bytes)
{
    struct worker *worker = session->worker;
    struct net_buffer *buffer = net_take(worker->net, length > 0 ? (uint32_t)length : 1);

    if (!buffer) {
        counter_add(&worker->counters.dropped_unsent, 1);
        return WEIR_NO_BUFFERS;
    }
    if (length > 0) memcpy(buffer->bytes, bytes, length);
    buffer->length = (uint32_t)length;
    return place__send_buffer(session, buffer, segment_bytes);
}

enum weir_code place_send(struct weir_session *session, const void *bytes, size_t length)
{
    if (session->state != SESSION_OPEN) return WEIR_CANCELLED;
    if (length > place__payload_max(&session->peer)) return WEIR_TOO_LARGE;
    if (!place__may_reply(session, length)) return WEIR_NO_ROOM;
    return place__send_copy(session, bytes, length, 0);
}

enum weir_code place_send_back(struct weir_session *session, const struct weir_message *message)
{
    struct hand *hand = &session->worker->hand;

    hand_take_message(hand, session, message);
    if (session->state != SESSION_OPEN) return WEIR_CANCELLED;
    if (!place__may_reply(session, message->length)) return WEIR_NO_ROOM;
    if (hand_extend_run(hand, message)) return WEIR_OK;
    return place__send_copy(session, message->bytes, message->length, 0);
}

void place_settle(struct weir_session *session)
{
    struct hand *hand = &session->worker->hand;
    uint32_t segment_bytes = place__of(session)->segment_bytes, bytes = hand->run_bytes;

    if (hand->session != session || bytes == 0) return;
    hand->run_bytes = 0;
    place__send_copy(session, hand->run, bytes, bytes > segment_bytes ? segment_bytes : 0);
}

/* ---- datagrams: in ---- */

static void place__deliver_one(struct weir_session *session, const uint8_t *bytes, uint32_t length)
{
    const struct weir_handler *handler = session->place->handler;
    struct worker *worker = session->worker;
    const struct weir_message message = {bytes, length, bytes, length};

    if (session->state != SESSION_OPEN) { /* the handler ended it, inside of a train */
        counter_add(&worker->counters.dropped_peers, 1);
        return;
    }
    if (place__of(session)->keeps_peers && !peers_may_pass(session, length)) {
        counter_add(&worker->counters.dropped_rate, 1);
        return;
    }
    place__credit(session, length);
    bool is_new = !session->opened;
    if (is_new && handler->on_open) handler->on_open(session);
    session->opened = true;
    if (session->state == SESSION_OPEN && handler->on_message) {
        worker->hand.message = &message;
        handler->on_message(session, &message);
        worker->hand.message = NULL;
    }
    if (is_new && place__of(session)->keeps_peers) drain_notify(session);
}

/* Hands up a datagram, or each of a train, and sends back those of the run. */
static void place__deliver(struct place *place, struct weir_session *session,
                           struct net_buffer *buffer)
{
    struct hand *hand = &place->worker->hand;
    uint32_t segment_bytes = place->segment_bytes;
    uint32_t at = 0;

    weir_check(!hand->session);
    *hand = (struct hand){.session = session, .buffer = buffer};
    do {
        uint32_t left = buffer->length - at;
        uint32_t length = segment_bytes == 0 || left < segment_bytes ? left : segment_bytes;
        place__deliver_one(session, buffer->bytes + at, length);
        at += length;
    } while (at < buffer->length);
    struct hand done = *hand;
    *hand = (struct hand){.session = NULL};
    if (done.run_bytes == 0 || session->state != SESSION_OPEN) {
        net_give_back(place->worker->net, buffer);
        return;
    }
    buffer->bytes = done.run;
    buffer->length = done.run_bytes;
    place__send_buffer(session, buffer, done.run_bytes > segment_bytes ? segment_bytes : 0);
}

/* Whether an answer would come to one of our own datagram sockets; *is_served: another machine's
 * server on a port of ours would get it. */
static bool place__is_ours(struct worker *worker, const struct weir_address *peer, bool *is_served)
{
    *is_served = false;
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next) {
        const struct place *place = weir_container_of(at, struct place, in_places);
        if (place->proto != WEIR_UDP || place->closing || place->port != peer->port) continue;
        if (net_is_own(worker->net, place->handle, peer)) return true;
        *is_served = true;
    }
    return false;
}

/* Where an answer would do harm: to ourselves it would go round for ever, and so it may to another
 * server (CVE-2024-2169); to port 0 or to many it cannot be meant. */
static bool place__is_welcome(struct place *place, const struct weir_address *peer, uint64_t count)
{
    const struct weir_config *config = &place->worker->common->config;
    struct counters *counters = &place->worker->counters;
    bool is_served;

    if (!admission_allows(place->worker, peer)) {
        admission_count(place->worker, ADMISSION_DENIED, peer, count);
        return false;
    }
    if (!address_is_answerable(peer)) {
        counter_add(&counters->dropped_bad_source, count);
        return false;
    }
    if (place__is_ours(place->worker, peer, &is_served)) {
        counter_add(&counters->dropped_own_source, count);
        return false;
    }
    if ((is_served || peer->port < PLACE__CLIENT_PORT_MIN) && !config->datagram_answer_services) {
        counter_add(&counters->dropped_services, count);
        return false;
    }
    return true;
}

/* Who wrote: a peer, or the visitor. Null: there is no room for another peer. */
static struct weir_session *place__sender(struct place *place, const struct net_event *event)
{
    struct weir_session *session = &place->transient;

    if (place->keeps_peers) {
        session = peers_admit(place, &event->peer);
        if (!session) return NULL;
    } else {
        session->peer = event->peer;
        session->reply_bytes = 0;
    }
    session->local = event->local;
    return session;
}

static void place__on_datagram(struct place *place, const struct net_event *event)
{
    struct counters *counters = &place->worker->counters;
    struct net_buffer *buffer = event->buffer;
    uint64_t count = event->segment_bytes == 0
                         ? 1
                         : (buffer->length + event->segment_bytes - 1) / event->segment_bytes;

    weir_check(place->proto == WEIR_UDP);
    weir_check(place->out_count <= place->worker->datagram_sends_max);
    counter_add(&counters->datagrams_in, count);
    counter_add(&counters->datagram_bytes_in, buffer->length);
    if (place->closing || !place__is_welcome(place, &event->peer, count)) {
        net_give_back(place->worker->net, buffer);
        return;
    }
    struct weir_session *session = place__sender(place, event);
    if (!session) {
        counter_add(&counters->dropped_peers, count);
        net_give_back(place->worker->net, buffer);
        return;
    }
    place->segment_bytes = event->segment_bytes;
    place__deliver(place, session, buffer);
    place__update_receiving(place);
}

static void place__on_sent(struct place *place, const struct net_event *event)
{
    struct counters *counters = &place->worker->counters;

    counter_add(&counters->datagrams_out, event->sent_datagrams);
    counter_add(&counters->datagram_bytes_out, event->sent_bytes);
    counter_add(&counters->dropped_unsent, event->failed_count);
    weir_check(place->out_count >= event->sent_count + event->failed_count);
    place->out_count -= event->sent_count + event->failed_count;
    place__update_receiving(place);
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
    case NET_PAUSED:
    default: /* what the others are, no listener or datagram socket has */
        weir_check(event->kind == NET_PAUSED);
        worker_count_pause(worker, event->code);
    }
}
