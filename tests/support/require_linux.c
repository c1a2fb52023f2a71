/* SPDX-License-Identifier: MIT */
/* require_linux.c - runs child processes, forked or executed, and checks how they end. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "require.h"
#include "require_child.h"

#define REQUIRE__CHILD_SECONDS 120 /* then SIGALRM ends it, and the test fails: it hangs */

static pthread_t require__main_thread;

void require_note_main_thread(void)
{
    require__main_thread = pthread_self();
}

bool require_on_main_thread(void)
{
    return pthread_equal(pthread_self(), require__main_thread) != 0;
}

/* Reads the child's output until EOF and waits for its exit. Returns its exit code, or 128 + n
 * after signal n. */
static int require__end_of(pid_t child, int fd, char *text, uint32_t text_bytes)
{
    uint32_t used = 0;
    ssize_t got;
    int status = 0;
    char rest[512];

    while ((got = read(fd, used + 1 < text_bytes ? text + used : rest,
                       used + 1 < text_bytes ? text_bytes - used - 1 : sizeof rest)) > 0)
        if (used + 1 < text_bytes) used += (uint32_t)got;
    text[used] = '\0';
    close(fd);
    require(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Forks; the child writes to a pipe whose reading side is *fd. Returns 0 in the child. */
static pid_t require__fork(int *fd)
{
    int ends[2];

    fflush(stdout);
    fflush(stderr);
    require(pipe(ends) == 0);
    pid_t child = fork();
    require(child >= 0);
    if (child != 0) {
        close(ends[1]);
        *fd = ends[0];
        return child;
    }
    require_become_child();
    signal(SIGALRM, SIG_DFL);
    alarm(REQUIRE__CHILD_SECONDS);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

void require_death_in(const char *test, void (*run)(void *argument), void *argument,
                      const char *rule)
{
    char text[4096];
    int fd = -1;
    pid_t child = require__fork(&fd);

    (void)test;
    if (child == 0) {
        run(argument);
        fprintf(stderr, "no check stopped it\n");
        _exit(4);
    }
    int code = require__end_of(child, fd, text, sizeof text);
    if (code != 128 + SIGABRT || !strstr(text, rule))
        require_failed(__FILE__, __LINE__,
                       "the child should have been stopped by \"%s\"; it ended with %d: %s", rule,
                       code, text);
}

int require_run(char *const arguments[], char *text, uint32_t text_bytes)
{
    int fd = -1;
    pid_t child = require__fork(&fd);

    if (child == 0) {
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    return require__end_of(child, fd, text, text_bytes);
}
