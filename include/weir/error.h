/* SPDX-License-Identifier: MIT */
/* error.h - errors as values: what failed, on what, why, and what to do about it.
 *
 * Functions that set something up return an enum weir_code and fill in a struct weir_error.
 * Functions on the data path never format text: they return only the code, and counters count the
 * failures. */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks the functions that the shared library exports; all others are hidden. */
#if defined(_WIN32) && defined(WEIR_SHARED) /* tidy: allow platform - how a DLL exports */
#if defined(WEIR_BUILDING)
#define WEIR_API __declspec(dllexport)
#else
#define WEIR_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#else
#define WEIR_API
#endif

/* Lets a compiler check the arguments of a function like printf(). */
#if defined(__clang__)
#define WEIR_PRINTF(format_at, values_at) __attribute__((format(printf, format_at, values_at)))
#elif defined(__GNUC__) /* printf of C17; plain `printf` means the system's own on Windows */
#define WEIR_PRINTF(format_at, values_at) __attribute__((format(gnu_printf, format_at, values_at)))
#else
#define WEIR_PRINTF(format_at, values_at)
#endif

/* Result of a call, the same on every system. Each function lists the codes it returns. Each cause
 * has its own code, so that the code alone tells a program how to react. Later versions add codes
 * at the end: treat an unknown code as a failure. */
enum weir_code {
    WEIR_OK,
    WEIR_INVALID,             /* an argument or setting that can never work */
    WEIR_UNSUPPORTED,         /* not available on this system, kernel or build */
    WEIR_DENIED,              /* the system denies it to this user */
    WEIR_ADDRESS_IN_USE,      /* another socket is bound to the address */
    WEIR_ADDRESS_UNAVAILABLE, /* no interface of this machine has the address */
    WEIR_NO_MEMORY,           /* out of memory, or of memory that may be locked */
    WEIR_NO_FILES,            /* out of file descriptors or handles */
    WEIR_NO_BUFFERS,          /* the buffer pool is empty */
    WEIR_QUEUE_FULL,          /* the send queue is full */
    WEIR_REPLY_LIMIT,         /* UDP: a limit on replies to this peer is reached */
    WEIR_MAILBOX_FULL,        /* too many commands from other threads wait for the worker */
    WEIR_NO_ROOM,             /* a table or another bounded resource is exhausted */
    WEIR_RESET,               /* the peer reset the connection */
    WEIR_TIMED_OUT,           /* the system gave up on an unresponsive peer */
    WEIR_UNREACHABLE,         /* no route to the peer, or its name does not exist */
    WEIR_TOO_LARGE,           /* larger than the codec, queue or network allows */
    WEIR_CANCELLED,           /* the session, socket, worker or server is closing */
    WEIR_GONE,                /* the session, name, connector, listener or worker does not exist */
    WEIR_REFUSED,             /* nothing listens there: the peer's system refuses the connection */
    WEIR_SYSTEM,              /* any other system error: see weir_error.os_error */
    WEIR_NAME_TAKEN,          /* another session holds the name */
    WEIR_HANDSHAKE,           /* connected, but a filter (such as TLS) did not open */
    WEIR_CODES_COUNT
};

/* One failure, filled in by the function in which it occurred. The struct contains its strings. */
struct weir_error {
    enum weir_code code;
    int os_error;       /* errno or WSAGetLastError(); 0: the system reported no error */
    char operation[48]; /* "listen on" */
    char subject[96];   /* "tcp [::]:5050" */
    char reason[96];    /* a more specific text than weir_code_text(code); may be "" */
    char hint[160];     /* next step for a person: "see the owner with 'ss -ltnp'"; may be "" */
};

/* Returns the code as text, "address in use". Never null. Thread: any. */
WEIR_API const char *weir_code_text(enum weir_code code);

/* Writes the error as one line without a newline, "cannot listen on tcp [::]:5050: address in use
 * (EADDRINUSE); ...", cut to `size` bytes including the NUL. Returns `text`. Thread: any. */
WEIR_API char *weir_error_text(const struct weir_error *error, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
