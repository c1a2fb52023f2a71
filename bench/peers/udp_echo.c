/* SPDX-License-Identifier: MIT */
/* udp_echo.c - bare loops for datagrams: the first one is what bench/compare relates others to.
 *
 *      udp     recvfrom and sendto until EAGAIN; epoll
 *      mmsg    recvmmsg and sendmmsg, 64 datagrams at a time; epoll */
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "peer.h"

enum { UDP_ECHO__BATCH = 64, UDP_ECHO__DATAGRAM_MAX = 2048 };

static uint8_t udp_echo__bytes[UDP_ECHO__BATCH][UDP_ECHO__DATAGRAM_MAX];
static struct sockaddr_in udp_echo__from[UDP_ECHO__BATCH];
static struct iovec udp_echo__parts[UDP_ECHO__BATCH];
static struct mmsghdr udp_echo__messages[UDP_ECHO__BATCH];

static void udp_echo__single(int handle)
{
    for (;;) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t count = recvfrom(handle, udp_echo__bytes[0], UDP_ECHO__DATAGRAM_MAX, MSG_DONTWAIT,
                                 (struct sockaddr *)&from, &length);
        if (count < 0) return;
        sendto(handle, udp_echo__bytes[0], (size_t)count, MSG_DONTWAIT, (struct sockaddr *)&from,
               length);
    }
}

static void udp_echo__batches(int handle)
{
    for (;;) {
        for (int i = 0; i < UDP_ECHO__BATCH; i++) {
            udp_echo__parts[i] = (struct iovec){udp_echo__bytes[i], UDP_ECHO__DATAGRAM_MAX};
            udp_echo__messages[i].msg_hdr = (struct msghdr){.msg_name = &udp_echo__from[i],
                                                            .msg_namelen = sizeof udp_echo__from[i],
                                                            .msg_iov = &udp_echo__parts[i],
                                                            .msg_iovlen = 1};
        }
        int count = recvmmsg(handle, udp_echo__messages, UDP_ECHO__BATCH, MSG_DONTWAIT, NULL);
        if (count <= 0) return;
        for (int i = 0; i < count; i++) udp_echo__parts[i].iov_len = udp_echo__messages[i].msg_len;
        for (int sent = 0; sent < count;) {
            int done =
                sendmmsg(handle, udp_echo__messages + sent, (unsigned)(count - sent), MSG_DONTWAIT);
            sent += done > 0 ? done : 1; /* one that cannot be sent is lost */
        }
        if (count < UDP_ECHO__BATCH) return; /* epoll reports more */
    }
}

int main(int count, char **arguments)
{
    int handle = peer_listen(peer_port(count, arguments), SOCK_DGRAM);
    int poll = epoll_create1(EPOLL_CLOEXEC), is_mmsg = strcmp(arguments[2], "mmsg") == 0;
    struct epoll_event event = {.events = EPOLLIN};

    peer_need(epoll_ctl(poll, EPOLL_CTL_ADD, handle, &event) == 0, "epoll_ctl");
    for (;;) {
        if (epoll_wait(poll, &event, 1, -1) <= 0) continue;
        if (is_mmsg)
            udp_echo__batches(handle);
        else
            udp_echo__single(handle);
    }
}
