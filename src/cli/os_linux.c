/* SPDX-License-Identifier: MIT */
/* os_linux.c - signals by signalfd, the limit on open files, shared objects. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "os.h"
#include "os_stream.h"

/* Blocks of this size cost a system call each, which is little beside receiving as many bytes. */
#define OS__LARGE_BYTES (512 * 1024)

static bool os__has_terminal; /* stdin is one: a hang-up ends the program */
static int os__signals = -1;  /* SIGHUP, SIGINT, SIGTERM, SIGUSR1 */
static int os__posted = -1;   /* eventfd */
static int os__ended = -1;    /* eventfd */

/* The parent process might have closed stdin, stdout or stderr. Without this, the next descriptor
 * opened would take that number, and output would go into a signalfd or a client's socket. Reading
 * and writing a descriptor of O_PATH fails with EBADF, like the closed one; /dev can be missing. */
void os_open_streams(void)
{
    int fd;

    do fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) close(fd);
    /* A reader that has ended, or a limit on the size of files, is an error of the write. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

bool os_renounce_privileges(int *os_error, const char **name)
{
    bool good = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;

    *os_error = good ? 0 : errno;
    *name = strerrorname_np(*os_error);
    return good;
}

const char *os_hint(int os_error)
{
    switch (os_error) {
    case EMFILE: return "raise the limit on open files with 'ulimit -n'";
    case ENFILE: return "close programs, or raise the system's limit: sysctl fs.file-max";
    case EPERM:
    case EACCES:
        return "a policy forbids it: seccomp, SELinux, AppArmor or the container's profile; allow "
               "it there";
    default: return "";
    }
}

/* Fills in the error of a failed operation, and returns false. */
static bool os__fail(const char *operation, int os_error, const char *hint,
                     struct weir_error *error)
{
    *error = (struct weir_error){.code = WEIR_SYSTEM, .os_error = os_error};
    if (os_error == EMFILE || os_error == ENFILE) error->code = WEIR_NO_FILES;
    if (os_error == EPERM || os_error == EACCES) error->code = WEIR_DENIED;
    snprintf(error->operation, sizeof error->operation, "%s", operation);
    snprintf(error->hint, sizeof error->hint, "%s", hint);
    return false;
}

bool os_start(struct weir_error *error)
{
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGHUP);
    os__has_terminal = isatty(STDIN_FILENO);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGUSR1);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    os__signals = signalfd(-1, &stop, SFD_CLOEXEC);
    if (os__signals >= 0) os__posted = eventfd(0, EFD_CLOEXEC);
    if (os__posted >= 0) os__ended = eventfd(0, EFD_CLOEXEC);
    if (os__ended >= 0) return true;
    return os__fail("receive signals", errno, os_hint(errno), error);
}

/* Takes what was posted to an eventfd that poll() found. */
static bool os__take(const struct pollfd *watched)
{
    uint64_t count;

    return watched->revents && read(watched->fd, &count, sizeof count) == sizeof count;
}

/* Takes a signal that poll() found. Returns false if there is none. */
static bool os__take_signal(const struct pollfd *watched, enum os_event *event)
{
    struct signalfd_siginfo taken;

    if (!watched->revents || read(watched->fd, &taken, sizeof taken) != sizeof taken) return false;
    *event = taken.ssi_signo == SIGHUP    ? (os__has_terminal ? OS_STOP : OS_RELOAD)
             : taken.ssi_signo == SIGUSR1 ? OS_REOPEN
                                          : OS_STOP;
    return true;
}

enum os_event os_wait(uint32_t timeout_ms)
{
    struct pollfd watched[3] = {{.fd = os__signals, .events = POLLIN},
                                {.fd = os__posted, .events = POLLIN},
                                {.fd = os__ended, .events = POLLIN}};
    enum os_event event;
    int timeout = timeout_ms == 0 ? -1 : timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;

    for (;;) {
        int found = poll(watched, 3, timeout);
        if (found < 0) continue; /* EINTR */
        if (found == 0) return OS_TIME;
        if (os__take_signal(&watched[0], &event)) return event;
        if (os__take(&watched[1])) return OS_POSTED;
        if (os__take(&watched[2])) return OS_ENDED;
    }
}

static void os__post(int eventfd)
{
    const uint64_t one = 1;

    while (write(eventfd, &one, sizeof one) < 0 && errno == EINTR) continue;
}

void os_post(void)
{
    os__post(os__posted);
}

void os_post_ended(void)
{
    os__post(os__ended);
}

void os_return_memory(void)
{
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, OS__LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, OS__LARGE_BYTES);
#endif
}

void os_carry_bytes(void) {} /* Linux converts nothing */

int os_redirect_input(const char *path)
{
    os_source source;
    int os_error = os_open_source(path, &source);
    struct stat file;

    if (os_error != 0) return os_error;
    if (fstat((int)source, &file) == 0 && S_ISDIR(file.st_mode)) os_error = EISDIR;
    if (os_error == 0 && dup2((int)source, STDIN_FILENO) < 0) os_error = errno;
    os_close_source(source);
    return os_error;
}

uint64_t os_raise_files_limit(uint64_t *before)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return *before = 0;
    *before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return *before;
    return limit.rlim_cur;
}

const void *os_load(const char *path, const char *name, char *why, size_t why_bytes)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const void *found = library ? dlsym(library, name) : NULL;

    if (found) return found;
    const char *reason = dlerror();
    snprintf(why, why_bytes, "%s", reason ? reason : "the object is null");
    return NULL;
}
