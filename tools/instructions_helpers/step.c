/* SPDX-License-Identifier: MIT */
/* step.c - counts the instructions that a running process executes in user space, by
 * single-stepping all of its threads. It works where valgrind does not: valgrind does not know
 * io_uring.
 *
 *   step PID COUNT_FILE           counts instructions
 *   step PID COUNT_FILE calls     counts system calls
 *
 * COUNT_FILE is created and holds one uint64_t in the byte order of the machine: the instructions,
 * or system calls, so far. The reader maps the file; the number stands still while all threads are
 * blocked. The program prints "stepping" once it has seized every thread, and runs until the
 * process ends. A process that outlives this program is in an undefined state: kill the process
 * first.
 *
 *   seize + interrupt every thread -> [ wait for a stop -> count it if it was a step -> step ] ...
 *
 * A system call stops its thread twice, and is counted when it returns: a thread that waits in one
 * while the count begins has it counted. Without it, the call that a thread waits in would be one
 * of the next message.
 *
 * Exit code: 0 the process ended, 1 a call failed, 77 the system forbids tracing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
        if (ptrace(PTRACE_SEIZE, thread, NULL, PTRACE_O_TRACESYSGOOD) != 0)
            fail("ptrace(PTRACE_SEIZE)");
        if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0) fail("ptrace(PTRACE_INTERRUPT)");
    }
    closedir(folder);
}

/* How a stopped thread goes on: PTRACE_SINGLESTEP, or PTRACE_SYSCALL. */
static enum __ptrace_request step_request = PTRACE_SINGLESTEP;

#define STEP_CALL (SIGTRAP | 0x80) /* the signal of a stop by PTRACE_SYSCALL */

/* Lets the stopped thread execute one more instruction, or run to the next system call. */
static void step_thread(int thread, int signal_number)
{
    /* ESRCH: the process was killed in the meantime; the next wait tells. */
    if (ptrace(step_request, thread, NULL, (long)signal_number) != 0 && errno != ESRCH)
        fail("ptrace(PTRACE_SINGLESTEP or PTRACE_SYSCALL)");
}

/* Whether the thread, stopped by PTRACE_SYSCALL, returns from a system call. */
static bool step_returns(int thread)
{
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return false;
    return info.op == PTRACE_SYSCALL_INFO_EXIT;
}

static void step_until_end(volatile uint64_t *count)
{
    int status, thread;

    while ((thread = waitpid(-1, &status, __WALL)) > 0) { /* tidy: allow identifier - waitpid(2) */
        if (!WIFSTOPPED(status)) continue;                /* this thread ended */
        bool is_event = status >> 16 != 0;
        bool is_call = WSTOPSIG(status) == STEP_CALL;
        if (is_event) {
            step_thread(thread, 0);
        } else if (is_call || WSTOPSIG(status) == SIGTRAP) {
            if (!is_call || step_returns(thread)) (*count)++;
            step_thread(thread, 0);
        } else {
            step_thread(thread, WSTOPSIG(status));
        }
    }
    if (errno != ECHILD) fail("waitpid");
}

int main(int argc, char **argv)
{
    int process = argc == 3 || argc == 4 ? read_number(argv[1]) : 0;

    if (process == 0 || (argc == 4 && strcmp(argv[3], "calls") != 0)) {
        fprintf(stderr, "usage: step PID COUNT_FILE [calls]\n");
        return 1;
    }
    if (argc == 4) step_request = PTRACE_SYSCALL;
    volatile uint64_t *count = map_count(argv[2]);
    seize_threads(process);
    puts("stepping");
    fflush(stdout);
    step_until_end(count);
    return 0;
}
