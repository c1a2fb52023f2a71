/* SPDX-License-Identifier: MIT */
/* udp_paths.c - measures the processor time per echoed datagram for each I/O path of Linux.
 *
 *   udp_paths serve PATH PORT        echo until SIGTERM, then print how the work was batched
 *   udp_paths load PID HOST PORT PEERS FLIGHT BYTES BATCHES MS
 *                                    generate load, verify, print ns per datagram
 *   udp_paths floor BYTES READY      one process, no wake-ups: an iteration with READY datagrams
 *
 * PATH is one of
 *   single    recvmsg, sendmsg until EAGAIN; epoll         mmsg      recvmmsg, sendmmsg; epoll
 *   sqe       io_uring multishot recvmsg, sendmsg SQEs     ringmmsg  the same, replies by sendmmsg
 *   poll      io_uring multishot poll, then as mmsg
 * followed by any of
 *   +gro      receive GRO batches, answer each whole       +group    join neighbours (UDP_SEGMENT)
 *   +bare     no local address in or out                   +lone     sendmsg for a single reply
 *   +adapt    recvmsg after a batch of one                 +again    the same path once more
 *   +s64      64 KiB between slots, not 68                 +colour   slots on staggered cache lines
 *
 * udp_paths.py runs it in interleaved rounds. Build: cc -std=c17 -D_GNU_SOURCE -O2 udp_paths.c
 * -luring
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 32,         /* datagrams per recvmmsg */
    RING_BUFFERS = 64,  /* a power of two, as the kernel requires */
    CONTROL_BYTES = 64, /* CMSG_SPACE of in6_pktinfo (40) and of UDP_GRO's int (24) */
    NAME_BYTES = 32,    /* sockaddr_in6 is 28; io_uring's control bytes after it must be aligned */
    DATAGRAM_MAX = 65507, /* also the maximum of one IPv4 GSO batch */
    SEGMENTS_MAX = 64,    /* this kernel accepts 128, older ones 64 */
    ADAPT_ITERATIONS = 8, /* +adapt: iterations with recvmsg before the next recvmmsg */
    FLIGHT_MAX = 16,
    PEERS_MAX = 256,
    RESEND_MS = 100,
    PATTERN_BYTES = 1 << 17,
    RECEIVE =
        RING_BUFFERS, /* user_data of the multishot request; below it, the buffer being sent */
};

/* Parses a number of the command line; exits if it is not one. */
static int number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end != '\0' || value < 0 || value > 1000000000) {
        fprintf(stderr, "udp_paths: %s is not a number; see the top of udp_paths.c\n", text);
        exit(64);
    }
    return (int)value;
}

enum kind { SINGLE, MMSG, SQE, RINGMMSG, POLL };

struct item {
    uint8_t *bytes;
    size_t length, segment; /* segment < length: a GRO batch */
    struct sockaddr_in6 *peer;
    struct in6_addr local;
};

struct server {
    enum kind kind;
    bool gro, group, bare, adapt, lone, colour;
    size_t stride;
    int socket;
    uint8_t *slots;
    struct mmsghdr in[BATCH], out[RING_BUFFERS];
    struct iovec in_iov[BATCH], out_iov[RING_BUFFERS];
    struct sockaddr_in6 in_peer[BATCH];
    struct item items[RING_BUFFERS];
    _Alignas(8) uint8_t in_control[BATCH][CONTROL_BYTES];
    _Alignas(8) uint8_t out_control[RING_BUFFERS][CONTROL_BYTES];
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    struct msghdr shape; /* buffer layout of multishot recvmsg; must outlive the request */
    uint64_t iterations, received, datagrams, sends, failed, rearmed;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static void need(bool ok, const char *what)
{
    if (ok) return;
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void option_on(int fd, int level, int name)
{
    int one = 1;
    need(setsockopt(fd, level, name, &one, sizeof one) == 0, "setsockopt");
}

/* --- shared by all paths: reading control bytes, building replies
 * ----------------------------------------- */

static size_t item_datagrams(const struct item *item)
{
    return item->segment ? (item->length + item->segment - 1) / item->segment
                         : 1; /* an empty datagram counts, too */
}

static void item_read_control(struct item *item, struct msghdr *header)
{
    item->segment = item->length;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
            memcpy(&item->local, CMSG_DATA(c), sizeof item->local);
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
            item->segment = (size_t)segment;
        }
    }
}

static void control_add(struct msghdr *header, int level, int type, const void *value, size_t bytes)
{
    struct cmsghdr *c = (void *)((uint8_t *)header->msg_control + header->msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(bytes);
    header->msg_controllen += CMSG_SPACE(bytes);
    memcpy(CMSG_DATA(c), value, bytes);
}

/* Builds the header of one reply with `count` parts; `bytes` is their sum. */
static void reply_fill(struct server *s, struct msghdr *reply, uint8_t *control,
                       struct iovec *parts, size_t count, size_t bytes, const struct item *item)
{
    struct in6_pktinfo from = {.ipi6_addr = item->local};
    uint16_t segment = (uint16_t)item->segment;

    *reply = (struct msghdr){.msg_name = item->peer,
                             .msg_namelen = sizeof *item->peer,
                             .msg_iov = parts,
                             .msg_iovlen = count,
                             .msg_control = control};
    if (!s->bare) control_add(reply, IPPROTO_IPV6, IPV6_PKTINFO, &from, sizeof from);
    if (bytes > item->segment)
        control_add(reply, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    if (reply->msg_controllen == 0) reply->msg_control = NULL;
}

static bool item_may_follow(const struct item *a, const struct item *b, size_t bytes)
{
    return a->length && b->length && a->length % a->segment == 0 && b->segment <= a->segment &&
           (b->segment == a->segment || b->length == b->segment) &&
           bytes + b->length <= DATAGRAM_MAX &&
           (bytes + b->length + a->segment - 1) / a->segment <= SEGMENTS_MAX &&
           memcmp(a->peer, b->peer, sizeof *a->peer) == 0 &&
           memcmp(&a->local, &b->local, sizeof a->local) == 0;
}

static void answer(struct server *s, unsigned count)
{
    unsigned replies = 0, sent = 0;

    for (unsigned i = 0; i < count;) {
        const struct item *first = &s->items[i];
        unsigned start = i;
        size_t bytes = 0;
        do {
            s->out_iov[i] = (struct iovec){s->items[i].bytes, s->items[i].length};
            bytes += s->items[i].length;
            s->datagrams += item_datagrams(&s->items[i++]);
        } while (s->group && i < count && s->items[i - 1].segment == first->segment &&
                 item_may_follow(&s->items[i - 1], &s->items[i], bytes));
        reply_fill(s, &s->out[replies].msg_hdr, s->out_control[replies], &s->out_iov[start],
                   i - start, bytes, first);
        replies++;
    }
    s->received += count;
    s->sends += replies;
    if (s->lone && replies == 1)
        sent = 1, s->failed += sendmsg(s->socket, &s->out->msg_hdr, MSG_DONTWAIT) < 0;
    while (sent < replies) {
        int n = sendmmsg(s->socket, s->out + sent, replies - sent, MSG_DONTWAIT);
        if (n < 0)
            s->failed++, sent++; /* the error applies to the first one */
        else
            sent += (unsigned)n;
    }
}

static void slot_reset(struct server *s, unsigned i)
{
    s->in[i].msg_hdr.msg_namelen = sizeof s->in_peer[i];
    s->in[i].msg_hdr.msg_controllen = s->bare && !s->gro ? 0 : CONTROL_BYTES;
}

static void slot_read(struct server *s, unsigned i)
{
    s->items[i].length = s->in[i].msg_len;
    item_read_control(&s->items[i], &s->in[i].msg_hdr);
    slot_reset(s, i);
}

static unsigned iterate_mmsg(struct server *s)
{
    int n = recvmmsg(s->socket, s->in, BATCH, MSG_DONTWAIT, NULL);
    if (n <= 0) return 0;
    for (unsigned i = 0; i < (unsigned)n; i++) slot_read(s, i);
    answer(s, (unsigned)n);
    return (unsigned)n;
}

static bool iterate_one(struct server *s)
{
    struct item *item = &s->items[0];
    struct msghdr *in = &s->in[0].msg_hdr, reply;
    bool plain = s->bare && !s->gro; /* no control bytes needed: recvfrom and sendto are enough */
    ssize_t n = plain ? recvfrom(s->socket, item->bytes, s->stride, MSG_DONTWAIT, in->msg_name,
                                 &in->msg_namelen)
                      : recvmsg(s->socket, in, MSG_DONTWAIT);
    if (n < 0) return false;
    s->in[0].msg_len = (unsigned)n;
    slot_read(s, 0);
    s->received++, s->sends++, s->datagrams += item_datagrams(item);
    if (plain) {
        n = sendto(s->socket, item->bytes, item->length, MSG_DONTWAIT, in->msg_name,
                   sizeof *item->peer);
    } else {
        s->out_iov[0] = (struct iovec){item->bytes, item->length};
        reply_fill(s, &reply, s->out_control[0], s->out_iov, 1, item->length, item);
        n = sendmsg(s->socket, &reply, MSG_DONTWAIT);
    }
    s->failed += n < 0;
    return true;
}

/* --- the servers
 * ------------------------------------------------------------------------------------------- */

static void serve_epoll(struct server *s)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN}, ready[8];
    unsigned adapted = 0;

    need(poller >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, s->socket, &event) == 0, "epoll");
    while (!stopping) {
        if (epoll_wait(poller, ready, 8, -1) < 1) continue;
        s->iterations++;
        if (s->kind == SINGLE)
            for (unsigned i = 0; i < BATCH && iterate_one(s); i++) continue;
        else if (adapted)
            iterate_one(s), adapted--;
        else if (iterate_mmsg(s) == 1 && s->adapt)
            adapted = ADAPT_ITERATIONS;
    }
}

static void serve_poll(struct server *s)
{
    bool armed = false;
    struct io_uring_cqe *cqe;

    while (!stopping) {
        if (!armed) io_uring_prep_poll_multishot(io_uring_get_sqe(&s->ring), s->socket, EPOLLIN);
        if (io_uring_submit_and_wait(&s->ring, 1) < 0) continue;
        s->iterations++;
        unsigned head, seen = 0;
        io_uring_for_each_cqe(&s->ring, head, cqe) armed = cqe->flags & IORING_CQE_F_MORE, seen++;
        io_uring_cq_advance(&s->ring, seen);
        while (iterate_mmsg(s) == BATCH)
            continue; /* edge-triggered: remaining data causes no new event */
    }
}

static void buffer_give_back(struct server *s, unsigned id)
{
    io_uring_buf_ring_add(s->buffers, s->slots + id * s->stride, (unsigned)s->stride, (uint16_t)id,
                          RING_BUFFERS - 1, 0);
    io_uring_buf_ring_advance(s->buffers, 1);
}

static bool ring_item(struct server *s, const struct io_uring_cqe *cqe, struct item *item)
{
    unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    struct io_uring_recvmsg_out *out =
        io_uring_recvmsg_validate(s->slots + id * s->stride, cqe->res, &s->shape);

    if (!out || out->flags & MSG_TRUNC) return false;
    item->peer = io_uring_recvmsg_name(out);
    item->bytes = io_uring_recvmsg_payload(out, &s->shape);
    item->length = io_uring_recvmsg_payload_length(out, cqe->res, &s->shape);
    struct msghdr control = {.msg_control = (uint8_t *)(out + 1) + NAME_BYTES,
                             .msg_controllen = out->controllen};
    item_read_control(item, &control);
    return true;
}

static void ring_send(struct server *s, const struct item *item, unsigned id)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

    s->out_iov[id] = (struct iovec){item->bytes, item->length};
    reply_fill(s, &s->out[id].msg_hdr, s->out_control[id], &s->out_iov[id], 1, item->length, item);
    io_uring_prep_sendmsg(sqe, s->socket, &s->out[id].msg_hdr, 0);
    io_uring_sqe_set_data64(sqe, id);
    s->datagrams += item_datagrams(item);
    s->received++, s->sends++;
}

/* Handles completions; returns the number of datagrams to answer. */
static unsigned ring_harvest(struct server *s, unsigned *ids, bool *armed)
{
    unsigned head, seen = 0, count = 0;
    struct io_uring_cqe *cqe;

    io_uring_for_each_cqe(&s->ring, head, cqe)
    {
        seen++;
        if (cqe->user_data != RECEIVE) {
            s->failed += cqe->res < 0;
            buffer_give_back(s, (unsigned)cqe->user_data);
            continue;
        }
        if (!(cqe->flags & IORING_CQE_F_MORE)) *armed = false; /* for example: out of buffers */
        if (!(cqe->flags & IORING_CQE_F_BUFFER)) continue;
        ids[count] = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        if (!ring_item(s, cqe, &s->items[count]))
            buffer_give_back(s, ids[count]);
        else if (s->kind == SQE)
            ring_send(s, &s->items[0], ids[0]);
        else
            count++;
    }
    io_uring_cq_advance(&s->ring, seen);
    return count;
}

static void serve_ring(struct server *s)
{
    unsigned ids[RING_BUFFERS];
    bool armed = false;

    while (!stopping) {
        if (!armed) {
            struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);
            io_uring_prep_recvmsg_multishot(sqe, s->socket, &s->shape, 0);
            sqe->flags |= IOSQE_BUFFER_SELECT;
            io_uring_sqe_set_data64(sqe, RECEIVE);
            armed = true, s->rearmed++;
        }
        if (io_uring_submit_and_wait(&s->ring, 1) < 0) continue;
        unsigned count = ring_harvest(s, ids, &armed);
        s->iterations++;
        answer(s, count);
        for (unsigned i = 0; i < count; i++) buffer_give_back(s, ids[i]);
    }
}

static void ring_open(struct server *s)
{
    struct io_uring_params params = {.flags =
                                         IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    size_t bytes = RING_BUFFERS * sizeof(struct io_uring_buf);

    need(io_uring_queue_init_params(256, &s->ring, &params) == 0, "io_uring");
    if (s->kind == POLL) return;
    s->buffers = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
    need(s->buffers != NULL, "memory");
    struct io_uring_buf_reg reg = {.ring_addr = (uintptr_t)s->buffers,
                                   .ring_entries = RING_BUFFERS};
    need(io_uring_register_buf_ring(&s->ring, &reg, 0) == 0, "buffer ring");
    io_uring_buf_ring_init(s->buffers);
    for (unsigned i = 0; i < RING_BUFFERS; i++) buffer_give_back(s, i);
    s->shape.msg_namelen = NAME_BYTES;
    s->shape.msg_controllen = s->bare && !s->gro ? 0 : CONTROL_BYTES;
}

static void slots_open(struct server *s)
{
    s->slots = aligned_alloc(4096, RING_BUFFERS * s->stride);
    need(s->slots != NULL, "memory");
    memset(s->slots, 1, RING_BUFFERS * s->stride);
    for (unsigned i = 0; i < BATCH; i++) {
        size_t skip = s->colour ? i * 64u : 0;
        s->items[i] =
            (struct item){.bytes = s->slots + i * s->stride + skip, .peer = &s->in_peer[i]};
        s->in_iov[i] = (struct iovec){s->items[i].bytes, s->stride - skip};
        s->in[i].msg_hdr = (struct msghdr){.msg_name = &s->in_peer[i],
                                           .msg_iov = &s->in_iov[i],
                                           .msg_iovlen = 1,
                                           .msg_control = s->in_control[i]};
        slot_reset(s, i);
    }
}

static void server_open(struct server *s, const char *path, uint16_t port)
{
    static const char *const kinds[] = {"single", "mmsg", "sqe", "ringmmsg", "poll"};
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int zero = 0, room = 4 << 20;
    size_t name = strcspn(path, "+");
    unsigned kind = 0;

    while (kind < 5 && (strlen(kinds[kind]) != name || memcmp(path, kinds[kind], name) != 0))
        kind++;
    errno = EINVAL;
    need(kind < 5, path);
    s->kind = (enum kind)kind;
    s->gro =
        strstr(path, "+gro+") || (strlen(path) > 4 && strcmp(path + strlen(path) - 4, "+gro") == 0);
    s->group = strstr(path, "+group");
    s->bare = strstr(path, "+bare");
    s->adapt = strstr(path, "+adapt");
    s->lone = strstr(path, "+lone");
    s->colour = strstr(path, "+colour");
    s->stride = strstr(path, "+s64") ? 64 << 10 : 68 << 10;
    slots_open(s);
    s->socket = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(s->socket >= 0, "socket");
    setsockopt(s->socket, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    setsockopt(s->socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    setsockopt(s->socket, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (s->gro) option_on(s->socket, IPPROTO_UDP, UDP_GRO);
    if (!s->bare) option_on(s->socket, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    need(bind(s->socket, (struct sockaddr *)&any, sizeof any) == 0, "bind");
    if (s->kind >= SQE) ring_open(s);
}

static int serve(const char *path, uint16_t port)
{
    static struct server s;

    server_open(&s, path, port);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    puts("ready");
    fflush(stdout);
    if (s.kind <= MMSG)
        serve_epoll(&s);
    else if (s.kind == POLL)
        serve_poll(&s);
    else
        serve_ring(&s);
    double iterations = s.iterations ? (double)s.iterations : 1,
           sends = s.sends ? (double)s.sends : 1;
    printf("per_iteration=%.2f per_receive=%.2f per_send=%.2f failed=%llu rearmed=%llu\n",
           (double)s.received / iterations,
           s.received ? (double)s.datagrams / (double)s.received : 0, (double)s.datagrams / sends,
           (unsigned long long)s.failed, (unsigned long long)s.rearmed);
    return 0;
}

/* --- the loader
 * -------------------------------------------------------------------------------------------- */

struct peer {
    int socket;
    uint64_t sequence[FLIGHT_MAX], sent_ns[FLIGHT_MAX];
};

struct load {
    unsigned peers_count, flight, bytes;
    bool batches;
    uint64_t echoed, lost, stale, now;
    struct peer peers[PEERS_MAX];
    struct server in; /* only its slots are used */
    uint8_t pattern[PATTERN_BYTES], out[FLIGHT_MAX * 2048];
};

/* Sends the datagrams of the given slots, as one GSO batch if the load uses batches. */
static void peer_send(struct load *l, struct peer *p, const unsigned *slots, unsigned count)
{
    struct mmsghdr out[FLIGHT_MAX] = {0};
    struct iovec parts[FLIGHT_MAX], whole = {l->out, (size_t)count * l->bytes};
    _Alignas(8) uint8_t control[CMSG_SPACE(2)] = {0};
    struct msghdr batch = {.msg_iov = &whole, .msg_iovlen = 1, .msg_control = control};
    uint16_t segment = (uint16_t)l->bytes;

    if (count == 0) return;
    for (unsigned i = 0; i < count; i++) {
        uint64_t sequence = p->sequence[slots[i]];
        uint8_t *bytes = l->out + (size_t)i * l->bytes;
        memcpy(bytes, &sequence, sizeof sequence);
        memcpy(bytes + 8, l->pattern + (sequence & 0xffff), l->bytes - 8);
        p->sent_ns[slots[i]] = l->now;
        parts[i] = (struct iovec){bytes, l->bytes};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    control_add(&batch, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    if (l->batches && count > 1)
        need(sendmsg(p->socket, &batch, 0) > 0, "loader: sendmsg");
    else
        need(sendmmsg(p->socket, out, count, 0) > 0,
             "loader: sendmmsg"); /* the rest counts as lost and is resent */
}

static void peer_read(struct load *l, struct peer *p)
{
    unsigned answered[FLIGHT_MAX], count = 0;
    int n = recvmmsg(p->socket, l->in.in, FLIGHT_MAX, MSG_DONTWAIT, NULL);

    for (unsigned i = 0; n > 0 && i < (unsigned)n; i++) {
        struct item *item = &l->in.items[i];
        slot_read(&l->in, i);
        for (size_t at = 0; at < item->length; at += item->segment) {
            size_t length = item->length - at < item->segment ? item->length - at : item->segment;
            uint64_t sequence;
            memcpy(&sequence, item->bytes + at, sizeof sequence);
            unsigned slot = (unsigned)(sequence % l->flight);
            errno = EBADMSG;
            need(length == l->bytes &&
                     !memcmp(item->bytes + at + 8, l->pattern + (sequence & 0xffff), length - 8),
                 "loader");
            if (sequence != p->sequence[slot]) { /* a late answer to a resent datagram */
                l->stale++;
                continue;
            }
            p->sequence[slot] += l->flight, l->echoed++;
            answered[count++] = slot;
        }
    }
    peer_send(l, p, answered, count);
}

/* Returns the processor time of all threads of the process, including io_uring's workers. */
static uint64_t process_ns(const char *pid)
{
    char pattern[64];
    glob_t tasks;
    uint64_t sum = 0;

    snprintf(pattern, sizeof pattern, "/proc/%s/task/*/schedstat", pid);
    need(glob(pattern, 0, NULL, &tasks) == 0, pattern);
    for (size_t i = 0; i < tasks.gl_pathc; i++) {
        unsigned long long ns = 0;
        FILE *file = fopen(tasks.gl_pathv[i], "r");
        if (file && fscanf(file, "%llu", &ns) == 1) sum += ns;
        if (file) fclose(file);
    }
    globfree(&tasks);
    return sum;
}

static void load_run(struct load *l, int poller, uint64_t until)
{
    struct epoll_event ready[64];
    uint64_t sweep = 0;

    while ((l->now = now_ns()) < until) {
        int n = epoll_wait(poller, ready, 64, 20);
        for (int i = 0; i < n; i++) peer_read(l, ready[i].data.ptr);
        if (l->now < sweep) continue;
        sweep = l->now + 20000000;
        for (unsigned i = 0; i < l->peers_count; i++)
            for (unsigned slot = 0; slot < l->flight; slot++)
                if (l->now - l->peers[i].sent_ns[slot] > RESEND_MS * 1000000ull)
                    l->lost++, peer_send(l, &l->peers[i], &slot, 1);
    }
}

static int load(char **argv)
{
    static struct load l = {.in.gro = true, .in.bare = true, .in.stride = 68 << 10};
    struct sockaddr_in6 host = {.sin6_family = AF_INET6,
                                .sin6_port = htons((uint16_t)number(argv[4]))};
    unsigned slots[FLIGHT_MAX];
    int poller = epoll_create1(EPOLL_CLOEXEC);

    l.peers_count = (unsigned)number(argv[5]), l.flight = (unsigned)number(argv[6]),
    l.bytes = (unsigned)number(argv[7]);
    l.batches = number(argv[8]);
    uint64_t span = (uint64_t)number(argv[9]) * 1000000u;
    errno = EINVAL;
    need(l.peers_count <= PEERS_MAX && l.flight && l.flight <= FLIGHT_MAX && l.bytes >= 8 &&
             l.bytes <= 2048 && inet_pton(AF_INET6, argv[3], &host.sin6_addr) == 1,
         "arguments");
    slots_open(&l.in);
    for (size_t i = 0; i < PATTERN_BYTES; i++) l.pattern[i] = (uint8_t)((i * 2654435761u) >> 13);
    l.now = now_ns();
    for (unsigned i = 0; i < l.peers_count; i++) {
        struct peer *p = &l.peers[i];
        p->socket = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        need(connect(p->socket, (struct sockaddr *)&host, sizeof host) == 0, "connect");
        if (l.batches) option_on(p->socket, IPPROTO_UDP, UDP_GRO);
        epoll_ctl(poller, EPOLL_CTL_ADD, p->socket,
                  &(struct epoll_event){.events = EPOLLIN, .data.ptr = p});
        for (unsigned k = 0; k < l.flight; k++) p->sequence[k] = slots[k] = k;
        peer_send(&l, p, slots, l.flight);
    }
    load_run(&l, poller, l.now + span / 4);
    uint64_t echoed = l.echoed, cpu = process_ns(argv[2]), began = now_ns();
    load_run(&l, poller, began + span);
    cpu = process_ns(argv[2]) - cpu, echoed = l.echoed - echoed, span = now_ns() - began;
    printf("ns=%.1f rate=%.0f util=%.3f lost=%llu stale=%llu\n",
           echoed ? (double)cpu / (double)echoed : 0.0, (double)echoed * 1e9 / (double)span,
           (double)cpu / (double)span, (unsigned long long)l.lost, (unsigned long long)l.stale);
    return 0;
}

/* --- the floor: no epoll, no wake-up, one core
 * ------------------------------------------------------------- */

struct way {
    const char *name, *path;
    unsigned again; /* calls that find no datagram */
    int client;
    uint64_t best_ns;
    struct server server;
};

static void way_open(struct way *way)
{
    struct sockaddr_in6 at;
    socklen_t length = sizeof at;

    server_open(&way->server, way->path, 0);
    getsockname(way->server.socket, (struct sockaddr *)&at, &length);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &at.sin6_addr);
    way->client = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(connect(way->client, (struct sockaddr *)&at, sizeof at) == 0, "connect");
}

static void way_run(struct way *way, size_t bytes, unsigned ready, unsigned iterations)
{
    uint8_t datagram[2048] = {0};
    uint64_t spent = 0;

    for (unsigned iteration = 0; iteration < iterations; iteration++) {
        for (unsigned i = 0; i < ready; i++) send(way->client, datagram, bytes, 0);
        uint64_t began = now_ns();
        if (way->server.kind == MMSG)
            iterate_mmsg(&way->server);
        else
            for (unsigned i = 0; i < ready + way->again; i++) iterate_one(&way->server);
        spent += now_ns() - began;
        for (unsigned i = 0; i < ready; i++)
            need(recv(way->client, datagram, bytes, 0) >= 0, "recv");
    }
    if (way->best_ns == 0 || spent < way->best_ns) way->best_ns = spent;
}

static int floor_run(size_t bytes, unsigned ready)
{
    enum { BLOCKS = 60, ITERATIONS = 200, WAYS = 8 };
    static struct way ways[WAYS] = {
        {.name = "recvmsg+sendmsg", .path = "single"},
        {.name = "recvmsg+sendmsg, EAGAIN", .path = "single", .again = 1},
        {.name = "recvfrom+sendto, bare", .path = "single+bare"},
        {.name = "recvmmsg+sendmmsg", .path = "mmsg"},
        {.name = "recvmmsg+sendmmsg, bare", .path = "mmsg+bare"},
        {.name = "recvmmsg+sendmsg if one", .path = "mmsg+lone"},
        {.name = "recvmmsg+grouped", .path = "mmsg+group"},
        {.name = "recvmmsg+grouped, gro on", .path = "mmsg+gro+group"},
    };

    for (unsigned w = 0; w < WAYS; w++) way_open(&ways[w]);
    for (unsigned block = 0; block < BLOCKS; block++)
        for (unsigned w = 0; w < WAYS; w++)
            way_run(&ways[block & 1 ? WAYS - 1 - w : w], bytes, ready, ITERATIONS);
    for (unsigned w = 0; w < WAYS; w++)
        printf("%-26s %4zu B %2u ready %6.0f ns  %.2f\n", ways[w].name, bytes, ready,
               (double)ways[w].best_ns / ITERATIONS / ready,
               (double)ways[w].best_ns / (double)ways[0].best_ns);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "serve")) return serve(argv[2], (uint16_t)number(argv[3]));
    if (argc == 10 && !strcmp(argv[1], "load")) return load(argv);
    if (argc == 4 && !strcmp(argv[1], "floor") && number(argv[2]) <= 2048 && number(argv[3]) >= 1 &&
        number(argv[3]) <= BATCH)
        return floor_run((size_t)number(argv[2]), (unsigned)number(argv[3]));
    fputs("usage: see the top of udp_paths.c\n", stderr);
    return 2;
}
