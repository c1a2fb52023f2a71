/* SPDX-License-Identifier: MIT */
/* os_sandbox.h - restricts this process, by Landlock and seccomp on Linux. os_sandbox_linux.c and
 * os_sandbox_calls_linux.c or os_sandbox_no_calls_linux.c are compiled, or os_sandbox_windows.c. */
#ifndef CLI_OS_SANDBOX_H
#define CLI_OS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

enum os_sandbox_access {
    OS_SANDBOX_READ,  /* a file, or everything in a folder */
    OS_SANDBOX_WRITE, /* and make, replace and remove files and sockets in a folder */
};

struct os_sandbox_path {
    const char *path; /* one that does not exist is passed over */
    enum os_sandbox_access access;
};

/* Forbids all files but these, and those that the C library and OpenSSL read, to this thread and
 * those that it starts; and the execution of every file. It cannot be undone. Returns false if the
 * system has no means; *error says why. */
bool os_sandbox_files(const struct os_sandbox_path *paths, size_t count, struct weir_error *error);

/* Forbids the system calls that no server makes, to all threads: starting programs, new rings of
 * io_uring, tracing, mounting and administration. They fail with EPERM. Returns false if the system
 * has no means, or weir was built without libseccomp; *error says why. */
bool os_sandbox_calls(struct weir_error *error);

/* Finds a user and its groups: "name", "name:group", or numbers. Call it before the files are
 * limited, which excludes the list of users. Returns false with *error. */
bool os_sandbox_find_user(const char *name, struct weir_error *error);

/* Changes all threads to the user that was found. Returns false with *error. */
bool os_sandbox_become_user(const char *name, struct weir_error *error);

/* Whether the process has all privileges: the user root. Windows: false. */
bool os_sandbox_is_root(void);

#endif
