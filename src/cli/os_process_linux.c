/* SPDX-License-Identifier: MIT */
/* os_process_linux.c - see os_process.h. It reads /proc, which containers can hide. */
#include "os_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static bool os_process__read_file(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, size - 1);

    if (file >= 0) close(file);
    if (length <= 0) return false;
    text[length] = '\0';
    return true;
}

/* Returns field `number` of /proc/self/stat, as proc(5) counts them; 0: it has none. Fields are
 * counted from the end of the name, which can contain blanks. */
static uint64_t os_process__stat(const char *stat, int number)
{
    const char *at = strrchr(stat, ')');

    for (int field = 2; at && field < number; field++) at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

static uint64_t os_process__files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (!folder) return 0;
    while (readdir(folder)) count++;
    closedir(folder);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

static int64_t os_process__started_ms(uint64_t ticks_after_boot)
{
    struct timespec now, up;
    int64_t per_second = sysconf(_SC_CLK_TCK);

    if (per_second <= 0 || clock_gettime(CLOCK_REALTIME, &now) != 0 ||
        clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return 0;
    int64_t booted_ms = (now.tv_sec - up.tv_sec) * 1000 + (now.tv_nsec - up.tv_nsec) / 1000000;
    return booted_ms + (int64_t)ticks_after_boot * 1000 / per_second;
}

bool os_process_read(struct admin_process *process)
{
    char stat[1024];
    struct rlimit limit;
    struct rusage used;

    *process = (struct admin_process){0};
    if (!os_process__read_file("/proc/self/stat", stat, sizeof stat) ||
        getrusage(RUSAGE_SELF, &used) != 0)
        return false;
    process->cpu_us = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                      (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    process->resident_bytes = os_process__stat(stat, 24) * (uint64_t)sysconf(_SC_PAGESIZE);
    process->started_unix_ms = os_process__started_ms(os_process__stat(stat, 22));
    process->files = os_process__files();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) process->files_max = limit.rlim_cur;
    return true;
}
