/* SPDX-License-Identifier: MIT */
/* os_trial_linux.c - fork() and waitpid(), shared memory, and the files of a folder. */
#include "os_trial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void os_trial__silence(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (null < 0) return;
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    close(null);
}

/* The limits of the child: no core file, and processor time. */
static void os_trial__limit(uint32_t limit_ms)
{
    struct rlimit none = {0, 0};
    struct itimerval timer = {
        .it_value = {.tv_sec = limit_ms / 1000, .tv_usec = (suseconds_t)(limit_ms % 1000 * 1000)}};

    setrlimit(RLIMIT_CORE, &none);
    setitimer(ITIMER_PROF, &timer, NULL); /* SIGPROF ends the process */
}

bool os_trial_run(void (*run)(void *argument), void *argument, bool quiet, uint32_t limit_ms,
                  char *how, size_t how_bytes)
{
    int status = 0;
    pid_t child = fork();

    if (child < 0) {
        snprintf(how, how_bytes, "no process could be started: %s", strerrordesc_np(errno));
        return false;
    }
    if (child == 0) {
        os_trial__limit(limit_ms);
        if (quiet) os_trial__silence();
        run(argument);
        _exit(0); /* tidy: allow exit - the end of the copy */
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (WIFEXITED(status))
        snprintf(how, how_bytes, "the process ended with exit code %d", WEXITSTATUS(status));
    else if (WTERMSIG(status) == SIGPROF)
        snprintf(how, how_bytes, "it used more than %u ms of processor time", limit_ms);
    else
        snprintf(how, how_bytes, "the process was ended by SIG%s (%s)",
                 sigabbrev_np(WTERMSIG(status)), sigdescr_np(WTERMSIG(status)));
    return false;
}

void *os_trial_shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static int os_trial__compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool os_trial__is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

char **os_trial_list(const char *folder, struct arena *arena, size_t *count, char *why,
                     size_t why_bytes)
{
    enum { FILES_MAX = 65536 };
    DIR *open_folder = opendir(folder);
    struct dirent *entry;

    *count = 0;
    if (!open_folder) {
        snprintf(why, why_bytes, "%s", strerrordesc_np(errno));
        return NULL;
    }
    char **paths = arena_alloc(arena, FILES_MAX * sizeof *paths);
    while (paths && *count < FILES_MAX && (entry = readdir(open_folder)) != NULL) {
        char *path = arena_format(arena, "%s/%s", folder, entry->d_name);
        if (path && os_trial__is_file(path)) paths[(*count)++] = path;
    }
    closedir(open_folder);
    if (paths)
        qsort(paths, *count, sizeof *paths, os_trial__compare);
    else
        snprintf(why, why_bytes, "out of memory");
    return paths;
}
