/* SPDX-License-Identifier: MIT */
/* load_stream.c - TCP connections of peer_load: opening, sending, receiving answers. */
#include "load_stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static uint8_t stream__buffer[1 << 18];

struct load_bytes load_repeat(struct load_bytes unit, size_t count)
{
    struct load_bytes all = {malloc(unit.length * count), unit.length * count};

    if (!all.at) load_fail("malloc");
    for (size_t i = 0; i < count; i++) memcpy(all.at + i * unit.length, unit.at, unit.length);
    return all;
}

struct sockaddr_in load_server(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(load_settings.port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

void load_send(int handle, const uint8_t *bytes, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t count = send(handle, bytes + sent, length - sent, MSG_NOSIGNAL);
        if (count < 0) load_fail("send");
        sent += (size_t)count;
    }
}

int load_connect(uint32_t source)
{
    struct sockaddr_in to = load_server();
    int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;

    if (handle < 0) load_fail("socket");
    if (source != 0) {
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
        setsockopt(handle, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(handle, (struct sockaddr *)&from, sizeof from) != 0) load_fail("bind");
    }
    if (connect(handle, (struct sockaddr *)&to, sizeof to) != 0) load_fail("connect");
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (load_settings.hello.length == 0) return handle;
    load_send(handle, load_settings.hello.at, load_settings.hello.length);
    for (size_t got = 0; got < load_settings.hello_answer_bytes;) {
        ssize_t count = recv(handle, stream__buffer, load_settings.hello_answer_bytes - got, 0);
        if (count <= 0) load_fail("the answer to the hello");
        got += (size_t)count;
    }
    return handle;
}

struct stream_set stream_open(void)
{
    struct stream_set set = {.answers = load_repeat(load_settings.response, load_settings.depth),
                             .count = load_settings.connections,
                             .poll = epoll_create1(EPOLL_CLOEXEC)};

    set.all = calloc(set.count, sizeof *set.all);
    if (!set.all || set.poll < 0) load_fail("start");
    for (uint32_t i = 0; i < set.count; i++) {
        set.all[i].handle = load_connect(0);
        stream_watch(&set, &set.all[i]);
    }
    return set;
}

void stream_watch(const struct stream_set *set, struct stream *stream)
{
    struct epoll_event watch = {.events = EPOLLIN, .data.ptr = stream};

    if (epoll_ctl(set->poll, EPOLL_CTL_ADD, stream->handle, &watch) != 0) load_fail("epoll_ctl");
}

uint32_t stream_receive(const struct stream_set *set, struct stream *stream)
{
    size_t unit = load_settings.response.length;
    size_t most = set->answers.length - stream->received;

    if (most > sizeof stream__buffer) most = sizeof stream__buffer;
    ssize_t count = recv(stream->handle, stream__buffer, most, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count < 0) load_fail("recv");
    if (count == 0) load_give_up("the server has closed a connection");
    if (memcmp(stream__buffer, set->answers.at + stream->received, (size_t)count) != 0)
        load_give_up("wrong bytes came back");
    size_t received = stream->received + (size_t)count;
    stream->received = received % unit;
    return (uint32_t)(received / unit);
}

int stream_wait(const struct stream_set *set, struct epoll_event *events, int timeout_ms)
{
    int count = epoll_wait(set->poll, events, LOAD_EVENTS_MAX, timeout_ms);

    if (count < 0) load_fail("epoll_wait");
    if (count == 0 && timeout_ms > 0) load_give_up("no answer for 10 seconds");
    return count;
}
