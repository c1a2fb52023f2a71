/* SPDX-License-Identifier: MIT */
/* long_path.c - joins two network namespaces by a link that delays each packet.
 *
 *   long_path PID_A PID_B DELAY_US     prints "ready", then forwards until it is ended
 *
 *      namespace of PID_A: TUN device "long" <--> this process <--> "long" of PID_B's namespace
 *
 * SIGUSR1 drops the packets from B to A from then on: A's peer stops acknowledging. Needs root.
 * kernel_memory.py creates the namespaces, which no real device is a part of.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
    PACKETS = 65536, /* of one direction, on their way */
    PACKET_BYTES = 1500,
    BATCH = 64, /* packets read from one device before the other is served */
};

struct packet {
    uint64_t due_ns;
    size_t length;
    uint8_t bytes[PACKET_BYTES];
};

struct direction {
    int from, to;
    bool drops;
    struct packet *packets; /* a ring */
    uint32_t first, count;
};

static volatile sig_atomic_t drop_wanted;

static void on_signal(int number)
{
    (void)number;
    drop_wanted = 1;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Creates the TUN device in the process's namespace. */
static int open_device(const char *pid)
{
    struct ifreq request = {.ifr_name = "long", .ifr_flags = IFF_TUN | IFF_NO_PI};
    char path[64];

    snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
    int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) != 0) fail("enter the namespace");
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) != 0) fail("create the device");
    close(space);
    return device;
}

static void receive(struct direction *way, uint64_t due_ns)
{
    for (int i = 0; i < BATCH && way->count < PACKETS; i++) {
        struct packet *packet = &way->packets[(way->first + way->count) % PACKETS];
        ssize_t length = read(way->from, packet->bytes, PACKET_BYTES);
        if (length <= 0) return;
        packet->length = (size_t)length;
        packet->due_ns = due_ns;
        way->count++;
    }
}

/* Returns when the next packet is due. A packet that the device refuses is lost, as on a link. */
static uint64_t deliver(struct direction *way, uint64_t until_ns)
{
    for (; way->count > 0; way->count--, way->first++) {
        const struct packet *packet = &way->packets[way->first % PACKETS];
        if (packet->due_ns > until_ns) return packet->due_ns;
        if (!way->drops && write(way->to, packet->bytes, packet->length) < 0) continue;
    }
    return UINT64_MAX;
}

static void wait_until(const struct direction *ways, uint64_t due_ns)
{
    struct pollfd devices[2];
    struct timespec span = {.tv_sec = 1};
    uint64_t now = now_ns();

    for (int i = 0; i < 2; i++)
        devices[i] =
            (struct pollfd){.fd = ways[i].from, .events = ways[i].count < PACKETS ? POLLIN : 0};
    if (due_ns <= now)
        span.tv_sec = 0;
    else if (due_ns - now < UINT64_C(1000000000))
        span = (struct timespec){.tv_nsec = (long)(due_ns - now)};
    ppoll(devices, 2, &span, NULL);
}

int main(int count, char **arguments)
{
    if (count != 4) {
        fputs("usage: long_path PID_A PID_B DELAY_US\n", stderr);
        return 2;
    }
    uint64_t delay_ns = strtoull(arguments[3], NULL, 10) * 1000u;
    int a = open_device(arguments[1]), b = open_device(arguments[2]);
    struct direction ways[2] = {{.from = a, .to = b}, {.from = b, .to = a}};

    for (int i = 0; i < 2; i++) {
        ways[i].packets = calloc(PACKETS, sizeof *ways[i].packets);
        if (!ways[i].packets) fail("allocate the packets");
    }
    signal(SIGUSR1, on_signal);
    puts("ready");
    fflush(stdout);
    for (;;) {
        uint64_t now = now_ns(), due_ns = UINT64_MAX;
        ways[1].drops = drop_wanted != 0;
        for (int i = 0; i < 2; i++) {
            receive(&ways[i], now + delay_ns);
            uint64_t next = deliver(&ways[i], now);
            if (next < due_ns) due_ns = next;
        }
        wait_until(ways, due_ns);
    }
}
