/* SPDX-License-Identifier: MIT */
/* rio_emulation_buffer.h - the emulation's registrations, and the system that it runs on. The files
 * below rio_emulation.c are private to it.
 *
 *      rio_emulation.c          the table and the provider; dispatches results and packets
 *      rio_emulation_queue.c    request queues: the states of a request
 *      rio_emulation_request.c  one request as an overlapped call, and its result
 *      rio_emulation_cq.c       completion queues: results and notifications
 *      rio_emulation_buffer.c   registrations
 *
 * A file calls only files below it. A registration references memory that the caller owns.
 */
#ifndef NET_WINDOWS_RIO_EMULATION_BUFFER_H
#define NET_WINDOWS_RIO_EMULATION_BUFFER_H

#include <stdbool.h>

#include "win_system.h"

/* Set once, before any other function of the emulation and before a second thread. */
extern const struct win_system *emulated_system;

/* Sets the calling thread's last error. Returns false. */
bool emulated_fail(int os_error);

rio_buffer_id RIO_CALL emulated_register(void *bytes, uint32_t length);
void RIO_CALL emulated_deregister(rio_buffer_id id);

/* Returns the memory of the piece, or null with the last error set if the piece is outside its
 * registration. */
uint8_t *emulated_slice(const struct rio_piece *piece);

#endif
