/* SPDX-License-Identifier: MIT */
/* load_udp.c - the datagrams of peer_load: closed loop on many sockets, which are many peers to the
 * server. Without `window`, each socket has `depth` datagrams in flight. With it, that number is in
 * flight on all sockets together, which send in turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "load.h"

#define UDP__RESEND_NS UINT64_C(100000000)
#define UDP__DATAGRAM_MAX 2048

struct udp__peer {
    int handle;
    uint32_t in_flight;
    uint64_t sent, answered; /* indexes into sent_ns */
    uint64_t active_ns;      /* the last send or answer */
    uint64_t sent_ns[LOAD_DEPTH_MAX];
};

static struct {
    struct udp__peer *all;
    uint32_t next; /* with a window: the peer that sends next */
    int poll;
    struct mmsghdr out[LOAD_DEPTH_MAX], in[LOAD_DEPTH_MAX];
    struct iovec out_bytes, in_bytes[LOAD_DEPTH_MAX];
    uint8_t answers[LOAD_DEPTH_MAX][UDP__DATAGRAM_MAX];
} udp;

static void udp__send(struct udp__peer *peer, uint32_t count)
{
    uint64_t now_ns = load_now_ns();

    for (uint32_t i = 0; i < count; i++) peer->sent_ns[peer->sent++ % LOAD_DEPTH_MAX] = now_ns;
    peer->in_flight += count;
    peer->active_ns = now_ns;
    for (uint32_t sent = 0; sent < count;) {
        int done = sendmmsg(peer->handle, udp.out, count - sent, 0);
        if (done < 0) load_fail("sendmmsg");
        sent += (uint32_t)done;
    }
}

/* Sends as many datagrams as were answered. */
static void udp__send_more(struct udp__peer *peer, uint32_t count)
{
    if (load_settings.window == 0) {
        udp__send(peer, count);
        return;
    }
    for (uint32_t i = 0; i < count;) {
        struct udp__peer *next = &udp.all[udp.next++ % load_settings.connections];
        if (next->in_flight == LOAD_DEPTH_MAX) continue;
        udp__send(next, 1);
        i++;
    }
}

static void udp__receive(struct udp__peer *peer)
{
    int count = recvmmsg(peer->handle, udp.in, LOAD_DEPTH_MAX, MSG_DONTWAIT, NULL);
    uint64_t now_ns = load_now_ns();
    uint32_t fresh = 0;

    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) load_fail("recvmmsg");
    for (int i = 0; i < count; i++) {
        if (udp.in[i].msg_len != load_settings.response.length ||
            memcmp(udp.answers[i], load_settings.response.at, load_settings.response.length) != 0)
            load_give_up("a wrong datagram came back");
        if (peer->in_flight == 0) continue; /* late: it was sent again */
        peer->in_flight--;
        fresh++;
        load_count(1, now_ns - peer->sent_ns[peer->answered++ % LOAD_DEPTH_MAX]);
    }
    peer->active_ns = now_ns;
    udp__send_more(peer, fresh);
}

/* Sends datagrams again that have had no answer for 100 ms. */
static void udp__resend(uint64_t now_ns)
{
    for (uint32_t i = 0; i < load_settings.connections; i++) {
        struct udp__peer *peer = &udp.all[i];
        uint32_t lost = peer->in_flight;
        if (lost == 0 || now_ns - peer->active_ns < UDP__RESEND_NS) continue;
        load_count_lost(lost);
        peer->in_flight = 0;
        peer->answered = peer->sent;
        udp__send(peer, lost);
    }
}

static void udp__open(void)
{
    struct sockaddr_in to = load_server();

    udp.all = calloc(load_settings.connections, sizeof *udp.all);
    udp.poll = epoll_create1(EPOLL_CLOEXEC);
    if (!udp.all || udp.poll < 0) load_fail("start");
    if (load_settings.request.length > UDP__DATAGRAM_MAX) load_give_up("datagrams are too long");
    udp.out_bytes = (struct iovec){load_settings.request.at, load_settings.request.length};
    for (uint32_t i = 0; i < LOAD_DEPTH_MAX; i++) {
        udp.in_bytes[i] = (struct iovec){udp.answers[i], UDP__DATAGRAM_MAX};
        udp.in[i].msg_hdr = (struct msghdr){.msg_iov = &udp.in_bytes[i], .msg_iovlen = 1};
        udp.out[i].msg_hdr = (struct msghdr){.msg_iov = &udp.out_bytes, .msg_iovlen = 1};
    }
    for (uint32_t i = 0; i < load_settings.connections; i++) {
        struct epoll_event watch = {.events = EPOLLIN, .data.ptr = &udp.all[i]};
        udp.all[i].handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (udp.all[i].handle < 0) load_fail("socket");
        if (connect(udp.all[i].handle, (struct sockaddr *)&to, sizeof to) != 0 ||
            epoll_ctl(udp.poll, EPOLL_CTL_ADD, udp.all[i].handle, &watch) != 0)
            load_fail("connect");
    }
}

static void udp__begin(void)
{
    if (load_settings.window > 0) {
        udp__send_more(NULL, load_settings.window);
        return;
    }
    for (uint32_t i = 0; i < load_settings.connections; i++)
        udp__send(&udp.all[i], load_settings.depth);
}

void load_run_udp(void)
{
    struct epoll_event events[LOAD_EVENTS_MAX];

    udp__open();
    load_wait_gate();
    load_begin();
    udp__begin();
    uint64_t now_ns = load_now_ns(), checked_ns = now_ns, answered_ns = now_ns;
    uint64_t answers = 0;
    for (; !load_is_over(now_ns); now_ns = load_now_ns()) {
        int count = epoll_wait(udp.poll, events, LOAD_EVENTS_MAX, 50);
        for (int i = 0; i < count; i++) udp__receive(events[i].data.ptr);
        if (load_answers() != answers) answered_ns = now_ns;
        answers = load_answers();
        if (now_ns - answered_ns > (uint64_t)LOAD_PATIENCE_MS * 1000000)
            load_give_up("no answer for 10 seconds");
        if (now_ns - checked_ns < UDP__RESEND_NS) continue;
        udp__resend(now_ns);
        checked_ns = now_ns;
    }
    load_print();
    load_wait_gate();
}
