/* SPDX-License-Identifier: MIT */
/* doctor_rules.c - one function per subject. Each compares what the server needs with what the
 * system allows, and names the setting to change. */
#include "doctor_rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DOCTOR__FILES_OF_SERVER 64  /* listeners, rings, event objects, streams */
#define DOCTOR__KERNEL_UNLOCKED 512 /* io_uring counts no locked memory from 5.12 on */
#define DOCTOR__RING_BYTES (UINT64_C(8) << 20)
#define DOCTOR__UDP_BUFFER_BYTES (UINT64_C(4) << 20) /* net_options.datagram_socket_bytes */
#define DOCTOR__PORTS_MIN 16384
#define DOCTOR__THREADS_MIN 64

#if defined(__clang__)
#define DOCTOR__FORMAT __attribute__((format(printf, 3, 4)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
#define DOCTOR__FORMAT __attribute__((format(gnu_printf, 3, 4)))
#else
#define DOCTOR__FORMAT
#endif

/* Fills in level and text. Returns true, the result of a rule that says something. */
DOCTOR__FORMAT static bool doctor__say(struct doctor_finding *finding, enum doctor_level level,
                                       const char *format, ...)
{
    va_list values;

    finding->level = level;
    va_start(values, format);
    vsnprintf(finding->text, sizeof finding->text, format, values);
    va_end(values);
    return true;
}

static void doctor__fix(struct doctor_finding *finding, const char *fix)
{
    snprintf(finding->fix, sizeof finding->fix, "%s", fix);
}

static void doctor__fix_sysctl(struct doctor_finding *finding, const char *name, uint64_t value)
{
    snprintf(finding->fix, sizeof finding->fix,
             "sysctl -w %s=%" PRIu64 ", and add this setting to a file in /etc/sysctl.d", name,
             value);
}

/* Whether the value is known and below the limit. */
static bool doctor__is_below(uint64_t value, uint64_t limit)
{
    return value != DOCTOR_UNKNOWN && value < limit;
}

/* ---- transports ---- */

static void doctor__explain_io_uring(const struct doctor_facts *facts,
                                     struct doctor_finding *finding)
{
    if (facts->io_uring_disabled != DOCTOR_UNKNOWN && facts->io_uring_disabled > 0)
        doctor__fix_sysctl(finding, "kernel.io_uring_disabled", 0);
    else if (facts->seccomp_mode == 2)
        doctor__fix(finding, "a seccomp filter is active: allow io_uring_setup, io_uring_enter and "
                             "io_uring_register in the container's profile or the unit");
    else if (doctor__is_below(facts->kernel, 600))
        doctor__fix(finding, "update Linux to 6.0 or later");
    else
        doctor__fix(finding, "weir runs over the next transport meanwhile");
}

static bool doctor__transport(const struct doctor_facts *facts, size_t index,
                              struct doctor_finding *finding)
{
    const struct doctor_transport *transport = &facts->transports[index];
    bool is_last = index + 1 == DOCTOR_TRANSPORTS_MAX ||
                   facts->transports[index + 1].state == DOCTOR_TRANSPORT_ABSENT;

    switch (transport->state) {
    case DOCTOR_TRANSPORT_ABSENT: return false;
    case DOCTOR_TRANSPORT_WORKS:
        return doctor__say(finding, DOCTOR_OK, "%s works: every byte of an echo came back",
                           transport->name);
    case DOCTOR_TRANSPORT_MISSING:
        doctor__say(finding, is_last ? DOCTOR_ERROR : DOCTOR_WARNING, "%s is not available: %s",
                    transport->name, transport->why);
        break;
    case DOCTOR_TRANSPORT_FAILED:
        doctor__say(finding, DOCTOR_ERROR, "the echo over %s failed: %s", transport->name,
                    transport->why);
        break;
    }
    if (strcmp(transport->name, "uring") == 0)
        doctor__explain_io_uring(facts, finding);
    else
        doctor__fix(finding, "send the report of weir selftest to the maintainers");
    return true;
}

static bool doctor__first_transport(const struct doctor_facts *facts,
                                    struct doctor_finding *finding)
{
    return doctor__transport(facts, 0, finding);
}

static bool doctor__second_transport(const struct doctor_facts *facts,
                                     struct doctor_finding *finding)
{
    return doctor__transport(facts, 1, finding);
}

/* ---- limits of the process ---- */

static bool doctor__files(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    uint64_t needed = facts->sessions + DOCTOR__FILES_OF_SERVER;

    if (facts->files_hard_max == DOCTOR_UNKNOWN) return false;
    if (facts->files_hard_max >= needed)
        return doctor__say(finding, DOCTOR_OK,
                           "the limit on open files allows %" PRIu64
                           " sessions; weir raises the soft limit by itself",
                           facts->sessions);
    doctor__say(finding, DOCTOR_WARNING,
                "the hard limit on open files is %" PRIu64 ", and %" PRIu64
                " sessions need %" PRIu64,
                facts->files_hard_max, facts->sessions, needed);
    snprintf(finding->fix, sizeof finding->fix,
             "LimitNOFILE=%" PRIu64 " in the unit, 'ulimit -Hn %" PRIu64
             "' as root, or fewer sessions by --max-sessions",
             needed, needed);
    return true;
}

static bool doctor__system_files(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    uint64_t used = facts->system_files == DOCTOR_UNKNOWN ? 0 : facts->system_files;
    uint64_t needed = used + facts->sessions + DOCTOR__FILES_OF_SERVER;

    if (facts->system_files_max == DOCTOR_UNKNOWN) return false;
    if (facts->system_files_max >= needed)
        return doctor__say(finding, DOCTOR_OK, "the system's limit on open files has room");
    doctor__say(finding, DOCTOR_WARNING,
                "all programs together may open %" PRIu64 " files, and have %" PRIu64 " open",
                facts->system_files_max, used);
    doctor__fix_sysctl(finding, "fs.file-max", 2 * needed);
    return true;
}

/* io_uring of older kernels locks the memory of its rings at the expense of the user's limit. */
static bool doctor__locked_memory(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    if (facts->locked_bytes_max == DOCTOR_UNKNOWN) return false;
    if (facts->locked_bytes_max >= DOCTOR__RING_BYTES ||
        !doctor__is_below(facts->kernel, DOCTOR__KERNEL_UNLOCKED))
        return doctor__say(finding, DOCTOR_OK, "the limit on locked memory does not matter here");
    doctor__say(finding, DOCTOR_WARNING,
                "the limit on locked memory is %" PRIu64
                " bytes, and io_uring of this kernel counts its rings against it",
                facts->locked_bytes_max);
    doctor__fix(finding, "LimitMEMLOCK=8M in the unit, or 'ulimit -l 8192' as root");
    return true;
}

static bool doctor__threads(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    if (facts->threads_max == DOCTOR_UNKNOWN) return false;
    if (facts->threads_max >= DOCTOR__THREADS_MIN)
        return doctor__say(finding, DOCTOR_OK, "the limit on threads has room");
    doctor__say(finding, DOCTOR_WARNING,
                "the control group allows %" PRIu64 " threads and processes", facts->threads_max);
    doctor__fix(finding, "TasksMax=64 in the unit, or --pids-limit of the container");
    return true;
}

static bool doctor__memory(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    uint64_t room = facts->memory_max_bytes;

    if (facts->memory_available_bytes < room) room = facts->memory_available_bytes;
    if (room == DOCTOR_UNKNOWN || room == DOCTOR_UNLIMITED) return false;
    if (room >= facts->memory_bytes)
        return doctor__say(finding, DOCTOR_OK, "there is memory for --memory at its default");
    doctor__say(finding, DOCTOR_WARNING,
                "%" PRIu64 " MiB of memory are free or allowed, and peers may use %" PRIu64 " MiB",
                room >> 20, facts->memory_bytes >> 20);
    doctor__fix(finding, "lower --memory to what weir may have, so that it refuses clients in time "
                         "instead of being killed");
    return true;
}

static bool doctor__processors(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    uint64_t quota = facts->processors_quota_percent;

    if (facts->processors == DOCTOR_UNKNOWN || quota == DOCTOR_UNKNOWN) return false;
    if (quota == DOCTOR_UNLIMITED || quota / 100 >= facts->processors)
        return doctor__say(finding, DOCTOR_OK, "%" PRIu64 " processors, one worker each",
                           facts->processors);
    doctor__say(finding, DOCTOR_WARNING,
                "weir starts %" PRIu64
                " workers, one per processor, and the control group allows %" PRIu64
                " percent of one: the system stops all of them in between",
                facts->processors, quota);
    snprintf(finding->fix, sizeof finding->fix, "--workers %" PRIu64,
             quota < 200 ? 1 : quota / 100);
    return true;
}

/* ---- the network ---- */

static bool doctor__backlog(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    if (facts->somaxconn == DOCTOR_UNKNOWN) return false;
    if (facts->somaxconn < facts->backlog) {
        doctor__say(finding, DOCTOR_WARNING,
                    "the system queues %" PRIu64 " connections before they are accepted; weir asks "
                    "for %" PRIu64,
                    facts->somaxconn, facts->backlog);
        doctor__fix_sysctl(finding, "net.core.somaxconn", facts->backlog);
        return true;
    }
    if (doctor__is_below(facts->syn_backlog_max, 1024)) {
        doctor__say(finding, DOCTOR_WARNING, "the system queues %" PRIu64 " half-open connections",
                    facts->syn_backlog_max);
        doctor__fix_sysctl(finding, "net.ipv4.tcp_max_syn_backlog", facts->backlog);
        return true;
    }
    return doctor__say(finding, DOCTOR_OK,
                       "the system queues as many connections as weir asks for");
}

static bool doctor__buffers(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    uint64_t needed = facts->receive_buffer_bytes / 2; /* the system doubles it */

    if (needed < DOCTOR__UDP_BUFFER_BYTES) needed = DOCTOR__UDP_BUFFER_BYTES;
    if (facts->rmem_max_bytes == DOCTOR_UNKNOWN) return false;
    if (facts->rmem_max_bytes >= needed && !doctor__is_below(facts->wmem_max_bytes, needed))
        return doctor__say(finding, DOCTOR_OK, "socket buffers may be as large as weir asks for");
    if (facts->rmem_max_bytes >= needed) {
        doctor__say(finding, DOCTOR_WARNING,
                    "a socket's send buffer is at most %" PRIu64
                    " bytes: datagrams are dropped in bursts",
                    facts->wmem_max_bytes);
        doctor__fix_sysctl(finding, "net.core.wmem_max", needed);
        return true;
    }
    doctor__say(finding, DOCTOR_WARNING,
                "a socket's receive buffer is at most %" PRIu64
                " bytes: datagrams are lost in bursts, and uploads over long distances are slow",
                facts->rmem_max_bytes);
    doctor__fix_sysctl(finding, "net.core.rmem_max", needed);
    return true;
}

static bool doctor__conntrack(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    uint64_t used = facts->conntrack_count == DOCTOR_UNKNOWN ? 0 : facts->conntrack_count;

    if (facts->conntrack_max == DOCTOR_UNKNOWN) return false;
    if (facts->conntrack_max >= used + facts->sessions)
        return doctor__say(finding, DOCTOR_OK, "the firewall's table of connections has room");
    doctor__say(finding, DOCTOR_WARNING,
                "the firewall tracks %" PRIu64 " connections at most, and %" PRIu64
                " now: above that, packets of new clients are dropped",
                facts->conntrack_max, used);
    doctor__fix_sysctl(finding, "net.netfilter.nf_conntrack_max", 2 * (used + facts->sessions));
    return true;
}

static bool doctor__ports(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    if (facts->ports_first == DOCTOR_UNKNOWN || facts->ports_last < facts->ports_first)
        return false;
    uint64_t count = facts->ports_last - facts->ports_first + 1;
    if (count >= DOCTOR__PORTS_MIN)
        return doctor__say(finding, DOCTOR_OK,
                           "%" PRIu64 " ports for outbound connections, %" PRIu64 " to %" PRIu64
                           ": listen outside this range, so that no outbound connection takes the "
                           "port first",
                           count, facts->ports_first, facts->ports_last);
    doctor__say(finding, DOCTOR_WARNING,
                "only %" PRIu64 " ports for outbound connections to one address, %" PRIu64
                " to %" PRIu64,
                count, facts->ports_first, facts->ports_last);
    doctor__fix(finding, "sysctl -w net.ipv4.ip_local_port_range='32768 60999', and add this "
                         "setting to a file in /etc/sysctl.d");
    return true;
}

static bool doctor__batches(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    if (facts->has_gso == DOCTOR_UNKNOWN || facts->has_gro == DOCTOR_UNKNOWN) return false;
    if (facts->has_gso && facts->has_gro)
        return doctor__say(finding, DOCTOR_OK, "UDP is sent and received in batches (GSO, GRO)");
    return doctor__say(finding, DOCTOR_NOTE,
                       "UDP is slower here: the kernel has no %s, which Linux 5.0 and later have",
                       facts->has_gso   ? "GRO"
                       : facts->has_gro ? "GSO"
                                        : "GSO and GRO");
}

static bool doctor__ipv6(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    if (facts->has_ipv6 == DOCTOR_UNKNOWN) return false;
    if (facts->has_ipv6) return doctor__say(finding, DOCTOR_OK, "IPv6 is available");
    return doctor__say(finding, DOCTOR_NOTE, "there is no IPv6: name IPv4 addresses to listen on");
}

/* ---- the clock ---- */

static bool doctor__cluster(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    if (facts->has_cluster == DOCTOR_UNKNOWN) return false;
    if (facts->has_cluster == 1)
        return doctor__say(finding, DOCTOR_OK, "--cluster works over NATS: libnats is built in");
    return doctor__say(finding, DOCTOR_NOTE,
                       "--cluster is refused: weir was built without libnats (WEIR_NATS)");
}

static bool doctor__clock(const struct doctor_facts *facts, struct doctor_finding *finding)
{
    bool is_slow =
        strcmp(facts->clock_source, "hpet") == 0 || strcmp(facts->clock_source, "acpi_pm") == 0;

    if (is_slow) {
        doctor__say(finding, DOCTOR_WARNING,
                    "the clock %s needs a system call: weir reads the time in every iteration",
                    facts->clock_source);
        doctor__fix(finding, "select tsc or the virtual machine's clock, in "
                             "/sys/devices/system/clocksource/clocksource0/current_clocksource");
        return true;
    }
    if (facts->clock_is_synchronised == 0)
        return doctor__say(finding, DOCTOR_NOTE,
                           "the clock is not synchronised: log lines of several machines do not "
                           "compare, and certificates can seem expired");
    if (facts->clock_is_synchronised == DOCTOR_UNKNOWN && facts->clock_source[0] == '\0')
        return false;
    return doctor__say(finding, DOCTOR_OK, "the clock is fast%s",
                       facts->clock_is_synchronised == 1 ? " and synchronised" : "");
}

/* ---- the table ---- */

static const struct {
    const char *subject;
    bool (*apply)(const struct doctor_facts *facts, struct doctor_finding *finding);
} doctor__rules[] = {
    {"transport", doctor__first_transport},
    {"transport", doctor__second_transport},
    {"files", doctor__files},
    {"system_files", doctor__system_files},
    {"locked_memory", doctor__locked_memory},
    {"threads", doctor__threads},
    {"memory", doctor__memory},
    {"processors", doctor__processors},
    {"backlog", doctor__backlog},
    {"buffers", doctor__buffers},
    {"conntrack", doctor__conntrack},
    {"ports", doctor__ports},
    {"batches", doctor__batches},
    {"ipv6", doctor__ipv6},
    {"clock", doctor__clock},
    {"cluster", doctor__cluster},
};

const size_t doctor_rules_count = sizeof doctor__rules / sizeof *doctor__rules;

bool doctor_rules_apply(size_t index, const struct doctor_facts *facts,
                        struct doctor_finding *finding)
{
    memset(finding, 0, sizeof *finding);
    finding->subject = doctor__rules[index].subject;
    return doctor__rules[index].apply(facts, finding);
}

const char *doctor_level_text(enum doctor_level level)
{
    static const char *const words[] = {"ok", "note", "warning", "error"};

    return words[level];
}
