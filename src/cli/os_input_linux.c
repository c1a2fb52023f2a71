/* SPDX-License-Identifier: MIT */
/* os_input_linux.c - stdin by its descriptor. os_open_streams() has opened it, if it was closed. */
#include "os_input.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

size_t os_input_read(void *bytes, size_t size, int *error)
{
    struct pollfd readable = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t done;

    while ((done = read(STDIN_FILENO, bytes, size)) < 0 && (errno == EAGAIN || errno == EINTR))
        if (errno == EAGAIN) poll(&readable, 1, -1); /* inherited as non-blocking */
    *error = done < 0 ? errno : 0;
    return done > 0 ? (size_t)done : 0;
}
