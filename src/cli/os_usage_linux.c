/* SPDX-License-Identifier: MIT */
/* os_usage_linux.c - see os_usage.h. The scheduler counts processor time in nanoseconds
 * (/proc/PID/task/TID/schedstat); the ticks of /proc/PID/stat are used where it does not. */
#include "os_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define OS_USAGE__SECOND_NS UINT64_C(1000000000)

static uint64_t os_usage__clock(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * OS_USAGE__SECOND_NS + (uint64_t)now.tv_nsec;
}

uint64_t os_now_ns(void)
{
    return os_usage__clock(CLOCK_MONOTONIC);
}

uint64_t os_thread_cpu_ns(void)
{
    return os_usage__clock(CLOCK_THREAD_CPUTIME_ID);
}

static bool os_usage__read_file(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, size - 1);

    if (file >= 0) close(file);
    if (length <= 0) return false;
    text[length] = '\0';
    return true;
}

uint64_t os_thread_waited_ns(void)
{
    char text[128], *end;

    if (!os_usage__read_file("/proc/thread-self/schedstat", text, sizeof text)) return 0;
    strtoull(text, &end, 10); /* its processor time */
    return strtoull(end, NULL, 10);
}

/* Returns the sum of the threads' times; 0: the system does not count them. */
static uint64_t os_usage__threads_ns(uint32_t pid)
{
    char path[80], text[128];
    uint64_t sum_ns = 0;

    snprintf(path, sizeof path, "/proc/%" PRIu32 "/task", pid);
    DIR *folder = opendir(path);
    if (!folder) return 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        snprintf(path, sizeof path, "/proc/%" PRIu32 "/task/%.20s/schedstat", pid, entry->d_name);
        if (entry->d_name[0] != '.' && os_usage__read_file(path, text, sizeof text))
            sum_ns += strtoull(text, NULL, 10);
    }
    closedir(folder);
    return sum_ns;
}

/* Returns field `number` of /proc/PID/stat, as proc(5) counts them; 0: it has none. */
static uint64_t os_usage__field(const char *stat, int number)
{
    const char *at = strrchr(stat, ')');

    for (int field = 2; at && field < number; field++) at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

bool os_usage_read(uint32_t pid, struct os_usage *usage)
{
    char path[64], stat[1024];
    uint64_t ticks_per_second = (uint64_t)sysconf(_SC_CLK_TCK);

    *usage = (struct os_usage){0};
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/stat", pid);
    if (!os_usage__read_file(path, stat, sizeof stat)) return false;
    usage->resident_bytes = os_usage__field(stat, 24) * (uint64_t)sysconf(_SC_PAGESIZE);
    usage->cpu_ns = os_usage__threads_ns(pid);
    if (usage->cpu_ns == 0)
        usage->cpu_ns = (os_usage__field(stat, 14) + os_usage__field(stat, 15)) *
                        (OS_USAGE__SECOND_NS / ticks_per_second);
    return true;
}

bool os_wait_readable(int descriptor, uint64_t timeout_ns)
{
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / OS_USAGE__SECOND_NS),
                               .tv_nsec = (long)(timeout_ns % OS_USAGE__SECOND_NS)};

    if (descriptor < 0) return false;
    ppoll(&watched, 1, &timeout, NULL);
    return true;
}

void os_wait_precisely(void)
{
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* instead of 50 us */
}

bool os_stderr_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}
