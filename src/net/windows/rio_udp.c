/* SPDX-License-Identifier: MIT */
/* rio_udp.c - datagram sockets over request queues.
 *
 * RIO has no socket buffer. A datagram that arrives while no receive is posted is lost, and no
 * counter shows it (contract U9). So the socket keeps receives_max receives posted while receiving
 * is on, independent of sends.
 *
 *   buffer (64 KiB) + margin [address | control | batch]: one registration each, allocated together
 *       receive:  posted -> completed: reported, or buffered while the flow is off
 *       send:     net_send_to writes the destination to the margin -> posted -> completed: answered
 *
 * Segmentation offload is not known to work with RIO. The datagrams of a GSO batch are sent one
 * after the other from their buffer, since two pending sends must not share a registration.
 *
 * Ownership: net_send_to passes its buffer to the socket, which returns it to the pool after the
 * last datagram. A received buffer passes to the caller with its event.
 */
#include "rio_udp.h"

#include <string.h>

#include "address.h"
#include "check.h"
#include "error_fill.h"
#include "error_winsock.h"
#include "rio_socket.h"
#include "win_closing.h"
#include "win_listen_error.h"

/* Posted receives over the emulation. The socket has a buffer there, so this many receives sustain
 * the rate and keep the order. */
#define RIO_UDP__RECEIVES_EMULATED 128u
#define RIO_UDP__FAILURES_MAX 16u /* consecutive failures before a delay */

/* Progress of a GSO batch, kept in the margin. */
struct rio_udp_batch {
    uint32_t segment_bytes; /* 0: a single datagram */
    uint32_t total_bytes;
    uint32_t left_bytes; /* not posted yet */
};

_Static_assert(RIO_MARGIN_CONTROL >= sizeof(struct win_sockaddr), "the margin's pieces are apart");
_Static_assert(RIO_MARGIN_BATCH >= RIO_MARGIN_CONTROL + WIN_CONTROL_BYTES,
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

static struct rio_udp_batch *rio_udp__batch(struct net_buffer *buffer)
{
    return (struct rio_udp_batch *)(void *)(rio_udp__margin(buffer) + RIO_MARGIN_BATCH);
}

/* ---- bind ---- */

/* Returns at most half of the buffers that no other socket reserves, so that a few idle sockets
 * leave buffers free; and at least one, so that each of many sockets can receive. */
static uint32_t rio_udp__receives_max(const struct rio_net *system)
{
    const struct net_options *options = &system->net->options;
    uint32_t count = options->datagram_receives, reserved = system->datagram_receives;
    uint32_t half = reserved < options->datagram_buffers_max
                        ? (options->datagram_buffers_max - reserved) / 2
                        : 0;

    if (system->provider->is_emulated && count > RIO_UDP__RECEIVES_EMULATED)
        count = RIO_UDP__RECEIVES_EMULATED;
    if (count > half) count = half;
    return count > 0 ? count : 1;
}

enum weir_code rio_udp_bind(struct rio_net *system, struct rio_entry *entry,
                            const struct net_listen_options *options, struct weir_error *error)
{
    struct rio_udp *udp = &entry->udp;

    weir_check(entry->socket == WIN_NO_SOCKET);
    int os_error = rio_socket_open_bound(system, options, false, &entry->socket, &udp->v4);
    if (os_error == 0) os_error = win_system->socket_local(entry->socket, &udp->bound);
    if (os_error != 0) {
        if (entry->socket != WIN_NO_SOCKET) closing_close(win_system, entry->socket);
        return win_listen_error(options, false, os_error, error);
    }
    rio_socket_report(system, RIO_SOCKET_DATAGRAM, entry->socket, WIN_NO_SOCKET);
    win_system->datagram_options(entry->socket, udp->v4,
                                 system->net->options.datagram_socket_bytes);
    udp->receives_max = rio_udp__receives_max(system);
    os_error =
        rio_queue_attach(system, entry, udp->receives_max, system->net->options.datagram_sends_max);
    if (os_error == 0) {
        system->datagram_receives += udp->receives_max;
        return WEIR_OK;
    }
    rio_socket_close(system, entry->socket);
    return win_listen_error(options, false, os_error, error);
}

bool rio_udp_is_own(struct rio_net *system, struct rio_entry *entry,
                    const struct net_address *address)
{
    const struct net_address *bound = &entry->udp.bound;

    weir_check(entry->base.kind == HANDLE_DATAGRAM);
    if (address->port != bound->port) return false;
    if (address_is_any(bound)) return win_system->is_local_ip(address, system->net->now_ns);
    return address_same_ip(address, bound);
}

/* ---- pending work ---- */

/* After several failures in a row a single receive is posted until one succeeds: thousands would
 * fail together. */
static bool rio_udp__needs_receive(const struct rio_entry *entry)
{
    const struct rio_udp *udp = &entry->udp;
    uint32_t most = udp->failures < RIO_UDP__FAILURES_MAX ? udp->receives_max : 1;

    return entry->base.flow_on && entry->receives_out < most && !entry->base.broken &&
           !entry->base.receive_ended && !handle_waits(&entry->base) &&
           !handle_retries(&entry->base, HANDLE_RECEIVES);
}

static bool rio_udp__needs_post(const struct rio_entry *entry)
{
    return rio_udp__needs_receive(entry) || entry->sends_deferred || entry->receives_deferred;
}

static void rio_udp__list(struct rio_net *system, struct rio_entry *entry)
{
    if (entry->base.closing || list_has(&entry->listed)) return;
    weir_check(entry->base.kind == HANDLE_DATAGRAM);
    if (rio_udp__needs_post(entry)) rio_move_to(&system->dirty, entry);
}

static void rio_udp__fail(struct rio_net *system, struct rio_entry *entry, int os_error)
{
    weir_check(os_error != 0);
    weir_check(!entry->base.closing);
    rio_report_reading(system, entry, false);
    arrival_end(system->net, &entry->base, error_winsock_code(os_error), os_error);
}

/* ---- receiving ---- */

void rio_udp_receive(struct rio_net *system, struct rio_entry *entry, bool on)
{
    weir_check(entry->base.flow_on == on);
    if (!on) rio_report_reading(system, entry, false);
    list_remove(&entry->listed);
    rio_udp__list(system, entry);
}

/* Returns whether the error affects the socket, not only one datagram. */
static bool rio_udp__is_socket_error(int os_error)
{
    return os_error == WIN_ENOTSOCK || os_error == WIN_EFAULT || os_error == WIN_EINVAL;
}

/* The socket still receives while any receive is posted, so a shortage before that is no event. */
void rio_udp_report_shortage(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(entry->base.kind == HANDLE_DATAGRAM);
    weir_check(!entry->base.closing);
    if (!handle_waits(&entry->base) || entry->receives_out > 0) return;
    buffer_waiters_report(system->net, &entry->base);
    rio_report_reading(system, entry, false);
}

static bool rio_udp__post_one(struct rio_net *system, struct rio_entry *entry)
{
    struct net_buffer *buffer = pool_take(&system->net->datagram_pool, POOL_SYSTEM);
    const uint32_t none = 0; /* TotalLength: the system can complete a receive without writing it */

    weir_check(entry->receives_out < entry->udp.receives_max);
    if (!buffer) {
        buffer_waiters_add(system->net, &entry->base);
        rio_udp_report_shortage(system, entry);
        return false;
    }
    memcpy(rio_udp__control(buffer), &none, sizeof none);
    int os_error = rio_queue_post_receive(system, entry, buffer, true);
    if (os_error == 0) {
        rio_report_reading(system, entry, true);
        return true;
    }
    pool_give_back(buffer, POOL_SYSTEM);
    if (rio_udp__is_socket_error(os_error))
        rio_udp__fail(system, entry, os_error);
    else
        rio_retry_later(system, entry, HANDLE_RECEIVES, os_error);
    return false;
}

void rio_udp_hand_out(struct rio_net *system, struct rio_entry *entry, struct net_buffer *buffer)
{
    bool is_cut = pool_buffer_of(buffer)->note != 0;
    struct net_event *event =
        event_batch_add(system->net, &entry->base, is_cut ? NET_TOO_LARGE : NET_DATAGRAM);

    weir_check(is_cut ? buffer->length == 0 : buffer->length <= buffer->capacity);
    event->peer = win_address_of(rio_udp__remote(buffer));
    event->segment_bytes = 0;
    if (!win_control_local(rio_udp__control(buffer), WIN_CONTROL_BYTES, entry->udp.bound.port,
                           &event->local))
        event->local = (struct net_address){.port = entry->udp.bound.port};
    if (is_cut) {
        pool_give_back(buffer, POOL_SYSTEM);
        return;
    }
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    event->buffer = buffer;
}

/* A failed receive affects one datagram, usually because a peer is unreachable (contract U8). It is
 * not reported. After several consecutive failures a delay prevents a busy loop. */
static void rio_udp__receive_failed(struct rio_net *system, struct rio_entry *entry, int os_error)
{
    weir_check(os_error != 0);
    entry->udp.failures++;
    if (rio_udp__is_socket_error(os_error)) {
        rio_udp__fail(system, entry, os_error);
    } else if (entry->udp.failures >= RIO_UDP__FAILURES_MAX &&
               !handle_retries(&entry->base, HANDLE_RECEIVES)) {
        rio_retry_later(system, entry, HANDLE_RECEIVES, os_error);
    }
}

/* Returns whether the datagram was larger than the buffer. */
static bool rio_udp__is_cut(const struct rio_completion *completion)
{
    return completion->os_error == WIN_EMSGSIZE || completion->os_error == WIN_MORE_DATA ||
           (completion->os_error == 0 && completion->bytes > completion->buffer->capacity);
}

static void rio_udp__received(struct rio_net *system, struct rio_entry *entry,
                              const struct rio_completion *completion)
{
    struct rio_udp *udp = &entry->udp;
    struct net_buffer *buffer = completion->buffer;
    bool is_cut = rio_udp__is_cut(completion);
    bool has_failed = completion->os_error != 0 && !is_cut;

    weir_check(entry->receives_out < udp->receives_max); /* this one was counted */
    weir_check(pool_buffer_of(buffer)->pool == &system->net->datagram_pool);
    if (entry->base.closing || entry->base.broken) {
        pool_give_back(buffer, POOL_SYSTEM);
        return;
    }
    if (has_failed) {
        pool_give_back(buffer, POOL_SYSTEM);
        rio_udp__receive_failed(system, entry, completion->os_error);
        return;
    }
    udp->failures = 0;
    handle_succeeded(&entry->base, HANDLE_RECEIVES);
    buffer->length = is_cut ? 0 : completion->bytes;
    pool_buffer_of(buffer)->note = is_cut;
    arrival_datagram(system->net, &entry->base, buffer);
}

/* ---- sending ---- */

static void rio_udp__answer(struct rio_net *system, struct rio_entry *entry,
                            struct net_buffer *buffer, int os_error)
{
    const struct rio_udp_batch *batch = rio_udp__batch(buffer);
    bool good = os_error == 0;

    weir_check(!good || batch->left_bytes == 0); /* a successful answer covers the whole batch */
    if (good) answer_count_datagrams(&entry->base, batch->total_bytes, batch->segment_bytes);
    enum weir_code code = entry->base.closing ? WEIR_CANCELLED : error_winsock_code(os_error);
    answer_datagrams(system->net, &entry->base, good, !good, good ? WEIR_OK : code, os_error);
    pool_give_back(buffer, POOL_SYSTEM);
}

/* Posts the datagram, or the next one of the batch. */
static void rio_udp__post_send(struct rio_net *system, struct rio_entry *entry,
                               struct net_buffer *buffer)
{
    struct rio_udp_batch *batch = rio_udp__batch(buffer);
    uint32_t bytes = batch->left_bytes, control_bytes = 0;

    weir_check(!entry->base.closing); /* nothing is posted after a close, so it ends */
    weir_check(bytes <= batch->total_bytes);
    weir_check(batch->segment_bytes != 0 || bytes == batch->total_bytes);
    if (batch->segment_bytes != 0 && bytes > batch->segment_bytes) bytes = batch->segment_bytes;
    batch->left_bytes -= bytes;
    buffer->length = bytes;
    uint32_t written;
    memcpy(&written, rio_udp__control(buffer), sizeof written);
    control_bytes = written;
    int os_error =
        rio_queue_post_send(system, entry, buffer, sizeof(struct win_sockaddr), control_bytes);
    if (os_error != 0) rio_udp__answer(system, entry, buffer, os_error);
}

void rio_udp_send(struct rio_net *system, struct rio_entry *entry, const struct net_address *peer,
                  const struct net_address *local, struct net_buffer *buffer,
                  uint32_t segment_bytes)
{
    uint8_t *control = rio_udp__control(buffer);
    const uint32_t none = 0;

    weir_check(pool_buffer_of(buffer)->pool == &system->net->datagram_pool); /* it has a margin */
    win_sockaddr_of(peer, entry->udp.v4, rio_udp__remote(buffer));
    if (win_control_put_local(control, entry->udp.v4, local) == 0)
        memcpy(control, &none, sizeof none);
    *rio_udp__batch(buffer) = (struct rio_udp_batch){segment_bytes, buffer->length, buffer->length};
    if (entry->base.broken) {
        rio_udp__answer(system, entry, buffer, WIN_ENOTSOCK);
        return;
    }
    rio_udp__post_send(system, entry, buffer);
    rio_udp__list(system, entry);
}

static void rio_udp__sent(struct rio_net *system, struct rio_entry *entry,
                          const struct rio_completion *completion)
{
    struct net_buffer *buffer = completion->buffer;
    int os_error = completion->os_error;

    weir_check_rule(entry->base.endpoint->datagrams_out > 0,
                    "rule 2, a datagram is answered twice");
    weir_check(pool_buffer_of(buffer)->pool == &system->net->datagram_pool); /* it has a margin */
    weir_check(entry->sends_out < entry->base.endpoint->datagrams_out);      /* not yet answered */
    if (entry->base.closing && rio_udp__batch(buffer)->left_bytes > 0)
        os_error = WIN_OPERATION_ABORTED;
    if (os_error != 0 || rio_udp__batch(buffer)->left_bytes == 0) {
        rio_udp__answer(system, entry, buffer, os_error);
        return;
    }
    buffer->bytes += buffer->length;
    rio_udp__post_send(system, entry, buffer);
}

/* ---- completions, commits, close ---- */

static void rio_udp__end_close(struct rio_net *system, struct rio_entry *entry)
{
    if (!entry->base.closing || entry->receives_out > 0 || entry->sends_out > 0) return;
    weir_check(!list_has(&entry->listed));
    weir_check(system->datagram_receives >= entry->udp.receives_max);
    system->datagram_receives -= entry->udp.receives_max;
    rio_queue_release(system, entry);
    answer_closed(system->net, &entry->base);
}

void rio_udp_complete(struct rio_net *system, const struct rio_completion *completion)
{
    struct rio_entry *entry = completion->entry;

    weir_check(entry->base.kind == HANDLE_DATAGRAM);
    if (completion->request == RIO_REQUEST_RECEIVE)
        rio_udp__received(system, entry, completion);
    else
        rio_udp__sent(system, entry, completion);
    /* A shortage is reported by the next net_wait: the room of this one belongs to completions. */
    rio_udp__list(system, entry);
    rio_udp__end_close(system, entry);
}

void rio_udp_commit(struct rio_net *system, struct rio_entry *entry)
{
    const struct rio_udp *udp = &entry->udp;

    weir_check(!entry->base.closing); /* a close removes the socket from its list */
    while (rio_udp__needs_receive(entry))
        if (!rio_udp__post_one(system, entry)) break;
    weir_check(entry->receives_out <= udp->receives_max);
    int os_error = rio_queue_commit(system, entry);
    if (os_error != 0) rio_udp__fail(system, entry, os_error);
}

void rio_udp_close(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(entry->base.closing);
    weir_check(!entry->base.flow_on);
    list_remove(&entry->listed);
    rio_queue_detach(system, entry);
    rio_udp__end_close(system, entry);
}
