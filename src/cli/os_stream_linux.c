/* SPDX-License-Identifier: MIT */
/* os_stream_linux.c - reads and writes descriptors of Linux, also those that another program made
 * non-blocking. */
#include "os_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

/* Returns whether the failed call is to be repeated, after waiting if the descriptor is
 * non-blocking. */
static bool os__repeats(int fd, short events)
{
    struct pollfd watched = {.fd = fd, .events = events};

    if (errno == EAGAIN) poll(&watched, 1, -1);
    return errno == EAGAIN || errno == EINTR;
}

int os_write(int stream, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(stream, bytes, length);
        if (written < 0 && os__repeats(stream, POLLOUT)) continue;
        if (written < 0) return errno;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

int os_open_source(const char *path, os_source *source)
{
    int fd;

    do fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    *source = fd;
    return fd < 0 ? errno : 0;
}

int os_read(os_source source, void *bytes, size_t size, size_t *length)
{
    ssize_t done;

    do done = read((int)source, bytes, size);
    while (done < 0 && os__repeats((int)source, POLLIN));
    *length = done > 0 ? (size_t)done : 0;
    return done < 0 ? errno : 0;
}

void os_close_source(os_source source)
{
    close((int)source);
}
