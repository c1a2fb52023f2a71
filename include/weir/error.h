/* SPDX-License-Identifier: MIT */
/* error.h - errors as values: what failed, on what, why, and what to do about it.
 *
 * Calls that set something up return an enum weir_code and fill a struct weir_error. Calls on the
 * data path never format text: they hand out the code alone, and counters count it.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports; everything else stays inside. */
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

/* What went wrong, the same on every system. `os_error` beside it, where there is one, is the
 * system's own number. */
enum weir_code {
    WEIR_OK,
    WEIR_INVALID,             /* an argument or setting that can never work */
    WEIR_UNSUPPORTED,         /* this system, kernel or build does not have it */
    WEIR_DENIED,              /* the system forbids it to this user */
    WEIR_ADDRESS_IN_USE,      /* somebody else listens there */
    WEIR_ADDRESS_UNAVAILABLE, /* no interface of this machine has that address */
    WEIR_NO_MEMORY,           /* out of memory, or of memory that may be locked */
    WEIR_NO_FILES,            /* out of file descriptors or handles */
    WEIR_NO_BUFFERS,          /* the buffer pool is empty */
    WEIR_NO_ROOM,             /* a bounded queue or table is full */
    WEIR_RESET,               /* the peer ended the connection abruptly */
    WEIR_TIMED_OUT,           /* the network gave up on the peer */
    WEIR_UNREACHABLE,         /* no way to the peer */
    WEIR_TOO_LARGE,           /* a datagram longer than can be sent or was made room for */
    WEIR_CANCELLED,           /* ended by our own close */
    WEIR_GONE,                /* there is no session of that id, or not any more */
    WEIR_SYSTEM,              /* anything else: os_error says what */
    WEIR_CODES_COUNT
};

/* One failure, told at the place where it happened. The strings are owned by the struct. */
struct weir_error {
    enum weir_code code;
    int os_error;       /* errno or WSAGetLastError(); 0: not the system's doing */
    char operation[48]; /* "listen on" */
    char subject[96];   /* "tcp [::]:5050" */
    char reason[96];    /* used where the code alone would not say enough */
    char hint[160];     /* what to do: "see who has it with 'ss -ltnp'" */
};

/* The code in words, "address in use". Never null; any thread. */
WEIR_API const char *weir_code_text(enum weir_code code);

/* Writes the error as one line without a line end, "cannot listen on tcp [::]:5050: address in use
 * (EADDRINUSE); ...", cut to `size` bytes with its terminator. Returns `text`. Any thread. */
WEIR_API char *weir_error_text(const struct weir_error *error, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
