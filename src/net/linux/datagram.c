/* SPDX-License-Identifier: MIT */
/* datagram.c - UDP on Linux: recvmmsg and sendmmsg, with GRO and GSO batches.
 *
 *      system --recvmmsg--> batch of buffers --> NET_DATAGRAM each
 *               (UDP_GRO: one buffer can contain a batch)
 *      net_send_to --> ring of sends --> neighbours to one peer grouped --sendmmsg--> system
 *               (UDP_SEGMENT: the system splits the group after one pass through its stack)
 *
 * If the system refuses a group or batch, its datagrams are sent one at a time: offload only
 * affects speed. A datagram that cannot be sent is answered as failed and does not affect others.
 *
 * Memory: SYSTEM owns the buffer of a queued send until sendmmsg has copied it; then it returns to
 * the pool.
 */
#include "datagram.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "check.h"
#include "error_fill.h"
#include "linux_socket.h"
#include "memory.h"

#define DATAGRAM__FAILURES_MAX 16u       /* consecutive failed receives before a delay */
#define DATAGRAM__BATCH 32               /* datagrams in one system call */
#define DATAGRAM__SEGMENTS_MAX 64        /* the kernel's limit before 6.9, UDP_MAX_SEGMENTS */
#define DATAGRAM__GROUP_BYTES_MAX 60000u /* below the largest IP packet with any headers */
#define DATAGRAM__SEGMENT_BYTES_MAX \
    1452u /* a segment must fit the link: 1500 less the IPv6 and UDP headers */
#define DATAGRAM__CONTROL_BYTES 96 /* packet information and one segment size, in either family */

#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

struct datagram_send {
    struct net_address peer, local;
    struct net_buffer *buffer;
    uint32_t segment_bytes; /* 0: a single datagram */
};

/* The arguments of one system call. */
struct datagram__batch {
    struct mmsghdr messages[DATAGRAM__BATCH];
    struct iovec vectors[DATAGRAM__BATCH];
    union linux_sockaddr peers[DATAGRAM__BATCH];
    _Alignas(struct cmsghdr) uint8_t controls[DATAGRAM__BATCH][DATAGRAM__CONTROL_BYTES];
    struct net_buffer *buffers[DATAGRAM__BATCH];
    uint32_t sends_of[DATAGRAM__BATCH]; /* sending: the number of queued sends in each message */
    uint32_t count;
};

/* ---- open, close ---- */

/* Affects speed and the source address of answers only, so failures are ignored. */
static void datagram__set_options(const struct net *net, const struct datagram *datagram)
{
    const int on = 1, bytes = (int)net->options.datagram_socket_bytes;

    setsockopt(datagram->fd, SOL_UDP, UDP_GRO, &on, sizeof on);
    setsockopt(datagram->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(datagram->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (datagram->v4_socket)
        setsockopt(datagram->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    else
        setsockopt(datagram->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
}

enum weir_code datagram_open(struct net *net, struct handle *entry, struct datagram *datagram,
                             struct datagram_list *list, const struct net_listen_options *options,
                             struct weir_error *error)
{
    weir_check(entry->kind == HANDLE_DATAGRAM);
    *datagram = (struct datagram){
        .entry = entry, .readable = true, .writable = true, .can_join = true, .batch = 1};
    datagram->sends = memory_alloc_array(net->options.datagram_sends_max, sizeof *datagram->sends);
    if (!datagram->sends)
        return error_fill(error, WEIR_NO_MEMORY, 0, "open a datagram socket", NULL, NULL,
                          "free some memory");
    enum weir_code code =
        linux_bind(options, &datagram->fd, &datagram->v4_socket, &datagram->bound, error);
    if (code != WEIR_OK) {
        memory_free(datagram->sends);
        return code;
    }
    datagram__set_options(net, datagram);
    datagram->next = list->first;
    list->first = datagram;
    return WEIR_OK;
}

void datagram_abandon(struct datagram *datagram, struct datagram_list *list)
{
    struct datagram **link = &list->first;

    weir_check(datagram->sends_count == 0);
    while (*link != datagram) {
        weir_check(*link != NULL);
        link = &(*link)->next;
    }
    *link = datagram->next;
    close(datagram->fd);
    memory_free(datagram->sends);
}

static struct datagram_send *datagram__send_at(const struct net *net,
                                               const struct datagram *datagram, uint32_t index)
{
    weir_check(index < net->options.datagram_sends_max);
    return &datagram->sends[(datagram->sends_first + index) % net->options.datagram_sends_max];
}

/* Counts the first `count` queued sends as sent. */
static void datagram__count_sent(const struct net *net, struct datagram *datagram, uint32_t count)
{
    weir_check(count <= datagram->sends_count);
    for (uint32_t i = 0; i < count; i++) {
        const struct datagram_send *send = datagram__send_at(net, datagram, i);
        answer_count_datagrams(datagram->entry, send->buffer->length, send->segment_bytes);
    }
}

/* Removes the first `count` queued sends and returns their buffers to the pool. */
static void datagram__drop_sends(const struct net *net, struct datagram *datagram, uint32_t count)
{
    weir_check(count <= datagram->sends_count);
    for (uint32_t i = 0; i < count; i++)
        pool_give_back(datagram__send_at(net, datagram, i)->buffer, POOL_SYSTEM);
    datagram->sends_first = (datagram->sends_first + count) % net->options.datagram_sends_max;
    datagram->sends_count -= count;
}

void datagram_close(struct net *net, struct datagram *datagram, struct datagram_list *list)
{
    struct handle *entry = datagram->entry;
    uint32_t unsent = datagram->sends_count;

    weir_check(unsent <= entry->endpoint->datagrams_out);
    datagram__drop_sends(net, datagram, unsent);
    answer_datagrams(net, entry, 0, unsent, WEIR_CANCELLED, ECANCELED);
    datagram_abandon(datagram, list);
    answer_closed(net, entry);
}

bool datagram_is_own(const struct net *net, const struct datagram *datagram,
                     const struct net_address *address)
{
    if (address->port != datagram->bound.port) return false;
    if (!address_is_any(&datagram->bound)) return address_same_ip(address, &datagram->bound);
    return linux_is_local_ip(address, net->now_ns);
}

/* ---- control messages ---- */

/* Appends one control message of `bytes`. */
static void *datagram__put_control(struct msghdr *message, int level, int type, size_t bytes)
{
    struct cmsghdr *at =
        (struct cmsghdr *)(void *)((uint8_t *)message->msg_control + message->msg_controllen);

    message->msg_controllen += CMSG_SPACE(bytes);
    weir_check(message->msg_controllen <= DATAGRAM__CONTROL_BYTES);
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(bytes);
    return CMSG_DATA(at);
}

/* Sets the source address to the destination of the request, or the client would not accept the
 * answer. A multicast or broadcast destination cannot be a source: there the system chooses. */
static void datagram__put_local(struct msghdr *message, bool v4_socket,
                                const struct net_address *local)
{
    if (!address_is_answerable(local)) return;
    if (v4_socket) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip + 12, 4);
        memcpy(datagram__put_control(message, IPPROTO_IP, IP_PKTINFO, sizeof info), &info,
               sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
        memcpy(&info.ipi6_addr, local->ip, 16);
        memcpy(datagram__put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, sizeof info), &info,
               sizeof info);
    }
}

static void datagram__put_segment(struct msghdr *message, uint32_t segment_bytes)
{
    uint16_t size = (uint16_t)segment_bytes;

    weir_check(segment_bytes <= UINT16_MAX);
    memcpy(datagram__put_control(message, SOL_UDP, UDP_SEGMENT, sizeof size), &size, sizeof size);
}

/* Reads the destination address, and the segment size of a GRO batch. */
static void datagram__read_control(struct msghdr *message, uint16_t port, struct net_event *event)
{
    event->local = (struct net_address){.port = port};
    event->segment_bytes = 0;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(at), sizeof info);
            memcpy(event->local.ip, &info.ipi6_addr, 16);
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) event->local.scope = info.ipi6_ifindex;
        } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(at), sizeof info);
            event->local = address_of_v4(ntohl(info.ipi_addr.s_addr), port);
        } else if (at->cmsg_level == SOL_UDP && at->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(at), sizeof size);
            event->segment_bytes = (uint32_t)size;
        }
    }
}

/* ---- sending ---- */

static bool datagram__wants_to_send(const struct datagram *datagram)
{
    return datagram->sends_count > 0 && datagram->writable && !datagram->entry->closing &&
           !handle_retries(datagram->entry, HANDLE_SENDS);
}

void datagram_send(const struct net *net, struct datagram *datagram, const struct net_address *peer,
                   const struct net_address *local, struct net_buffer *buffer,
                   uint32_t segment_bytes)
{
    weir_check(pool_buffer_of(buffer)->owner == POOL_SYSTEM);
    weir_check(datagram->sends_count < net->options.datagram_sends_max);
    *datagram__send_at(net, datagram, datagram->sends_count) = (struct datagram_send){
        .peer = *peer, .local = *local, .buffer = buffer, .segment_bytes = segment_bytes};
    datagram->sends_count++;
}

/* Whether a queued send can follow in the message that began with `first` and has `bytes`. */
static bool datagram__joins(const struct datagram_send *first, const struct datagram_send *next,
                            uint32_t bytes)
{
    uint32_t length = next->buffer->length;

    if (next->segment_bytes != 0 || length == 0 || length > first->buffer->length) return false;
    if (bytes + length > DATAGRAM__GROUP_BYTES_MAX) return false;
    return address_equals(&next->peer, &first->peer) &&
           address_same_ip(&next->local, &first->local);
}

/* Returns the number of queued sends from `index` on that can be one message: datagrams of equal
 * size to one peer from one address, the last possibly shorter. */
static uint32_t datagram__group_length(const struct net *net, const struct datagram *datagram,
                                       uint32_t index)
{
    const struct datagram_send *first = datagram__send_at(net, datagram, index);
    uint32_t size = first->buffer->length, bytes = size, count = 1;

    weir_check(index < datagram->sends_count);
    if (!datagram->can_join || first->segment_bytes != 0 || size == 0 ||
        size > DATAGRAM__SEGMENT_BYTES_MAX)
        return 1;
    while (index + count < datagram->sends_count && count < DATAGRAM__SEGMENTS_MAX) {
        const struct datagram_send *next = datagram__send_at(net, datagram, index + count);
        if (!datagram__joins(first, next, bytes)) break;
        bytes += next->buffer->length;
        count++;
        if (next->buffer->length < size) break; /* only the last may be shorter */
    }
    return count;
}

/* Adds one message of `count` queued sends from `index` on; `vectors` has room for them. */
static void datagram__put_message(const struct net *net, const struct datagram *datagram,
                                  struct datagram__batch *batch, uint32_t index, uint32_t count,
                                  struct iovec *vectors)
{
    const struct datagram_send *first = datagram__send_at(net, datagram, index);
    uint32_t at = batch->count++, segment_bytes = first->segment_bytes;
    struct msghdr *message = &batch->messages[at].msg_hdr;

    weir_check(at < DATAGRAM__BATCH);
    weir_check(count >= 1);
    weir_check(index + count <= datagram->sends_count);
    *message =
        (struct msghdr){.msg_name = &batch->peers[at], .msg_iov = vectors, .msg_iovlen = count};
    message->msg_namelen = linux_sockaddr_of(&first->peer, datagram->v4_socket, &batch->peers[at]);
    message->msg_control = batch->controls[at];
    memset(batch->controls[at], 0, DATAGRAM__CONTROL_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        struct net_buffer *buffer = datagram__send_at(net, datagram, index + i)->buffer;
        pool_touch(buffer);
        vectors[i] = (struct iovec){buffer->bytes, buffer->length};
    }
    if (count > 1) segment_bytes = first->buffer->length;
    datagram__put_local(message, datagram->v4_socket, &first->local);
    if (segment_bytes != 0) datagram__put_segment(message, segment_bytes);
    if (message->msg_controllen == 0) message->msg_control = NULL;
    batch->sends_of[at] = count;
}

/* Sends one datagram of a batch or group that the system refused. Returns 0 or errno. */
static int datagram__send_single(struct datagram *datagram, const struct datagram_send *send,
                                 uint32_t offset, uint32_t length)
{
    union linux_sockaddr peer;
    _Alignas(struct cmsghdr) uint8_t control[DATAGRAM__CONTROL_BYTES] = {0};
    struct iovec vector = {send->buffer->bytes + offset, length};
    struct msghdr message = {
        .msg_name = &peer, .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};

    weir_check(offset + length <= send->buffer->length);
    message.msg_namelen = linux_sockaddr_of(&send->peer, datagram->v4_socket, &peer);
    datagram__put_local(&message, datagram->v4_socket, &send->local);
    if (message.msg_controllen == 0) message.msg_control = NULL;
    return sendmsg(datagram->fd, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* Sends a batch (or a plain datagram) one datagram at a time. Returns 0 or errno; *sent_bytes
 * counts the bytes sent. */
static int datagram__send_singly(struct datagram *datagram, const struct datagram_send *send,
                                 uint32_t *sent_bytes)
{
    uint32_t step = send->segment_bytes ? send->segment_bytes : send->buffer->length;
    int os_error = 0;

    *sent_bytes = 0;
    weir_check(pool_buffer_of(send->buffer)->owner == POOL_SYSTEM);
    if (step == 0) return datagram__send_single(datagram, send, 0, 0);
    while (*sent_bytes < send->buffer->length && os_error == 0) {
        uint32_t left = send->buffer->length - *sent_bytes, length = left < step ? left : step;
        os_error = datagram__send_single(datagram, send, *sent_bytes, length);
        if (os_error == 0) *sent_bytes += length;
    }
    return os_error;
}

/* The queued sends wait until the socket is writable, or after an interrupted call for a delay. */
static void datagram__wait_to_send(struct net *net, struct datagram *datagram, int os_error)
{
    weir_check(datagram->sends_count > 0);
    if (os_error == EAGAIN)
        datagram->writable = false;
    else
        retries_add(net, datagram->entry, HANDLE_SENDS, error_code_of_os(os_error), os_error);
}

/* The system refused the first `count` queued sends together, with `os_error`: sends each of them
 * separately. If the socket is full, the current and the following sends wait. The exception is a
 * batch of which a part was sent: its rest is lost. */
static void datagram__send_separately(struct net *net, struct datagram *datagram, uint32_t count,
                                      int os_error)
{
    bool joined = count > 1 || datagram__send_at(net, datagram, 0)->segment_bytes != 0;

    weir_check(count <= datagram->sends_count);
    weir_check(os_error != 0);
    if (joined && os_error == EIO)
        datagram->can_join = false; /* the interface cannot compute checksums */
    for (uint32_t i = 0; i < count; i++) {
        const struct datagram_send *send = datagram__send_at(net, datagram, 0);
        uint32_t sent_bytes = 0;
        int failed = os_error;
        pool_touch(send->buffer);
        if (joined) failed = datagram__send_singly(datagram, send, &sent_bytes);
        if ((failed == EAGAIN || failed == EINTR) && sent_bytes == 0) {
            pool_untouch(send->buffer);
            datagram__wait_to_send(net, datagram, failed);
            return;
        }
        if (failed == 0) datagram__count_sent(net, datagram, 1);
        answer_datagrams(net, datagram->entry, failed == 0, failed != 0, error_code_of_os(failed),
                         failed);
        datagram__drop_sends(net, datagram, 1);
    }
}

/* Sends one batch of queued sends. Returns false if the socket accepts nothing further for now. */
static bool datagram__send_batch(struct net *net, struct datagram *datagram)
{
    struct datagram__batch batch;
    struct iovec vectors[DATAGRAM__BATCH + DATAGRAM__SEGMENTS_MAX];
    uint32_t used = 0, done = 0;

    weir_check(datagram->sends_count > 0);
    batch.count = 0;
    while (used < datagram->sends_count && used < DATAGRAM__BATCH &&
           batch.count < DATAGRAM__BATCH) {
        uint32_t count = datagram__group_length(net, datagram, used);
        datagram__put_message(net, datagram, &batch, used, count, vectors + used);
        used += count;
    }
    int sent = sendmmsg(datagram->fd, batch.messages, batch.count, MSG_NOSIGNAL);
    int os_error = errno;
    for (uint32_t i = 0; i < used; i++) pool_untouch(datagram__send_at(net, datagram, i)->buffer);
    if (sent < 0) {
        if (os_error == EAGAIN || os_error == EINTR)
            datagram__wait_to_send(net, datagram, os_error);
        else
            datagram__send_separately(net, datagram, batch.sends_of[0], os_error);
        return datagram__wants_to_send(datagram);
    }
    handle_succeeded(datagram->entry, HANDLE_SENDS);
    for (int i = 0; i < sent; i++) done += batch.sends_of[i];
    datagram__count_sent(net, datagram, done);
    datagram__drop_sends(net, datagram, done);
    answer_datagrams(net, datagram->entry, done, 0, WEIR_OK, 0);
    return true;
}

/* ---- receiving ---- */

/* Prepares up to `want` buffers for the system to fill; fewer if the pool is exhausted. */
static void datagram__prepare(struct net *net, struct datagram__batch *batch, uint32_t want)
{
    weir_check(want <= DATAGRAM__BATCH);
    for (batch->count = 0; batch->count < want; batch->count++) {
        uint32_t at = batch->count;
        struct net_buffer *buffer = pool_take(&net->datagram_pool, POOL_SYSTEM);
        if (!buffer) return;
        pool_touch(buffer);
        batch->buffers[at] = buffer;
        batch->vectors[at] = (struct iovec){buffer->bytes, buffer->capacity};
        batch->messages[at].msg_hdr = (struct msghdr){
            .msg_name = &batch->peers[at],
            .msg_namelen = sizeof batch->peers[at],
            .msg_iov = &batch->vectors[at],
            .msg_iovlen = 1,
            .msg_control = batch->controls[at],
            .msg_controllen = DATAGRAM__CONTROL_BYTES,
        };
    }
}

static void datagram__hand_out(struct net *net, const struct datagram *datagram,
                               struct datagram__batch *batch, uint32_t at)
{
    struct mmsghdr *message = &batch->messages[at];
    struct net_buffer *buffer = batch->buffers[at];
    bool cut = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
    struct net_event *event =
        event_batch_add(net, datagram->entry, cut ? NET_TOO_LARGE : NET_DATAGRAM);

    weir_check(at < batch->count);
    event->peer = linux_address_of(&batch->peers[at]);
    datagram__read_control(&message->msg_hdr, datagram->bound.port, event);
    buffer->length = message->msg_len;
    if (event->segment_bytes >= buffer->length) event->segment_bytes = 0; /* a batch of one */
    if (cut) {
        pool_give_back(buffer, POOL_SYSTEM);
        return;
    }
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    event->buffer = buffer;
}

/* Most errors concern one datagram, and the next receive succeeds. Many in a row, or a shortage,
 * have a cause that lasts. */
static void datagram__on_receive_error(struct net *net, struct datagram *datagram, int os_error)
{
    enum weir_code code = error_code_of_os(os_error);

    weir_check(!datagram->entry->broken);
    if (os_error == EAGAIN) {
        datagram->readable = false;
        datagram->failures = 0;
        handle_succeeded(datagram->entry, HANDLE_RECEIVES);
    } else if (linux_is_listener_lost(os_error)) { /* the socket itself is invalid */
        datagram->readable = false;
        event_batch_failed(net, datagram->entry, NET_BROKEN, code, os_error);
    } else if (linux_is_scarce(os_error) || ++datagram->failures >= DATAGRAM__FAILURES_MAX) {
        retries_add(net, datagram->entry, HANDLE_RECEIVES, code, os_error);
    }
}

/* Receives one batch. Requests at least two datagrams: if only one arrives, the same call has
 * proved that the socket is empty. */
static void datagram__receive_batch(struct net *net, struct datagram *datagram, uint32_t room)
{
    struct datagram__batch batch;
    uint32_t want = datagram->batch * 2 < DATAGRAM__BATCH ? datagram->batch * 2 : DATAGRAM__BATCH;

    weir_check(room > 0);
    weir_check(datagram->entry->flow_on);
    datagram__prepare(net, &batch, want < room ? want : room);
    if (batch.count == 0) {
        buffer_waiters_report(net, datagram->entry);
        buffer_waiters_add(net, datagram->entry);
        return;
    }
    int got = recvmmsg(datagram->fd, batch.messages, batch.count, MSG_DONTWAIT, NULL);
    int os_error = errno;
    uint32_t received = got > 0 ? (uint32_t)got : 0;
    for (uint32_t i = batch.count; i-- > received;) pool_give_back(batch.buffers[i], POOL_SYSTEM);
    if (got < 0) {
        datagram__on_receive_error(net, datagram, os_error);
        return;
    }
    datagram->batch = received > 0 ? received : 1;
    datagram->failures = 0;
    if (received < batch.count) datagram->readable = false;
    for (uint32_t i = 0; i < received; i++) datagram__hand_out(net, datagram, &batch, i);
}

/* ---- the loop iteration ---- */

static bool datagram__wants_to_receive(const struct datagram *datagram)
{
    const struct handle *entry = datagram->entry;

    return datagram->readable && entry->flow_on && !entry->broken && !entry->closing &&
           !handle_waits(entry) && !handle_retries(entry, HANDLE_RECEIVES);
}

static bool datagram__is_busy(const struct datagram *datagram)
{
    return datagram__wants_to_send(datagram) || datagram__wants_to_receive(datagram);
}

bool datagram_is_any_busy(const struct net *net, const struct datagram_list *list)
{
    for (const struct datagram *at = list->first; at; at = at->next)
        if (datagram__is_busy(at)) return true;
    return buffer_waiters_any(&net->datagram_waiters) && pool_has(&net->datagram_pool);
}

static void datagram__serve(struct net *net, struct datagram *datagram)
{
    weir_check(datagram->entry->kind == HANDLE_DATAGRAM);
    if (datagram->entry->closing) return;
    while (datagram__wants_to_send(datagram))
        if (!datagram__send_batch(net, datagram)) break;
    if (datagram__wants_to_receive(datagram) && event_batch_has_room(&net->batch))
        datagram__receive_batch(net, datagram, event_batch_room(&net->batch));
}

/* A released socket needs no call: datagram__wants_to_receive() is true again. */
static void datagram__resume(struct net *net, struct handle *entry)
{
    weir_check(!handle_waits(entry));
    (void)net;
    weir_check(entry->kind == HANDLE_DATAGRAM);
}

void datagram_serve_all(struct net *net, struct datagram_list *list)
{
    struct datagram *first = list->first, *last = NULL;

    weir_check(net->batch.events != NULL);
    if (buffer_waiters_any(&net->datagram_waiters))
        buffer_waiters_release(net, &net->datagram_waiters, pool_room(&net->datagram_pool),
                               datagram__resume);
    for (struct datagram *at = first; at; at = at->next) {
        last = at;
        datagram__serve(net, at);
    }
    if (first == last) return;
    list->first = first->next; /* another socket is first in the next iteration */
    first->next = NULL;
    last->next = first;
}
