/* SPDX-License-Identifier: MIT */
/* os_doctor_linux.c - limits of the process, files in /proc and /sys, socket options. */
#include "os_doctor.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef UDP_SEGMENT /* Linux 4.18; older headers lack it */
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO /* Linux 5.0 */
#define UDP_GRO 104
#endif

#define OS_DOCTOR__GROUP "/sys/fs/cgroup/" /* of version 2; a container sees its own here */

/* Reads the first line of a file. Returns false if there is none. */
static bool os_doctor__line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    bool has_line = file && fgets(line, size, file);

    if (file) fclose(file);
    if (has_line) line[strcspn(line, "\n")] = '\0';
    return has_line;
}

/* Reads a number, or "max". */
static void os_doctor__number(const char *path, uint64_t *number)
{
    char line[128];

    if (!os_doctor__line(path, line, sizeof line)) return;
    if (strncmp(line, "max", 3) == 0)
        *number = DOCTOR_UNLIMITED;
    else if (line[0] >= '0' && line[0] <= '9')
        *number = strtoull(line, NULL, 10);
}

static void os_doctor__limit(int resource, uint64_t *soft, uint64_t *hard)
{
    struct rlimit limit;

    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) return;
    *soft = limit.rlim_cur == RLIM_INFINITY ? DOCTOR_UNLIMITED : limit.rlim_cur;
    *hard = limit.rlim_max == RLIM_INFINITY ? DOCTOR_UNLIMITED : limit.rlim_max;
}

static void os_doctor__ask_kernel(struct doctor_facts *facts)
{
    struct utsname name;
    unsigned major, minor;
    char line[256];

    if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 && minor < 100)
        facts->kernel = major * UINT64_C(100) + minor;
    os_doctor__number("/proc/sys/kernel/io_uring_disabled", &facts->io_uring_disabled);
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Seccomp: %" SCNu64, &facts->seccomp_mode) == 1) break;
    if (status) fclose(status);
}

static void os_doctor__ask_limits(struct doctor_facts *facts)
{
    char line[128];
    uint64_t unused_free;

    os_doctor__limit(RLIMIT_NOFILE, &facts->files_soft_max, &facts->files_hard_max);
    os_doctor__limit(RLIMIT_MEMLOCK, &facts->locked_bytes_max, &unused_free);
    os_doctor__number("/proc/sys/fs/file-max", &facts->system_files_max);
    if (os_doctor__line("/proc/sys/fs/file-nr", line, sizeof line))
        sscanf(line, "%" SCNu64 " %" SCNu64, &facts->system_files, &unused_free);
    os_doctor__number(OS_DOCTOR__GROUP "pids.max", &facts->threads_max);
}

static void os_doctor__ask_network(struct doctor_facts *facts)
{
    char line[128];

    os_doctor__number("/proc/sys/net/core/somaxconn", &facts->somaxconn);
    os_doctor__number("/proc/sys/net/ipv4/tcp_max_syn_backlog", &facts->syn_backlog_max);
    os_doctor__number("/proc/sys/net/core/rmem_max", &facts->rmem_max_bytes);
    os_doctor__number("/proc/sys/net/core/wmem_max", &facts->wmem_max_bytes);
    os_doctor__number("/proc/sys/net/netfilter/nf_conntrack_max", &facts->conntrack_max);
    os_doctor__number("/proc/sys/net/netfilter/nf_conntrack_count", &facts->conntrack_count);
    if (os_doctor__line("/proc/sys/net/ipv4/ip_local_port_range", line, sizeof line))
        sscanf(line, "%" SCNu64 " %" SCNu64, &facts->ports_first, &facts->ports_last);
}

static void os_doctor__ask_sockets(struct doctor_facts *facts)
{
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int bytes = 1200, on = 1;

    if (udp >= 0) {
        facts->has_gso = setsockopt(udp, IPPROTO_UDP, UDP_SEGMENT, &bytes, sizeof bytes) == 0;
        facts->has_gro = setsockopt(udp, IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
        close(udp);
    }
    facts->has_ipv6 =
        six >= 0 && bind(six, (const struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (six >= 0) close(six);
}

static void os_doctor__ask_processors(struct doctor_facts *facts)
{
    char line[128];
    uint64_t quota_us, period_us;
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0) facts->processors = (uint64_t)CPU_COUNT(&set);
    facts->processors_quota_percent = DOCTOR_UNLIMITED;
    if (os_doctor__line(OS_DOCTOR__GROUP "cpu.max", line, sizeof line) &&
        sscanf(line, "%" SCNu64 " %" SCNu64, &quota_us, &period_us) == 2 && period_us > 0)
        facts->processors_quota_percent = quota_us * 100 / period_us;
}

static void os_doctor__ask_memory(struct doctor_facts *facts)
{
    char line[128];
    uint64_t kib;
    FILE *file = fopen("/proc/meminfo", "re");

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            facts->memory_available_bytes = kib * 1024;
    if (file) fclose(file);
    os_doctor__number(OS_DOCTOR__GROUP "memory.max", &facts->memory_max_bytes);
}

static void os_doctor__ask_clock(struct doctor_facts *facts)
{
    struct timex clock = {.modes = 0};
    int state = adjtimex(&clock); /* modes 0: changes nothing */

    if (state >= 0) facts->clock_is_synchronised = !(clock.status & STA_UNSYNC);
    if (!os_doctor__line("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                         facts->clock_source, sizeof facts->clock_source))
        facts->clock_source[0] = '\0';
}

void os_doctor_ask(struct doctor_facts *facts)
{
    os_doctor__ask_kernel(facts);
    os_doctor__ask_limits(facts);
    os_doctor__ask_network(facts);
    os_doctor__ask_sockets(facts);
    os_doctor__ask_processors(facts);
    os_doctor__ask_memory(facts);
    os_doctor__ask_clock(facts);
}
