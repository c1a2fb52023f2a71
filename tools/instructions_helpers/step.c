/* SPDX-License-Identifier: MIT */
/* step.c - counts the instructions that a running process executes in user space, by
 * single-stepping all of its threads. It works where valgrind does not: valgrind does not know
 * io_uring.
 *
 *   step PID COUNT_FILE
 *
 * COUNT_FILE is created and holds one uint64_t in the byte order of the machine: the instructions
 * so far. The reader maps the file; the number stands still while all threads are blocked. The
 * program prints "stepping" once it has seized every thread, and runs until the process ends. A
 * process that outlives this program is in an undefined state: kill the process first.
 *
 *   seize + interrupt every thread -> [ wait for a stop -> count it if it was a step -> step ] ...
 *
 * Exit code: 0 the process ended, 1 a call failed, 77 the system forbids tracing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77

/* Prints the failed call with the reason and ends the program. */
static void fail(const char *what)
{
    int code = errno == EPERM ? EXIT_SKIPPED : 1;

    perror(what);
    exit(code);
}

/* Reads a positive number that fits an int; returns 0 if the text is none. */
static int read_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    return *text != '\0' && *end == '\0' && number > 0 && number <= INT32_MAX ? (int)number : 0;
}

/* Returns the shared number; it lives until the program ends. */
static volatile uint64_t *map_count(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || ftruncate(file, sizeof(uint64_t)) != 0) fail(path);
    void *count = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (count == MAP_FAILED) fail("mmap");
    close(file);
    return count;
}

/* Seizes all threads of the process. The caller waits until the process is idle, so no thread
 * starts another one meanwhile. */
static void seize_threads(int process)
{
    char path[64];
    const struct dirent *entry;

    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *folder = opendir(path);
    if (!folder) fail(path);
    while ((entry = readdir(folder)) != NULL) {
        int thread = read_number(entry->d_name);
        if (thread == 0) continue; /* "." and ".." */
        if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0) fail("ptrace(PTRACE_SEIZE)");
        if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0) fail("ptrace(PTRACE_INTERRUPT)");
    }
    closedir(folder);
}

/* Lets the stopped thread execute one more instruction. */
static void step_thread(int thread, int signal_number)
{
    /* ESRCH: the process was killed in the meantime; the next wait tells. */
    if (ptrace(PTRACE_SINGLESTEP, thread, NULL, (long)signal_number) != 0 && errno != ESRCH)
        fail("ptrace(PTRACE_SINGLESTEP)");
}

static void step_until_end(volatile uint64_t *count)
{
    int status, thread;

    while ((thread = waitpid(-1, &status, __WALL)) > 0) { /* tidy: allow identifier - waitpid(2) */
        if (!WIFSTOPPED(status)) continue;                /* this thread ended */
        bool is_event = status >> 16 != 0;
        if (is_event)
            step_thread(thread, 0);
        else if (WSTOPSIG(status) != SIGTRAP)
            step_thread(thread, WSTOPSIG(status));
        else {
            (*count)++;
            step_thread(thread, 0);
        }
    }
    if (errno != ECHILD) fail("waitpid");
}

int main(int argc, char **argv)
{
    int process = argc == 3 ? read_number(argv[1]) : 0;

    if (process == 0) {
        fprintf(stderr, "usage: step PID COUNT_FILE\n");
        return 1;
    }
    volatile uint64_t *count = map_count(argv[2]);
    seize_threads(process);
    puts("stepping");
    fflush(stdout);
    step_until_end(count);
    return 0;
}
