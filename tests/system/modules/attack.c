/* SPDX-License-Identifier: MIT */
/* attack.c - a module that does what an attacker does after taking over a handler, on request of a
 * client: it opens files, starts programs and makes rings. It answers "done" or the error. For
 * test_sandbox.py. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/weir.h>

static int attack__open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0) close(fd);
    return fd < 0 ? errno : 0;
}

static int attack__spawn(const char *path)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)"exit 0", NULL};
    pid_t child;
    int os_error = posix_spawn(&child, path, NULL, NULL, arguments, NULL);

    if (os_error == 0) waitpid(child, NULL, 0);
    return os_error;
}

/* Replaces this process, unless that is forbidden. */
static int attack__execute(const char *path)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)"exit 0", NULL};

    execve(path, arguments, NULL);
    return errno;
}

static int attack__ring(void)
{
    unsigned char parameters[512] = {0};
    long fd = syscall(SYS_io_uring_setup, 1, parameters);

    if (fd >= 0) close((int)fd);
    return fd < 0 ? errno : 0;
}

static void *attack__run(void *argument)
{
    return argument;
}

static int attack__thread(void)
{
    pthread_t thread;
    int os_error = pthread_create(&thread, NULL, attack__run, NULL);

    if (os_error == 0) pthread_join(thread, NULL);
    return os_error;
}

static int attack__look_up(const char *name)
{
    struct addrinfo *found;
    int code = getaddrinfo(name, "80", NULL, &found);

    if (code == 0) freeaddrinfo(found);
    return code == 0 ? 0 : EHOSTUNREACH;
}

/* Carries out "VERB ARGUMENT". Returns an error number; 0: it worked. */
static int attack__do(const char *verb, const char *argument)
{
    if (strcmp(verb, "read") == 0) return attack__open(argument, O_RDONLY);
    if (strcmp(verb, "write") == 0) return attack__open(argument, O_WRONLY | O_CREAT);
    if (strcmp(verb, "spawn") == 0) return attack__spawn(argument);
    if (strcmp(verb, "execute") == 0) return attack__execute(argument);
    if (strcmp(verb, "ring") == 0) return attack__ring();
    if (strcmp(verb, "thread") == 0) return attack__thread();
    if (strcmp(verb, "resolve") == 0) return attack__look_up(argument);
    if (strcmp(verb, "root") == 0) return setuid(0) == 0 ? 0 : errno;
    if (strcmp(verb, "mount") == 0)
        return mount("none", argument, "tmpfs", 0, NULL) == 0 ? 0 : errno;
    return ENOSYS;
}

static void attack__on_message(struct weir_session *session, const struct weir_message *message)
{
    char text[512] = "", answer[64];
    char *argument;

    if (message->length < sizeof text) memcpy(text, message->bytes, message->length);
    argument = strchr(text, ' ');
    if (argument) *argument++ = '\0';
    int os_error = attack__do(text, argument ? argument : "");
    snprintf(answer, sizeof answer, "%s", os_error == 0 ? "done" : strerrorname_np(os_error));
    if (weir_session_send(session, answer, strlen(answer)) != WEIR_OK) weir_session_abort(session);
}

static const struct weir_handler handler = {
    .size = sizeof(struct weir_handler),
    .name = "attack",
    .summary = "does what an attacker would",
    .on_message = attack__on_message,
};

WEIR_MODULE(&handler, NULL);
