/* SPDX-License-Identifier: MIT */
/* questions_table.h - lets the questions of `weir selftest` run without Registered I/O: the
 * compiler includes this file before os_desk_windows.c, and it redirects the two calls that reach
 * RIO.
 *
 * The table is that of weir's emulation. Its overlapped calls complete on the port that the
 * completion queue notifies; a dequeue and a wait for a packet hand these packets to the emulation
 * first.
 */
#ifndef WINDOWS_QUESTIONS_TABLE_H
#define WINDOWS_QUESTIONS_TABLE_H

#include <winsock2.h>
#include <windows.h>

#include <stdbool.h>

#include "rio_table.h"

/* Replace WSAIoctl() and GetQueuedCompletionStatus(), see questions_stand_in.c. */
int questions_ioctl(SOCKET any, DWORD code, void *in, DWORD in_bytes, void *out, DWORD out_bytes,
                    DWORD *bytes, void *overlapped, void *routine);
BOOL questions_await_packet(HANDLE port, DWORD *bytes, ULONG_PTR *key, OVERLAPPED **overlapped,
                            DWORD wait_ms);

#define WSAIoctl questions_ioctl
#define GetQueuedCompletionStatus questions_await_packet

#endif
