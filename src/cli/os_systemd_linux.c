/* SPDX-License-Identifier: MIT */
/* os_systemd_linux.c - the protocol of sd_listen_fds(3) and sd_notify(3), without libsystemd: a few
 * variables of the environment, and datagrams to a Unix-domain socket. */
#include "os_systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define OS__FIRST_SOCKET 3    /* SD_LISTEN_FDS_START */
#define OS__SOCKETS_MAX 1024u /* far above the number of listeners */
#define OS__NAMES_BYTES 4096  /* of LISTEN_FDNAMES; longer lists are cut */
#define OS__TELL_TIMEOUT_S 5  /* for room in the service manager's socket */
#define OS__WATCHDOG_US_MAX ((uint64_t)1000 * 1000 * 3600 * 24 * 365)

static struct sockaddr_un os__manager; /* where to report */
static socklen_t os__manager_length;   /* 0: nowhere */
static uint64_t os__watchdog_us;       /* 0: none */
static size_t os__sockets_count;
static char os__names[OS__NAMES_BYTES];

static bool os__fail(const char *variable, const char *value, const char *reason,
                     struct weir_error *error)
{
    *error = (struct weir_error){.code = WEIR_INVALID};
    snprintf(error->operation, sizeof error->operation, "use the environment variable");
    snprintf(error->subject, sizeof error->subject, "%s=%.40s", variable, value);
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    snprintf(error->hint, sizeof error->hint, "only a service manager such as systemd sets it");
    return false;
}

/* Reads a decimal number up to `most`. */
static bool os__number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;

    if (text[0] < '0' || text[0] > '9') return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *number <= most;
}

/* Returns whether the variable is the id of this process. A variable that was meant for another
 * process, such as the shell that started this one, is ignored, as sd_listen_fds(3) does. */
static bool os__is_own(const char *pid_text)
{
    uint64_t pid;

    return pid_text && os__number(pid_text, INT32_MAX, &pid) && pid == (uint64_t)getpid();
}

static bool os__read_sockets(struct weir_error *error)
{
    const char *count_text = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    uint64_t count;

    if (!count_text || !os__is_own(getenv("LISTEN_PID"))) return true;
    if (!os__number(count_text, OS__SOCKETS_MAX, &count))
        return os__fail("LISTEN_FDS", count_text, "it is not a number of sockets", error);
    for (int i = 0; i < (int)count; i++)
        if (fcntl(OS__FIRST_SOCKET + i, F_SETFD, FD_CLOEXEC) != 0)
            return os__fail("LISTEN_FDS", count_text, "not all of these descriptors are open",
                            error);
    os__sockets_count = (size_t)count;
    snprintf(os__names, sizeof os__names, "%s", names ? names : "");
    return true;
}

static bool os__read_manager(struct weir_error *error)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path ? strlen(path) : 0;

    if (length == 0) return true;
    if ((path[0] != '/' && path[0] != '@') || length >= sizeof os__manager.sun_path)
        return os__fail("NOTIFY_SOCKET", path, "it is neither a path nor an abstract name", error);
    os__manager.sun_family = AF_UNIX;
    memcpy(os__manager.sun_path, path, length);
    if (path[0] == '@') os__manager.sun_path[0] = '\0';
    os__manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

static bool os__read_watchdog(struct weir_error *error)
{
    const char *text = getenv("WATCHDOG_USEC"), *pid_text = getenv("WATCHDOG_PID");

    if (!text || (pid_text && !os__is_own(pid_text))) return true;
    if (os__number(text, OS__WATCHDOG_US_MAX, &os__watchdog_us)) return true;
    return os__fail("WATCHDOG_USEC", text, "it is not a number of microseconds", error);
}

bool os_systemd_start(struct weir_error *error)
{
    static const char *const variables[] = {"LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES",
                                            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
    bool good = os__read_sockets(error) && os__read_manager(error) && os__read_watchdog(error);

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]);
    return good;
}

size_t os_systemd_sockets(intptr_t *first)
{
    *first = OS__FIRST_SOCKET;
    return os__sockets_count;
}

const char *os_systemd_socket_name(size_t index, char *text, size_t size)
{
    const char *at = os__names;

    while (index > 0 && at) {
        at = strchr(at, ':');
        if (at) at++;
        index--;
    }
    snprintf(text, size, "%.*s", at ? (int)strcspn(at, ":") : 0, at ? at : "");
    return text;
}

void os_systemd_close_sockets(void)
{
    for (size_t i = 0; i < os__sockets_count; i++) close(OS__FIRST_SOCKET + (int)i);
    os__sockets_count = 0;
}

bool os_systemd_listens(void)
{
    return os__manager_length > 0;
}

uint64_t os_systemd_watchdog_ms(void)
{
    return os__manager_length > 0 ? (os__watchdog_us + 999) / 1000 : 0;
}

uint64_t os_systemd_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int os_systemd_tell(const char *text)
{
    const struct timeval patience = {.tv_sec = OS__TELL_TIMEOUT_S};
    size_t length = strlen(text);
    int os_error = 0, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0) return errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (sendto(fd, text, length, MSG_NOSIGNAL, (const struct sockaddr *)&os__manager,
               os__manager_length) < 0)
        os_error = errno;
    close(fd);
    return os_error;
}
