/* SPDX-License-Identifier: MIT */
/* rio_udp.c - datagram sockets over request queues.
 *
 * The receives that are posted are the buffering: a datagram that finds none is lost, and nobody
 * counts it (contract U9). So their number is kept up whatever the sends do, from the first "on"
 * until the close.
 *
 *   buffer (64 KiB) + margin: [address | control | train], each a registration, for ever together:
 *       posted -> completed: handed up with its addresses, or held while the flow is off
 *       given to net_send_to: the margin names the receiver -> posted -> completed: answered
 *
 * RIO has no trains that we know to work: the datagrams of one go out one after the other, from the
 * one buffer, which no two sends may name at once.
 */
#include <string.h>

#include "address.h"
#include "check.h"
#include "error_fill.h"
#include "error_winsock.h"
#include "rio_net.h"
#include "win_words.h"

/* Over plain overlapped I/O the socket buffers too; so many keep its order and its pace. */
#define RIO_UDP__RECEIVES_EMULATED 128u
#define RIO_UDP__FAILURES_MAX 16u /* in a row, before it takes a rest */

/* A train on its way, in the margin. */
struct rio_udp_train {
    uint32_t segment_bytes; /* 0: a single datagram */
    uint32_t total_bytes;
    uint32_t left_bytes; /* behind the datagram that is out */
};

_Static_assert(RIO_MARGIN_CONTROL >= sizeof(struct win_sockaddr), "the margin's pieces are apart");
_Static_assert(RIO_MARGIN_TRAIN >= RIO_MARGIN_CONTROL + WIN_CONTROL_BYTES,
               "the margin's pieces are apart");

/* ---- the margin ---- */

static uint8_t *rio_udp__margin(struct net_buffer *buffer)
{
    return pool_margin(pool_buffer_of(buffer));
}

static struct win_sockaddr *rio_udp__remote(struct net_buffer *buffer)
{
    return (struct win_sockaddr *)(void *)(rio_udp__margin(buffer) + RIO_MARGIN_REMOTE);
}

static uint8_t *rio_udp__control(struct net_buffer *buffer)
{
    return rio_udp__margin(buffer) + RIO_MARGIN_CONTROL;
}

static struct rio_udp_train *rio_udp__train(struct net_buffer *buffer)
{
    return (struct rio_udp_train *)(void *)(rio_udp__margin(buffer) + RIO_MARGIN_TRAIN);
}

/* ---- bind ---- */

/* Half of the buffers that no other socket may keep posted: however many sockets there are, what is
 * idle on one of them never takes the last buffer from the others. */
static uint32_t rio_udp__receives_max(const struct rio_net *system)
{
    const struct net_options *options = &system->net->options;
    uint32_t count = options->datagram_receives;
    uint32_t half = (options->datagram_buffers_max - system->datagram_receives) / 2;

    if (system->provider->is_emulated && count > RIO_UDP__RECEIVES_EMULATED)
        count = RIO_UDP__RECEIVES_EMULATED;
    if (count > half) count = half;
    return count > 0 ? count : 1;
}

enum weir_code rio_udp_bind(struct rio_net *system, struct rio_slot *slot,
                            const struct net_place *place, struct weir_error *error)
{
    const struct net_options *options = &system->net->options;
    struct rio_udp *udp = &slot->udp;
    int os_error = acceptex_open_bound(place, false, &slot->socket, &udp->v4);

    if (os_error == 0) os_error = win_system->socket_local(slot->socket, &udp->bound);
    if (os_error != 0) {
        if (slot->socket != WIN_NO_SOCKET) win_system->socket_close(slot->socket);
        return win_fail_place(place, false, os_error, error);
    }
    if (system->provider->on_socket)
        system->provider->on_socket(RIO_SOCKET_DATAGRAM, slot->socket, WIN_NO_SOCKET);
    win_system->datagram_options(slot->socket, udp->v4, options->datagram_socket_bytes);
    udp->receives_max = rio_udp__receives_max(system);
    os_error = rio_queue_attach(system, slot, udp->receives_max, options->datagram_sends_max);
    if (os_error == 0) {
        system->datagram_receives += udp->receives_max;
        return WEIR_OK;
    }
    acceptex_refuse(system, slot->socket);
    return win_fail_place(place, false, os_error, error);
}

bool rio_udp_is_own(struct rio_net *system, struct rio_slot *slot,
                    const struct weir_address *address)
{
    const struct weir_address *bound = &slot->udp.bound;

    if (address->port != bound->port) return false;
    if (address_is_any(bound)) return win_system->is_local_ip(address, system->net->now_ns);
    return address_same_ip(address, bound);
}

/* ---- what is to be done ---- */

static bool rio_udp__wants_post(const struct rio_slot *slot)
{
    const struct rio_udp *udp = &slot->udp;

    return (slot->base.flow_on && slot->receives_out < udp->receives_max && udp->failure == 0 &&
            !slot->base.broken && !list_has(&slot->dry)) ||
           slot->sends_deferred || slot->receives_deferred;
}

static void rio_udp__list(struct rio_net *system, struct rio_slot *slot)
{
    const struct rio_udp *udp = &slot->udp;

    if (slot->base.closing || list_has(&slot->listed)) return;
    if ((slot->base.flow_on && udp->held_first && !slot->base.broken) ||
        (udp->failure != 0 && !slot->base.broken))
        rio_put(&system->ready, slot);
    else if (rio_udp__wants_post(slot))
        rio_put(&system->dirty, slot);
}

static void rio_udp__fail(struct rio_net *system, struct rio_slot *slot, int os_error)
{
    if (slot->base.broken || slot->base.closing || slot->udp.failure != 0) return;
    slot->udp.failure = os_error;
    rio_tell_reading(system, slot, false);
    list_remove(&slot->listed);
    rio_udp__list(system, slot);
}

/* ---- receiving ---- */

void rio_udp_receive(struct rio_net *system, struct rio_slot *slot, bool on)
{
    if (!on) {
        list_remove(&slot->dry);
        rio_tell_reading(system, slot, false);
    }
    list_remove(&slot->listed);
    rio_udp__list(system, slot);
}

/* Something of the socket that concerns more than one datagram. */
static bool rio_udp__is_no_good(int os_error)
{
    return os_error == WIN_ENOTSOCK || os_error == WIN_EFAULT || os_error == WIN_EINVAL;
}

/* It waits for buffers; only when the last receive that was posted is gone does it stand still. */
static void rio_udp__mind_drought(struct rio_net *system, struct rio_slot *slot)
{
    if (!list_has(&slot->dry) || slot->receives_out > 0) return;
    ledger_buffers_scarce(system->net, &slot->base);
    rio_tell_reading(system, slot, false);
}

static bool rio_udp__post_one(struct rio_net *system, struct rio_slot *slot)
{
    struct net_buffer *buffer = pool_take(&system->net->datagram_pool, POOL_SYSTEM);

    if (!buffer) {
        list_add_last(&system->dry, &slot->dry);
        rio_udp__mind_drought(system, slot);
        return false;
    }
    int os_error = rio_post_receive(system, slot, buffer, true);
    if (os_error == 0) {
        rio_tell_reading(system, slot, true);
        return true;
    }
    pool_give_back(buffer, POOL_SYSTEM);
    if (rio_udp__is_no_good(os_error))
        rio_udp__fail(system, slot, os_error);
    else
        rio_rest(system, slot);
    return false;
}

static void rio_udp__hand_up(struct rio_net *system, struct rio_slot *slot,
                             struct net_buffer *buffer)
{
    bool is_cut = pool_buffer_of(buffer)->note != 0;
    struct net_event *event =
        ledger_event(system->net, &slot->base, is_cut ? NET_TOO_LARGE : NET_DATAGRAM);

    event->peer = win_address_of(rio_udp__remote(buffer));
    event->segment_bytes = 0;
    if (!win_control_local(rio_udp__control(buffer), WIN_CONTROL_BYTES, slot->udp.bound.port,
                           &event->local))
        event->local = (struct weir_address){.port = slot->udp.bound.port};
    if (is_cut) {
        pool_give_back(buffer, POOL_SYSTEM);
        return;
    }
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    event->buffer = buffer;
}

static void rio_udp__hold(struct rio_udp *udp, struct net_buffer *buffer)
{
    buffer->next = NULL;
    if (udp->held_last)
        udp->held_last->next = buffer;
    else
        udp->held_first = buffer;
    udp->held_last = buffer;
}

/* A receive that failed concerns one datagram: an unreachable peer, most likely, of whom nobody
 * need know (contract U8). One that keeps failing must not spin. */
static void rio_udp__receive_failed(struct rio_net *system, struct rio_slot *slot, int os_error)
{
    slot->udp.failures++;
    if (rio_udp__is_no_good(os_error)) {
        rio_udp__fail(system, slot, os_error);
    } else if (slot->udp.failures >= RIO_UDP__FAILURES_MAX) {
        slot->udp.failures = 0;
        rio_rest(system, slot);
    }
}

static void rio_udp__received(struct rio_net *system, struct rio_slot *slot,
                              struct net_buffer *buffer, const struct rio_result *result)
{
    struct rio_udp *udp = &slot->udp;
    int os_error = error_winsock_of_status(result->status);
    bool is_cut = os_error == WIN_EMSGSIZE || os_error == WIN_MORE_DATA ||
                  (os_error == 0 && result->bytes > buffer->capacity);

    if (slot->base.closing || slot->base.broken || (os_error != 0 && !is_cut)) {
        pool_give_back(buffer, POOL_SYSTEM);
        if (!slot->base.closing && !slot->base.broken)
            rio_udp__receive_failed(system, slot, os_error);
        return;
    }
    udp->failures = 0;
    buffer->length = is_cut ? 0 : result->bytes;
    pool_buffer_of(buffer)->note = is_cut;
    if (slot->base.flow_on && !udp->held_first)
        rio_udp__hand_up(system, slot, buffer);
    else
        rio_udp__hold(udp, buffer);
}

/* ---- sending ---- */

static void rio_udp__answer(struct rio_net *system, struct rio_slot *slot,
                            struct net_buffer *buffer, int os_error)
{
    const struct rio_udp_train *train = rio_udp__train(buffer);
    bool good = os_error == 0;

    if (good) ledger_count_sent(&slot->base, train->total_bytes, train->segment_bytes);
    enum weir_code code = slot->base.closing ? WEIR_CANCELLED : error_winsock_code(os_error);
    ledger_sent_to(system->net, &slot->base, good, !good, good ? WEIR_OK : code, os_error);
    pool_give_back(buffer, POOL_SYSTEM);
}

/* Posts the datagram, or the next one of the train. */
static void rio_udp__post_send(struct rio_net *system, struct rio_slot *slot,
                               struct net_buffer *buffer)
{
    struct rio_udp_train *train = rio_udp__train(buffer);
    uint32_t bytes = train->left_bytes, control_bytes = 0;

    if (train->segment_bytes != 0 && bytes > train->segment_bytes) bytes = train->segment_bytes;
    train->left_bytes -= bytes;
    buffer->length = bytes;
    uint32_t written;
    memcpy(&written, rio_udp__control(buffer), sizeof written);
    control_bytes = written;
    int os_error = rio_post_send(system, slot, buffer, sizeof(struct win_sockaddr), control_bytes);
    if (os_error != 0) rio_udp__answer(system, slot, buffer, os_error);
}

void rio_udp_send(struct rio_net *system, struct rio_slot *slot, const struct weir_address *peer,
                  const struct weir_address *local, struct net_buffer *buffer,
                  uint32_t segment_bytes)
{
    uint8_t *control = rio_udp__control(buffer);
    const uint32_t none = 0;

    win_sockaddr_of(peer, slot->udp.v4, rio_udp__remote(buffer));
    if (win_control_put_local(control, slot->udp.v4, local) == 0)
        memcpy(control, &none, sizeof none);
    *rio_udp__train(buffer) = (struct rio_udp_train){segment_bytes, buffer->length, buffer->length};
    if (slot->base.broken) {
        rio_udp__answer(system, slot, buffer, WIN_ENOTSOCK);
        return;
    }
    rio_udp__post_send(system, slot, buffer);
    rio_udp__list(system, slot);
}

static void rio_udp__sent(struct rio_net *system, struct rio_slot *slot, struct net_buffer *buffer,
                          const struct rio_result *result)
{
    int os_error = error_winsock_of_status(result->status);

    if (slot->base.closing && rio_udp__train(buffer)->left_bytes > 0)
        os_error = WIN_OPERATION_ABORTED;
    if (os_error != 0 || rio_udp__train(buffer)->left_bytes == 0) {
        rio_udp__answer(system, slot, buffer, os_error);
        return;
    }
    buffer->bytes += buffer->length;
    rio_udp__post_send(system, slot, buffer);
}

/* ---- completions, commits, telling ---- */

static void rio_udp__end_close(struct rio_net *system, struct rio_slot *slot)
{
    if (!slot->base.closing || slot->receives_out > 0 || slot->sends_out > 0) return;
    system->datagram_receives -= slot->udp.receives_max;
    rio_queue_release(system, slot);
    ledger_closed(system->net, &slot->base);
}

void rio_udp_complete(struct rio_net *system, struct rio_slot *slot, struct net_buffer *buffer,
                      enum rio_request request, const struct rio_result *result)
{
    if (request == RIO_REQUEST_RECEIVE)
        rio_udp__received(system, slot, buffer, result);
    else
        rio_udp__sent(system, slot, buffer, result);
    if (!slot->base.closing) rio_udp__mind_drought(system, slot);
    rio_udp__list(system, slot);
    rio_udp__end_close(system, slot);
}

void rio_udp_commit(struct rio_net *system, struct rio_slot *slot)
{
    const struct rio_udp *udp = &slot->udp;

    if (slot->base.closing) return;
    while (slot->base.flow_on && !slot->base.broken && udp->failure == 0 &&
           slot->receives_out < udp->receives_max && !list_has(&slot->dry))
        if (!rio_udp__post_one(system, slot)) break;
    int os_error = rio_commit(system, slot);
    if (os_error != 0) rio_udp__fail(system, slot, os_error);
}

void rio_udp_serve(struct rio_net *system, struct rio_slot *slot)
{
    struct rio_udp *udp = &slot->udp;
    struct net *net = system->net;

    while (slot->base.flow_on && !slot->base.broken && udp->held_first &&
           ledger_has_room(&net->ledger)) {
        struct net_buffer *buffer = udp->held_first;
        udp->held_first = buffer->next;
        if (!udp->held_first) udp->held_last = NULL;
        buffer->next = NULL;
        rio_udp__hand_up(system, slot, buffer);
    }
    if (udp->failure != 0 && !slot->base.broken && ledger_has_room(&net->ledger)) {
        struct net_event *event = ledger_event(net, &slot->base, NET_BROKEN);
        event->code = error_winsock_code(udp->failure);
        event->os_error = udp->failure;
    }
    rio_udp__list(system, slot);
}

void rio_udp_close(struct rio_net *system, struct rio_slot *slot)
{
    struct rio_udp *udp = &slot->udp;

    list_remove(&slot->listed);
    list_remove(&slot->dry);
    while (udp->held_first) {
        struct net_buffer *buffer = udp->held_first;
        udp->held_first = buffer->next;
        pool_give_back(buffer, POOL_SYSTEM);
    }
    udp->held_last = NULL;
    rio_queue_detach(system, slot);
    rio_udp__end_close(system, slot);
}
