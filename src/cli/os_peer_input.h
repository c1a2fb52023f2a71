/* SPDX-License-Identifier: MIT */
/* os_peer_input.h - stdin of `weir send` on Windows, where only a blocking read works for every
 * kind of stdin. A thread reads, and hands one piece over at a time. Windows only. */
#ifndef CLI_OS_PEER_INPUT_H
#define CLI_OS_PEER_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Starts the thread at the first call. Returns the event that is set while a piece, the end or an
 * error of the input waits. Null: the thread cannot be started; os_peer_input_take() then reports
 * that. */
void *os_peer_input_event(void);

/* Takes up to `size` bytes of the piece without waiting. *length is 0 if none waits, and at the end
 * of the input: then *ended is set. Returns 0, or the error number. */
int os_peer_input_take(void *bytes, size_t size, size_t *length, bool *ended);

#endif
