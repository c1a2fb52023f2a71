/* SPDX-License-Identifier: MIT */
/* udp_socket.c - receives and sends datagrams.
 *
 * The handler gets the datagrams of a GRO batch (net.h, NET_DATAGRAM) one at a time. As long as it
 * sends back adjacent ones, they stay where they are and leave together as one GSO batch, without a
 * copy. The borrowed run (send_queue.h) owns the receive buffer meanwhile:
 *
 *      [ d0 | d1 | d2 | d3 ]     d1 and d2 were sent back: a batch of two
 *           '- run -'
 *
 * Messages leave in the order of the handler's calls. So before anything else is sent, the run is
 * copied and sent, and a new one begins.
 *
 * Where the handler or a limit needs to recognise a peer, the peer has a session (udp_peers.c).
 * Elsewhere one transient session stands for the sender of the current datagram.
 */
#include "udp_socket.h"

#include <string.h>

#include "address.h"
#include "admission.h"
#include "check.h"
#include "error_fill.h"
#include "reply_rate.h"
#include "session.h"
#include "session_begin.h"
#include "udp_peers.h"
#include "udp_shared.h"
#include "worker.h"

/* Ports below this number belong to services (RFC 6335 section 6), not to clients. */
#define UDP_SOCKET__CLIENT_PORT_MIN 1024u

void udp_socket_drain(struct udp_socket *socket, bool is_last_check)
{
    struct endpoint *endpoint = &socket->endpoint;
    bool idle = !endpoint->was_active && socket->out_count == 0;
    bool has_peers = socket->keeps_peers && endpoint->worker->udp_sessions_count > 0;

    endpoint->was_active = false;
    socket->refuses_new = is_last_check;
    if (!has_peers && (idle || is_last_check)) endpoint_close(endpoint);
}

void udp_socket_remove(struct udp_socket *socket)
{
    struct list *sessions = &socket->endpoint.worker->udp_sessions;

    for (struct list *at = sessions->next; at != sessions; at = at->next) {
        struct weir_session *session = weir_container_of(at, struct weir_session, in_sessions);
        if (session->socket == socket) session_close(session, WEIR_REASON_APPLICATION);
    }
    endpoint_close(&socket->endpoint);
}

/* ---- sending ---- */

static struct udp_socket *udp_socket__of(const struct weir_session *session)
{
    weir_check(session->is_datagram);
    weir_check(session->socket->endpoint.worker == session->worker);
    return session->socket;
}

/* Pauses reading while half of the sends that net accepts are outstanding, so that no response is
 * refused for lack of room. */
static void udp_socket__update_receiving(struct udp_socket *socket)
{
    struct worker *worker = socket->endpoint.worker;
    bool pause = socket->receive_paused;

    weir_check(socket->out_count <= worker->datagram_sends_max);
    if (socket->out_count >= worker->datagram_sends_max / 2) pause = true;
    if (socket->out_count <= worker->datagram_sends_max / 4) pause = false;
    if (pause == socket->receive_paused || socket->endpoint.closing) return;
    socket->receive_paused = pause;
    net_receive(worker->net, socket->endpoint.handle, !pause);
}

/* Sends the buffer, which it takes over. */
static enum weir_code udp_socket__send_buffer(struct weir_session *session,
                                              struct net_buffer *buffer, uint32_t segment_bytes)
{
    struct udp_socket *socket = udp_socket__of(session);
    struct worker *worker = session->worker;
    enum weir_code code = WEIR_CANCELLED;

    weir_check(segment_bytes < buffer->length || segment_bytes == 0);
    session->bytes_out += buffer->length;
    if (!socket->endpoint.closing)
        code = net_send_to(worker->net, socket->endpoint.handle, &session->peer, &session->local,
                           buffer, segment_bytes);
    if (code != WEIR_OK) {
        session->bytes_out -= buffer->length;
        net_give_back(worker->net, buffer);
        counter_add(&worker->counters.dropped_unsent, 1);
        return code;
    }
    session->timestamps.sent_ms = (uint32_t)worker->now_ms;
    socket->out_count++;
    return WEIR_OK;
}

/* Returns the longest payload that the length fields of UDP, and of IPv4 with its header, allow. */
static size_t udp_socket__payload_max(const struct net_address *peer)
{
    return address_is_v4(peer) ? 65507 : 65527;
}

/* A peer gets at most datagram_reply_percent_max of the bytes that came from it. So a client that
 * forges its address cannot direct more traffic there than it sends itself. It also gets at most
 * datagram_reply_rate_max datagrams per second (reply_rate.h), unless `buckets` is 0. */
static inline bool udp_socket__may_reply(struct weir_session *session, size_t length,
                                         uint64_t buckets)
{
    struct worker *worker = session->worker;
    bool is_limited = worker->config->datagram_reply_percent_max > 0;

    weir_check(session->is_datagram);
    if (session->vouched) return true; /* the handler has lifted both limits */
    if (is_limited && length > session->reply_bytes) {
        reply_rate_count_excess(worker, &session->peer);
        return false;
    }
    if (buckets > 0) {
        enum reply_rate_verdict rate = reply_rate_take(worker->reply_rate, buckets, worker->now_ns);
        if (rate != REPLY_RATE_WITHIN) {
            reply_rate_count_drop(worker, &session->peer, rate);
            return false;
        }
    }
    if (is_limited) session->reply_bytes -= length;
    return true;
}

static void udp_socket__credit(struct weir_session *session, uint32_t bytes)
{
    weir_check(session->state == SESSION_OPEN);
    session->reply_bytes +=
        (uint64_t)bytes * session->worker->config->datagram_reply_percent_max / 100;
}

static enum weir_code udp_socket__send_copy(struct weir_session *session, const void *bytes,
                                            size_t length, uint32_t segment_bytes)
{
    struct worker *worker = session->worker;
    struct net_buffer *buffer = net_take(worker->net, length > 0 ? (uint32_t)length : 1);

    weir_check(length <= NET_DATAGRAM_BYTES_MAX);
    if (!buffer) {
        counter_add(&worker->counters.dropped_unsent, 1);
        return WEIR_NO_BUFFERS;
    }
    weir_check(buffer->capacity >= length);
    if (length > 0) memcpy(buffer->bytes, bytes, length);
    buffer->length = (uint32_t)length;
    return udp_socket__send_buffer(session, buffer, segment_bytes);
}

/* A run of more than one datagram is sent as a batch. */
static uint32_t udp_socket__batch_bytes(const struct udp_socket *socket, uint32_t run_length)
{
    weir_check(run_length > 0 || socket->segment_bytes == 0);
    return run_length > socket->segment_bytes ? socket->segment_bytes : 0;
}

/* Sends the datagrams of this session that were sent back so far, before anything that follows. */
static void udp_socket__flush_run(struct weir_session *session)
{
    struct dispatch *dispatch = &session->worker->dispatch;
    const uint8_t *bytes;

    weir_check(session->is_datagram);
    if (dispatch->session != session || dispatch->run.length == 0) return;
    uint32_t length = borrowed_run_take(&dispatch->run, &bytes);
    uint32_t batch_bytes = udp_socket__batch_bytes(udp_socket__of(session), length);
    udp_socket__send_copy(session, bytes, length, batch_bytes);
}

static enum weir_code udp_socket__send(struct weir_session *session, const void *bytes,
                                       size_t length)
{
    if (session->state != SESSION_OPEN) return WEIR_CANCELLED;
    if (length > udp_socket__payload_max(&session->peer)) return WEIR_TOO_LARGE;
    /* The session of another sender may send, too: from a timer, a command, a group. */
    uint64_t buckets = reply_rate_buckets_of(session->worker->reply_rate, &session->peer);
    if (!udp_socket__may_reply(session, length, buckets)) return WEIR_REPLY_LIMIT;
    udp_socket__flush_run(session);
    enum weir_code code = udp_socket__send_copy(session, bytes, length, 0);
    if (code == WEIR_OK) udp_peers_count_sent(session, bytes, length);
    return code;
}

static enum weir_code udp_socket__send_back(struct weir_session *session,
                                            const struct weir_message *message)
{
    struct borrowed_run *run = &session->worker->dispatch.run;

    weir_check(session->is_datagram);
    worker_take_message(session->worker, session, message);
    if (session->state != SESSION_OPEN) return WEIR_CANCELLED;
    if (!udp_socket__may_reply(session, message->length, session->socket->reply_buckets))
        return WEIR_REPLY_LIMIT;
    udp_peers_count_sent(session, message->bytes, message->length);
    if (borrowed_run_extend(run, message->frame, message->frame_length)) return WEIR_OK;
    udp_socket__flush_run(session); /* a datagram between them was not sent back */
    if (borrowed_run_extend(run, message->frame, message->frame_length)) return WEIR_OK;
    weir_check(message->length == 0);
    return udp_socket__send_copy(session, message->bytes, 0, 0);
}

/* Sends the datagrams that were sent back so far, then closes: UDP has no FIN. */
static void udp_socket__finish(struct weir_session *session, enum weir_reason reason)
{
    udp_socket__flush_run(session);
    session_close(session, reason);
}

/* The flush ends the session, because its handler may be running now. */
static void udp_socket__close(struct weir_session *session)
{
    weir_check(session->state == SESSION_CLOSING);
    worker_flush_later(session->worker, session);
}

static const struct session_ops udp_socket__session_ops = {
    .send = udp_socket__send,
    .send_back = udp_socket__send_back,
    .finish = udp_socket__finish,
    .close = udp_socket__close,
    .flush = udp_peers_end,
};

/* ---- receiving ---- */

static void udp_socket__dispatch(struct weir_session *session, const struct weir_message *message)
{
    const struct weir_handler *handler = session->service->handler;
    struct worker *worker = session->worker;
    bool is_new = !session->opened;

    weir_check(session->state == SESSION_OPEN);
    if (is_new && handler->on_open) handler->on_open(session);
    session->opened = true;
    if (session->state == SESSION_OPEN) watch_deliver(session, message);
    if (is_new && !session_is_transient(session) && worker->request == WORKER_DRAIN)
        session_notify_drain(session);
}

static void udp_socket__deliver_one(struct weir_session *session, const uint8_t *bytes,
                                    uint32_t length)
{
    const struct weir_message message = {bytes, length, bytes, length, 0};
    struct counters *counters = &session->worker->counters;

    weir_check(session->worker->dispatch.session == session);
    if (session->state != SESSION_OPEN) { /* the handler ended it, within a batch */
        counter_add(&counters->dropped_peers, 1);
        return;
    }
    if (session->handler_paused) {
        counter_add(&counters->dropped_paused, 1);
        return;
    }
    if (!session_is_transient(session) && !udp_peers_within_rate(session, length)) {
        counter_add(&counters->dropped_rate, 1);
        return;
    }
    udp_socket__credit(session, length);
    udp_socket__dispatch(session, &message);
}

/* Delivers a datagram, or each one of a batch, and sends the borrowed run. Takes the buffer. */
static void udp_socket__deliver(struct udp_socket *socket, struct weir_session *session,
                                struct net_buffer *buffer)
{
    struct worker *worker = session->worker;
    const uint8_t *bytes = buffer->bytes;
    uint32_t total = buffer->length, segment_bytes = socket->segment_bytes, at = 0;

    worker_begin_dispatch(worker, session, buffer);
    do {
        uint32_t left = total - at;
        uint32_t length = segment_bytes == 0 || left < segment_bytes ? left : segment_bytes;
        udp_socket__deliver_one(session, bytes + at, length);
        borrowed_run_poison(&worker->dispatch.run, bytes + at, length, bytes + at + length);
        at += length;
    } while (at < total);
    weir_check(at == total);
    buffer = borrowed_run_close(&worker->dispatch.run, worker->net, session_may_send(session));
    worker->dispatch.session = NULL;
    if (!buffer) return;
    udp_socket__send_buffer(session, buffer, udp_socket__batch_bytes(socket, buffer->length));
}

/* Whether a response would reach one of this worker's own UDP sockets. *is_served: a socket has
 * that port, so another machine's server may have it, too. */
static bool udp_socket__is_own(struct worker *worker, const struct net_address *peer,
                               bool *is_served)
{
    *is_served = false;
    for (struct list *at = worker->endpoints.next; at != &worker->endpoints; at = at->next) {
        const struct endpoint *endpoint = weir_container_of(at, struct endpoint, in_endpoints);
        weir_check(endpoint->worker == worker);
        if (endpoint->service->proto != WEIR_UDP || endpoint->closing) continue;
        if (endpoint->port != peer->port) continue;
        if (net_is_own(worker->net, endpoint->handle, peer)) return true;
        *is_served = true;
    }
    return false;
}

/* Whether a response to this address is harmless. A response to ourselves, or to another server,
 * could be answered forever (CVE-2024-2169). Port 0 and multicast cannot be a client. */
static bool udp_socket__may_answer(struct worker *worker, const struct net_address *peer,
                                   uint64_t count)
{
    struct counters *counters = &worker->counters;
    bool is_served;

    weir_check(count > 0);
    if (!admission_allows(worker, peer)) {
        admission_reject(worker, ADMISSION_DENIED, peer, count);
        return false;
    }
    if (!address_is_answerable(peer)) {
        counter_add(&counters->dropped_bad_source, count);
        return false;
    }
    if (udp_socket__is_own(worker, peer, &is_served)) {
        counter_add(&counters->dropped_own_source, count);
        return false;
    }
    if ((is_served || peer->port < UDP_SOCKET__CLIENT_PORT_MIN) &&
        !worker->common->config.datagram_answer_services) {
        counter_add(&counters->dropped_services, count);
        return false;
    }
    return true;
}

/* Lets the transient session represent this peer. Most servers need it for each datagram. */
static inline struct weir_session *udp_socket__represent(struct udp_socket *socket,
                                                         const struct net_address *peer)
{
    struct weir_session *session = &socket->transient;

    weir_check(session->state == SESSION_OPEN);
    session->peer = *peer;
    session->reply_bytes = 0;
    if (socket->watches) watch_update(session);
    return session;
}

struct weir_session *udp_socket_session(struct udp_socket *socket, const struct net_address *peer)
{
    struct endpoint *endpoint = &socket->endpoint;

    weir_check(socket->keeps_peers);
    struct weir_session *session = udp_peers_find(endpoint->worker, endpoint->handle, peer);
    if (session || socket->refuses_new) return session;
    session = udp_peers_add(endpoint->worker, endpoint->handle, &udp_socket__session_ops,
                            endpoint->service, peer);
    if (session) session->socket = socket;
    return session;
}

static uint64_t udp_socket__datagrams_count(const struct net_event *event)
{
    uint32_t segment_bytes = event->segment_bytes;

    weir_check(segment_bytes == 0 || event->buffer->length > 0);
    return segment_bytes == 0 ? 1 : (event->buffer->length + segment_bytes - 1) / segment_bytes;
}

static void udp_socket__on_datagram(struct udp_socket *socket, const struct net_event *event)
{
    struct worker *worker = socket->endpoint.worker;
    struct counters *counters = &worker->counters;
    struct net_buffer *buffer = event->buffer;
    uint64_t count = udp_socket__datagrams_count(event);

    weir_check(socket->out_count <= worker->datagram_sends_max);
    counter_add(&counters->datagrams_in, count);
    counter_add(&counters->datagram_bytes_in, buffer->length);
    if (socket->endpoint.closing || !udp_socket__may_answer(worker, &event->peer, count)) {
        net_give_back(worker->net, buffer);
        return;
    }
    struct weir_session *session = socket->keeps_peers
                                       ? udp_socket_session(socket, &event->peer)
                                       : udp_socket__represent(socket, &event->peer);
    weir_check(!session || session->socket == socket);
    if (!session) {
        counter_add(&counters->dropped_peers, count);
        net_give_back(worker->net, buffer);
        return;
    }
    if (socket->is_sampled) {
        socket->is_sampled = false;
        watch_sample(session);
    }
    session->local = event->local;
    socket->segment_bytes = event->segment_bytes;
    socket->reply_buckets = reply_rate_buckets_of(worker->reply_rate, &event->peer);
    udp_socket__deliver(socket, session, buffer);
    udp_socket__update_receiving(socket);
}

static void udp_socket__on_sent(struct udp_socket *socket, const struct net_event *event)
{
    struct counters *counters = &socket->endpoint.worker->counters;

    counter_add(&counters->datagrams_out, event->sent_datagrams);
    counter_add(&counters->datagram_bytes_out, event->sent_bytes);
    counter_add(&counters->dropped_unsent, event->failed_count);
    weir_check(socket->out_count >= event->sent_count + event->failed_count);
    socket->out_count -= event->sent_count + event->failed_count;
    udp_socket__update_receiving(socket);
}

void udp_socket_on_event(struct udp_socket *socket, const struct net_event *event)
{
    struct worker *worker = socket->endpoint.worker;

    socket->endpoint.was_active = true;
    switch (event->kind) {
    case NET_DATAGRAM: udp_socket__on_datagram(socket, event); break;
    case NET_SENT: udp_socket__on_sent(socket, event); break;
    case NET_TOO_LARGE: counter_add(&worker->counters.dropped_too_large, 1); break;
    case NET_BROKEN: endpoint_on_broken(&socket->endpoint, event); break;
    case NET_CLOSED:
        weir_check(socket->out_count == 0);
        endpoint_on_closed(&socket->endpoint);
        break;
    default: /* NET_PAUSED: there are no others */ endpoint_on_paused(&socket->endpoint, event);
    }
}

static void udp_socket__on_event(struct owner *owner, const struct net_event *event)
{
    udp_socket_on_event(weir_container_of(owner, struct udp_socket, endpoint.owner), event);
}

static void udp_socket__sample(struct owner *owner)
{
    weir_container_of(owner, struct udp_socket, endpoint.owner)->is_sampled = true;
}

static const struct owner_ops udp_socket__owner_ops = {
    .on_event = udp_socket__on_event, .identify = endpoint_identify, .sample = udp_socket__sample};

/* ---- opening ---- */

enum weir_code udp_socket_open(struct udp_socket *socket, struct worker *worker,
                               const struct service *service,
                               const struct net_listen_options *where, struct weir_error *error)
{
    struct endpoint *endpoint = &socket->endpoint;

    weir_check(service->proto == WEIR_UDP);
    memset(socket, 0, sizeof *socket);
    endpoint_init(endpoint, &udp_socket__owner_ops, worker, service);
    enum weir_code code = udp_shared_open(socket, error);
    if (code != WEIR_OK) return code;
    socket->transient.ops = &udp_socket__session_ops;
    socket->transient.worker = worker;
    socket->transient.service = service;
    socket->transient.socket = socket;
    socket->transient.is_datagram = true;
    socket->transient.state = SESSION_OPEN;
    code = net_bind(worker->net, where, &endpoint->owner, &endpoint->handle, error);
    if (code != WEIR_OK) return code;
    endpoint_add(endpoint);
    net_receive(worker->net, endpoint->handle, true);
    return WEIR_OK;
}
