/* SPDX-License-Identifier: MIT */
/* os_child_linux.c - runs this program as a process of its own. It prints to a pipe, whose other
 * end closes when the process ends: poll() waits for both with a time limit. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os_child.h"

extern char **environ;

/* Starts the process. Returns 0 or the error number. */
static int os_child__start(const char *const arguments[4], int output_fd, pid_t *pid)
{
    const char *words[6] = {"weir"};
    posix_spawn_file_actions_t files;
    int error = posix_spawn_file_actions_init(&files);

    if (error != 0) return error;
    for (int i = 0; i < 4; i++) words[i + 1] = arguments[i];
    error = posix_spawn_file_actions_adddup2(&files, output_fd, STDOUT_FILENO);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&files, output_fd, STDERR_FILENO);
    if (error == 0)
        error =
            posix_spawn(pid, "/proc/self/exe", &files, NULL, (char *const *)(void *)words, environ);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static int64_t os_child__now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Passes on what the process prints, until it ends. Returns false at the time limit. */
static bool os_child__read(int fd, uint32_t limit_ms, os_child_take *take, void *context)
{
    int64_t end_ms = os_child__now_ms() + limit_ms;
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    char piece[4096];

    for (;;) {
        int64_t left_ms = end_ms - os_child__now_ms();
        if (left_ms <= 0) return false;
        if (poll(&watched, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms) <= 0) continue;
        ssize_t count = read(fd, piece, sizeof piece);
        if (count == 0) return true;
        if (count > 0) take(context, piece, (size_t)count);
    }
}

static enum os_child_end os_child__outcome(pid_t pid, bool ended, int *code)
{
    int status = 0;

    if (!ended) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    *code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    if (!ended) return OS_CHILD_STOOD_STILL;
    return WIFSIGNALED(status) ? OS_CHILD_CRASHED : OS_CHILD_ENDED;
}

enum os_child_end os_child_run(const char *const arguments[4], uint32_t limit_ms,
                               os_child_take *take, void *context, int *code)
{
    enum os_child_end end = OS_CHILD_NOT_STARTED;
    int ends[2];
    pid_t pid = 0;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        *code = errno;
        return OS_CHILD_NOT_STARTED;
    }
    *code = os_child__start(arguments, ends[1], &pid);
    close(ends[1]);
    if (*code == 0)
        end = os_child__outcome(pid, os_child__read(ends[0], limit_ms, take, context), code);
    close(ends[0]);
    return end;
}

char *os_child_system(char *text, size_t size)
{
    struct utsname name;

    if (uname(&name) == 0)
        snprintf(text, size, "%s %s %s", name.sysname, name.release, name.machine);
    else
        snprintf(text, size, "Linux");
    return text;
}
