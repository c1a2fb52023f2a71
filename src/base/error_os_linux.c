/* SPDX-License-Identifier: MIT */
/* error_os_linux.c - names of errno values, and their portable codes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error_fill.h"

const char *error_os_name(int os_error, char *text, size_t size)
{
    const char *name = strerrorname_np(os_error);

    if (name) return name;
    snprintf(text, size, "errno %d", os_error);
    return text;
}

enum weir_code error_code_of_os(int os_error)
{
    switch (os_error) {
    case 0: return WEIR_OK;
    case EINVAL: return WEIR_INVALID;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT: return WEIR_UNSUPPORTED;
    case EPERM:
    case EACCES: return WEIR_DENIED;
    case EADDRINUSE: return WEIR_ADDRESS_IN_USE;
    case EADDRNOTAVAIL: return WEIR_ADDRESS_UNAVAILABLE;
    case ENOMEM: return WEIR_NO_MEMORY;
    case EMFILE:
    case ENFILE: return WEIR_NO_FILES;
    case ENOBUFS: return WEIR_NO_BUFFERS;
    case ENOSPC: return WEIR_NO_ROOM;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
    case ENOTCONN: return WEIR_RESET;
    case ETIMEDOUT: return WEIR_TIMED_OUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN: return WEIR_UNREACHABLE;
    case ECONNREFUSED: return WEIR_REFUSED;
    case EMSGSIZE: return WEIR_TOO_LARGE;
    case ECANCELED: return WEIR_CANCELLED;
    default: return WEIR_SYSTEM;
    }
}

const char *error_os_hint(int os_error)
{
    switch (os_error) {
    case EMFILE: return "raise the limit on open files with 'ulimit -n'";
    case ENFILE: return "close programs, or raise the system's limit: sysctl fs.file-max";
    case ENOMEM:
    case ENOBUFS: return "free some memory";
    case EPERM:
    case EACCES:
        return "a policy forbids it: seccomp, SELinux, AppArmor or the container's profile; allow "
               "it there";
    case EAGAIN: return "raise the limit on threads with 'ulimit -u', or of the container (pids)";
    default: return "";
    }
}
