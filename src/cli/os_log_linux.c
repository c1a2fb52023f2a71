/* SPDX-License-Identifier: MIT */
/* os_log_linux.c - see os_log.h. Opening the file again replaces its descriptor in one step, so the
 * thread that writes needs no lock. */
#include "os_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os_stream.h"

static int os_log__file = -1;

bool os_log_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat file;
    uintmax_t device, inode;

    if (!stream || sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2) return false;
    return fstat(STDERR_FILENO, &file) == 0 && file.st_dev == device && file.st_ino == inode;
}

/* Opens the file. O_NONBLOCK: a FIFO without a reader is an error, and does not block. */
static int os_log__open(const char *path, int *fd)
{
    struct stat file;

    do *fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    while (*fd < 0 && errno == EINTR);
    if (*fd < 0) return errno;
    if (fstat(*fd, &file) == 0 && !S_ISDIR(file.st_mode)) return 0;
    close(*fd);
    return EISDIR;
}

int os_log_open(const char *path)
{
    return os_log__open(path, &os_log__file);
}

int os_log_reopen(const char *path)
{
    int fd, os_error = os_log__open(path, &fd);

    if (os_error != 0) return os_error;
    if (dup3(fd, os_log__file, O_CLOEXEC) < 0) os_error = errno;
    close(fd);
    return os_error;
}

int os_log_write(int stream, const char *bytes, size_t length)
{
    (void)stream;
    return os_write(os_log__file, bytes, length);
}
