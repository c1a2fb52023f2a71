/* SPDX-License-Identifier: MIT */
/* linux_calls.c - the system calls that a message of a stream costs. */
#include "linux_calls.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sanitizers know what recv() and send() do with memory, but not what syscall() does. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LINUX_CALLS__SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || !defined(SYS_recvfrom) || !defined(SYS_sendto)
#define LINUX_CALLS__SANITIZED 1
#endif

#if defined(LINUX_CALLS__SANITIZED)

ssize_t linux_recv(int fd, void *bytes, size_t length)
{
    return recv(fd, bytes, length, 0);
}

ssize_t linux_send(int fd, const void *bytes, size_t length)
{
    return send(fd, bytes, length, MSG_NOSIGNAL);
}

#else

ssize_t linux_recv(int fd, void *bytes, size_t length)
{
    return syscall(SYS_recvfrom, fd, bytes, length, 0, NULL, NULL);
}

ssize_t linux_send(int fd, const void *bytes, size_t length)
{
    return syscall(SYS_sendto, fd, bytes, length, MSG_NOSIGNAL, NULL, 0);
}

#endif
