/* SPDX-License-Identifier: MIT */
/* os_target_linux.c - finds and writes output files on Linux. */
#include "os_target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OS_TARGET__LINKS_MAX 40 /* as the kernel */
#define OS_TARGET__NAMES_MAX 100
#define OS_TARGET__PERMISSIONS 0666 /* less the umask */
#define OS_TARGET__PAUSE_MS 20
#define OS_TARGET__FLAGS (O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* ---- open streams ---- */

/* Returns the number of the open stream that the path names; -1: none. The kernel cannot be asked:
 * it would open a file at its beginning, and without /proc it knows none of these names. */
static int os_target__stream(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

    if (strcmp(path, "/dev/stdout") == 0) return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0) return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t length = strlen(folders[i]), digits = strspn(path + length, "0123456789");
        if (strncmp(path, folders[i], length) != 0) continue;
        if (digits > 0 && digits < 8 && path[length + digits] == '\0')
            return (int)strtol(path + length, NULL, 10);
    }
    return -1;
}

/* Duplicates a stream that was open when the program started. */
static int os_target__adopt(struct os_target *target, int stream)
{
    int flags = fcntl(stream, F_GETFD);

    /* All descriptors of the program itself are closed by exec(). */
    if (flags < 0 || (flags & FD_CLOEXEC)) return EBADF;
    target->way = OS_TARGET_DIRECT;
    target->handle = fcntl(stream, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return target->handle < 0 ? errno : 0;
}

/* ---- finding ---- */

/* Returns the length of the folder in the path, with its slash. */
static size_t os_target__folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash + 1 - path) : 0;
}

/* Returns whether a symlink may be followed. The kernel has the same rule for open(): in a folder
 * that every user can write to, only the links of this user, or of the folder's owner. */
static bool os_target__is_trusted(const char *path, const struct stat *link)
{
    char folder[PATH_MAX];
    struct stat found;
    size_t length = os_target__folder(path);

    snprintf(folder, sizeof folder, "%.*s", length > 0 ? (int)length : 1, length > 0 ? path : ".");
    if (stat(folder, &found) != 0) return false;
    return (found.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) ||
           link->st_uid == geteuid() || link->st_uid == found.st_uid;
}

/* Replaces a link by its target. Everything is read through `fd`, so the link cannot be exchanged
 * meanwhile. */
static int os_target__read_link(int fd, const struct stat *link, char path[PATH_MAX])
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(fd, "", target, sizeof target);
    size_t folder = os_target__folder(path);

    if (length < 0) return errno;
    if (!os_target__is_trusted(path, link)) return EACCES;
    if (target[0] == '/') folder = 0;
    if (folder + (size_t)length >= PATH_MAX) return ENAMETOOLONG;
    memcpy(path + folder, target, (size_t)length);
    path[folder + (size_t)length] = '\0';
    return 0;
}

/* Looks at the path, and replaces it by its target if it is a symlink: then *is_link is set.
 * *found is what is there; its mode is 0: nothing. */
static int os_target__follow_once(char path[PATH_MAX], struct stat *found, bool *is_link)
{
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    *is_link = false;
    *found = (struct stat){.st_mode = 0};
    if (fd < 0) return errno == ENOENT ? 0 : errno;
    int os_error = fstat(fd, found) == 0 ? 0 : errno;
    *is_link = os_error == 0 && S_ISLNK(found->st_mode);
    if (*is_link) os_error = os_target__read_link(fd, found, path);
    close(fd);
    return os_error;
}

/* Follows the symlinks at the end of the path. */
static int os_target__follow(char path[PATH_MAX], struct stat *found)
{
    bool is_link = true;

    for (int links = 0; links <= OS_TARGET__LINKS_MAX; links++) {
        size_t length = strlen(path);
        if (length > 0 && path[length - 1] == '/') return EISDIR;
        int os_error = os_target__follow_once(path, found, &is_link);
        if (os_error != 0 || !is_link) return os_error;
    }
    return ELOOP;
}

/* Returns whether a standard stream is written to this file: replacing the file would lose it. */
static bool os_target__is_standard(const struct stat *found)
{
    struct stat stream;

    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (fstat(fd, &stream) == 0 && stream.st_dev == found->st_dev &&
            stream.st_ino == found->st_ino)
            return true;
    return false;
}

/* Decides how to write what is there, or is not yet. `resolved` is the path after symlinks. */
static int os_target__choose(struct os_target *target, const struct stat *found,
                             const char *resolved)
{
    if (S_ISDIR(found->st_mode)) return EISDIR;
    if (found->st_mode != 0 && !S_ISREG(found->st_mode)) {
        target->way = OS_TARGET_DIRECT;
        return 0;
    }
    if (found->st_mode != 0 && os_target__is_standard(found)) return EBUSY;
    target->permissions = found->st_mode & 0777;
    target->path = arena_copy(target->arena, resolved, strlen(resolved));
    return target->path ? 0 : ENOMEM;
}

int os_target_find(struct os_target *target, const char *path, struct arena *arena)
{
    char resolved[PATH_MAX];
    struct stat found;
    int stream = os_target__stream(path), os_error = 0;

    *target = (struct os_target){.path = path, .handle = -1, .arena = arena};
    if (stream >= 0) return os_target__adopt(target, stream);
    if (strlen(path) >= sizeof resolved) return ENAMETOOLONG;
    snprintf(resolved, sizeof resolved, "%s", path);
    /* The kernel follows links to what has no name, such as the pipe of another process. */
    if (stat(path, &found) != 0 || S_ISREG(found.st_mode))
        os_error = os_target__follow(resolved, &found);
    return os_error != 0 ? os_error : os_target__choose(target, &found, resolved);
}

/* ---- a file that is renamed ---- */

/* Makes a new file in the same folder. Returns its descriptor, or -1 with errno set. */
static int os_target__make(const struct os_target *target, char name[PATH_MAX])
{
    int folder = (int)os_target__folder(target->path), fd = -1;
    uint64_t chance = (uint64_t)getpid() << 32;

    for (int i = 0; i < OS_TARGET__NAMES_MAX && fd < 0; i++) {
        if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0) chance++;
        int length =
            snprintf(name, PATH_MAX, "%.*s.weir-%016" PRIx64, folder, target->path, chance);
        if (length >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = open(name, OS_TARGET__FLAGS | O_CREAT | O_EXCL, OS_TARGET__PERMISSIONS);
        if (fd < 0 && errno != EEXIST && errno != EINTR) break;
    }
    return fd;
}

/* Writes all bytes. Waits at most `patience_ms` for room. Other programs share whether a stream is
 * non-blocking, so this asks before each write, which is too short to block then. */
static int os_target__put(int fd, const char *bytes, size_t length, uint32_t patience_ms)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    int patience = patience_ms < INT_MAX ? (int)patience_ms : INT_MAX;

    while (length > 0) {
        int able = poll(&writable, 1, patience);
        if (able == 0) return ETIMEDOUT;
        ssize_t written = write(fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
        if (written < 0 && errno != EINTR && errno != EAGAIN) return errno;
        if (written < 0) continue;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

static int os_target__close_fd(int fd)
{
    return close(fd) == 0 || errno == EINTR ? 0 : errno;
}

static int os_target__write_renamed(const struct os_target *target, const char *bytes,
                                    size_t length)
{
    char name[PATH_MAX];
    int fd = os_target__make(target, name);

    if (fd < 0) return errno;
    int os_error = target->permissions == 0 || fchmod(fd, target->permissions) == 0 ? 0 : errno;
    if (os_error == 0) os_error = os_target__put(fd, bytes, length, 0);
    int close_error = os_target__close_fd(fd); /* a network file system reports a full disk here */
    if (os_error == 0) os_error = close_error;
    if (os_error == 0 && rename(name, target->path) != 0) os_error = errno;
    if (os_error != 0) unlink(name);
    return os_error;
}

/* ---- a file that stays ---- */

static int os_target__empty(struct os_target *target)
{
    struct stat found;
    int fd = open(target->path, OS_TARGET__FLAGS | O_TRUNC);

    if (fd < 0) return errno;
    target->way = OS_TARGET_IN_PLACE;
    target->handle = fd;
    return fstat(fd, &found) != 0 ? errno : S_ISREG(found.st_mode) ? 0 : EBUSY;
}

static int os_target__write_in_place(const struct os_target *target, const char *bytes,
                                     size_t length)
{
    int fd = (int)target->handle;
    int os_error = lseek(fd, 0, SEEK_SET) == 0 ? 0 : errno;

    if (os_error == 0) os_error = os_target__put(fd, bytes, length, 0);
    if (os_error != 0 && ftruncate(fd, 0) != 0) return errno;
    return os_error;
}

int os_target_clear(struct os_target *target, uint32_t patience_ms)
{
    char name[PATH_MAX];

    (void)patience_ms; /* no program can prevent it here */
    if (target->way != OS_TARGET_RENAMED) return 0;
    int unlink_error = unlink(target->path) == 0 || errno == ENOENT ? 0 : errno;
    if (unlink_error != 0) {
        /* The folder is not writable, or the file is a mount point, as in a container. */
        int os_error = os_target__empty(target);
        return os_error == ENOENT ? unlink_error : os_error; /* there is no file */
    }
    int fd = os_target__make(target, name);
    if (fd < 0) return errno;
    unlink(name);
    return os_target__close_fd(fd);
}

/* ---- devices, FIFOs and sockets ---- */

static bool os_target__is(const char *path, mode_t kind)
{
    struct stat found;

    return stat(path, &found) == 0 && (found.st_mode & S_IFMT) == kind;
}

/* Opens it. A FIFO that no program reads cannot be opened, so this tries again until `patience_ms`
 * have passed. Returns the descriptor, or -1 with errno set. */
static int os_target__open_direct(const char *path, uint32_t patience_ms)
{
    int fd, os_error;

    for (uint32_t waited_ms = 0;; waited_ms += OS_TARGET__PAUSE_MS) {
        fd = open(path, OS_TARGET__FLAGS & ~O_NOFOLLOW);
        os_error = errno;
        bool waits = fd < 0 && os_error == ENXIO && waited_ms < patience_ms;
        if (!waits || !os_target__is(path, S_IFIFO)) break;
        poll(NULL, 0, OS_TARGET__PAUSE_MS);
    }
    errno = os_error;
    return fd;
}

/* Connects to a stream socket. Returns the descriptor, or -1 with errno set. */
static int os_target__connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int os_error = ENAMETOOLONG;

    if (fd < 0) return -1;
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path));
        if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
        os_error = errno;
    }
    close(fd);
    errno = os_error;
    return -1;
}

static int os_target__write_direct(const struct os_target *target, const char *bytes, size_t length,
                                   uint32_t patience_ms)
{
    int fd = (int)target->handle;

    if (fd >= 0) return os_target__put(fd, bytes, length, patience_ms);
    fd = os_target__is(target->path, S_IFSOCK) ? os_target__connect(target->path)
                                               : os_target__open_direct(target->path, patience_ms);
    if (fd < 0) return errno;
    int os_error = os_target__put(fd, bytes, length, patience_ms);
    int close_error = os_target__close_fd(fd);
    return os_error != 0 ? os_error : close_error;
}

/* ---- all ---- */

int os_target_write(struct os_target *target, const char *bytes, size_t length,
                    uint32_t patience_ms)
{
    int os_error = 0;

    switch (target->way) {
    case OS_TARGET_RENAMED: os_error = os_target__write_renamed(target, bytes, length); break;
    case OS_TARGET_IN_PLACE: os_error = os_target__write_in_place(target, bytes, length); break;
    case OS_TARGET_DIRECT:
        os_error = os_target__write_direct(target, bytes, length, patience_ms);
        break;
    }
    target->is_written = os_error == 0;
    return os_error;
}

void os_target_discard(struct os_target *target)
{
    if (target->is_written && target->way == OS_TARGET_RENAMED) unlink(target->path);
    if (target->is_written && target->way == OS_TARGET_IN_PLACE &&
        ftruncate((int)target->handle, 0) != 0)
        target->is_written = false; /* nothing else can be done */
    /* Opening a FIFO and closing it again is the end of the input for its reader. */
    if (!target->is_written && target->way == OS_TARGET_DIRECT && target->handle < 0 &&
        os_target__is(target->path, S_IFIFO))
        target->handle = os_target__open_direct(target->path, 0);
    os_target_close(target);
}

void os_target_close(struct os_target *target)
{
    if (target->handle >= 0) close((int)target->handle);
    target->handle = -1;
}
