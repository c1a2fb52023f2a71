/* SPDX-License-Identifier: MIT */
/* os_peer_input_windows.c - a thread that reads stdin.
 *
 *     stdin --os_input_read()--> piece --os_peer_input_take()--> main thread
 *
 * The piece belongs to the main thread while `full` is set, and otherwise to the thread, which
 * waits for `taken`. So at most one piece is read ahead. The thread ends with the input, or with
 * the process: a blocked read cannot be ended for every kind of stdin. */
#include "os_peer_input.h"

#include <windows.h>
#include <stdint.h>
#include <string.h>

#include "os_input.h"
#include "os_thread.h"

#define OS__PIECE_BYTES 65536

static struct {
    struct os_thread thread;
    HANDLE full, taken;
    bool is_started;
    size_t length, used; /* of the piece */
    int error;           /* of the read that gave no piece; 0: the end */
    uint8_t bytes[OS__PIECE_BYTES];
} os__piece;

static void os__read(void *argument)
{
    (void)argument;
    do {
        os__piece.used = 0;
        os__piece.length = os_input_read(os__piece.bytes, OS__PIECE_BYTES, &os__piece.error);
        SetEvent(os__piece.full);
        WaitForSingleObject(os__piece.taken, INFINITE); /* at the end of the input: never set */
    } while (true);
}

void *os_peer_input_event(void)
{
    if (os__piece.is_started) return os__piece.full;
    if (!os__piece.full) os__piece.full = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!os__piece.taken) os__piece.taken = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (!os__piece.full || !os__piece.taken) return NULL;
    os__piece.thread = (struct os_thread){.run = os__read};
    os__piece.is_started = os_thread_start(&os__piece.thread);
    return os__piece.is_started ? os__piece.full : NULL;
}

int os_peer_input_take(void *bytes, size_t size, size_t *length, bool *ended)
{
    *length = 0;
    *ended = false;
    if (!os__piece.is_started) return ERROR_NO_SYSTEM_RESOURCES;
    if (WaitForSingleObject(os__piece.full, 0) != WAIT_OBJECT_0) return 0;
    size_t left = os__piece.length - os__piece.used;
    *ended = left == 0;
    if (left == 0) return os__piece.error;
    *length = left < size ? left : size;
    memcpy(bytes, os__piece.bytes + os__piece.used, *length);
    os__piece.used += *length;
    if (*length < left) return 0;
    ResetEvent(os__piece.full);
    SetEvent(os__piece.taken);
    return 0;
}
