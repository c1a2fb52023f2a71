/* SPDX-License-Identifier: MIT */
/* linux_unix.c - opens Unix-domain listeners, and keeps their files in order.
 *
 *      bind -- in use --> the file of a socket that is closed?  yes: stale, removed, bind again
 *        |                                                      no:  WEIR_ADDRESS_IN_USE, untouched
 *        v
 *      listening -> closed: the file is removed if it is still the listener's own
 *
 * So that two processes that start together do not remove each other's new file, each locks the
 * folder (flock) from the test to its bind().
 *
 * Ownership: the listener's entry owns the struct linux_unix_file.
 */
#include "linux_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"

#define LINUX_UNIX__TRIES 3 /* of bind, while other processes remove and make files */
#define LINUX_UNIX__LOCK_TRIES 50
#define LINUX_UNIX__LOCK_PAUSE_MS 20
#define LINUX_UNIX__MODE_BITS 07777u

struct linux_unix_file {
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    dev_t device;
    ino_t inode;
};

/* ---- addresses and errors ---- */

socklen_t linux_unix_sockaddr(const char *path, struct sockaddr_un *sockaddr)
{
    size_t length = strlen(path);
    bool is_abstract = path[0] == '@';

    if (length == 0 || length >= sizeof sockaddr->sun_path) return 0;
    memset(sockaddr, 0, sizeof *sockaddr);
    sockaddr->sun_family = AF_UNIX;
    memcpy(sockaddr->sun_path, path, length);
    if (is_abstract) sockaddr->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (is_abstract ? 0 : 1));
}

enum weir_code linux_unix_fail(const char *operation, const char *path, int os_error,
                               const char *reason, const char *hint, struct weir_error *error)
{
    char subject[sizeof((struct weir_error *)NULL)->subject];
    enum weir_code code = error_code_of_os(os_error);

    snprintf(subject, sizeof subject, "unix:%s", path);
    if (os_error == ENAMETOOLONG) {
        code = WEIR_INVALID;
        reason = "a path has 1 to 107 bytes";
        hint = "take a shorter path";
    } else if (os_error == ENOENT) {
        reason = "its folder does not exist";
        hint = "make the folder first";
    }
    return error_fill(error, code, os_error, operation, subject, reason,
                      hint ? hint : error_os_hint(os_error));
}

/* ---- the lock of a folder ---- */

static int linux_unix__open_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)NULL)->sun_path];
    const char *slash = strrchr(path, '/');

    if (!slash) return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Returns a descriptor that holds the lock until it is closed; -1 if the folder cannot be opened or
 * is locked for long: then the listener opens without it. */
static int linux_unix__lock(const char *path)
{
    int folder = linux_unix__open_folder(path);

    for (int tries = 0; folder >= 0; tries++) {
        if (flock(folder, LOCK_EX | LOCK_NB) == 0 || tries == LINUX_UNIX__LOCK_TRIES) break;
        poll(NULL, 0, LINUX_UNIX__LOCK_PAUSE_MS);
    }
    return folder;
}

/* ---- binding ---- */

/* Returns whether the path is that of a socket which is closed, or of no file. */
static bool linux_unix__is_stale(const struct sockaddr_un *sockaddr, socklen_t length,
                                 const char **reason)
{
    struct stat found;

    *reason = "a listener has this path already";
    if (lstat(sockaddr->sun_path, &found) != 0) return errno == ENOENT;
    if (!S_ISSOCK(found.st_mode)) {
        *reason = "another kind of file has this path";
        return false;
    }
    /* Of another type than a listener, which therefore never notices it (EPROTOTYPE). */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    int os_error = connect(fd, (const struct sockaddr *)sockaddr, length) == 0 ? 0 : errno;
    close(fd);
    return os_error == ECONNREFUSED || os_error == ENOENT;
}

/* Binds; removes a stale file first. Returns the os_error. */
static int linux_unix__bind(int fd, const struct sockaddr_un *sockaddr, socklen_t length,
                            const char **reason)
{
    for (int tries = 0;; tries++) {
        if (bind(fd, (const struct sockaddr *)sockaddr, length) == 0) return 0;
        int os_error = errno;
        bool has_file = sockaddr->sun_path[0] != '\0';
        if (os_error != EADDRINUSE || !has_file || tries == LINUX_UNIX__TRIES) return os_error;
        if (!linux_unix__is_stale(sockaddr, length, reason)) return os_error;
        if (unlink(sockaddr->sun_path) != 0 && errno != ENOENT) return errno;
    }
}

/* Notes which file was made, and gives it its mode. Returns null with errno. */
static struct linux_unix_file *linux_unix__file(const char *path, uint32_t mode)
{
    struct stat made;
    struct linux_unix_file *file = memory_alloc(sizeof *file);

    if (!file) {
        errno = ENOMEM;
        return NULL;
    }
    snprintf(file->path, sizeof file->path, "%s", path);
    if (lstat(path, &made) == 0) {
        file->device = made.st_dev;
        file->inode = made.st_ino;
        /* The process's mask has taken bits away that the owner asks for. */
        bool differs = mode != 0 && (made.st_mode & LINUX_UNIX__MODE_BITS) != mode;
        if (!differs || chmod(path, mode) == 0) return file;
    }
    int os_error = errno;
    linux_unix_remove(file);
    errno = os_error;
    return NULL;
}

/* Binds the socket and listens. Returns the os_error. */
static int linux_unix__open(int fd, const struct net_listen_options *options,
                            struct linux_unix_file **file, const char **reason)
{
    struct sockaddr_un sockaddr;
    socklen_t length = linux_unix_sockaddr(options->unix_path, &sockaddr);

    if (length == 0) return ENAMETOOLONG;
    /* The file gets at most this mode, so that it never has a wider one for a moment. */
    if (options->unix_mode != 0 && fchmod(fd, options->unix_mode) != 0) return errno;
    int os_error = linux_unix__bind(fd, &sockaddr, length, reason);
    if (os_error != 0) return os_error;
    if (sockaddr.sun_path[0] != '\0') {
        *file = linux_unix__file(options->unix_path, options->unix_mode);
        if (!*file) return errno;
    }
    return listen(fd, (int)options->backlog) == 0 ? 0 : errno;
}

enum weir_code linux_unix_listen(const struct net_listen_options *options, bool nonblocking,
                                 int *fd, struct linux_unix_file **file, struct weir_error *error)
{
    const char *path = options->unix_path, *reason = NULL;
    int type = SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);

    weir_check(options->share == NET_SHARE_NOT);
    *file = NULL;
    *fd = socket(AF_UNIX, type, 0);
    if (*fd < 0) return linux_unix_fail("listen on", path, errno, NULL, NULL, error);
    int folder = path[0] == '@' ? -1 : linux_unix__lock(path);
    int os_error = linux_unix__open(*fd, options, file, &reason);
    if (folder >= 0) close(folder);
    if (os_error == 0) return WEIR_OK;
    linux_unix_remove(*file);
    close(*fd);
    return linux_unix_fail(
        "listen on", path, os_error, os_error == EADDRINUSE ? reason : NULL,
        os_error == EADDRINUSE ? "end the program that listens there, or take another path" : NULL,
        error);
}

void linux_unix_remove(struct linux_unix_file *file)
{
    struct stat found;

    if (!file) return;
    bool is_own = lstat(file->path, &found) == 0 && found.st_dev == file->device &&
                  found.st_ino == file->inode;
    if (is_own) unlink(file->path);
    memory_free(file);
}
