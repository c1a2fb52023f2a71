/* SPDX-License-Identifier: MIT */
/* rio_stream.h - connections over request queues. rio.c calls these functions for transport.h's
 * operations and for the steps of net_wait. Thread: the worker's. The rio_entry owns the socket,
 * the request queue and the buffers of the current net_send. */
#ifndef NET_WINDOWS_RIO_STREAM_H
#define NET_WINDOWS_RIO_STREAM_H

#include "rio_queue.h"

/* Gives the socket of the entry, which is connected, a request queue. Returns the os_error; the
 * socket stays with the entry. */
int rio_stream_attach(struct rio_net *system, struct rio_entry *entry);
enum weir_code rio_stream_adopt(struct rio_net *system, struct rio_entry *entry, win_socket socket,
                                struct weir_error *error);
void rio_stream_receive(struct rio_net *system, struct rio_entry *entry, bool on);
void rio_stream_send(struct rio_net *system, struct rio_entry *entry,
                     struct net_buffer *const *buffers, uint32_t count);
/* Sends FIN when all posted bytes are released. */
void rio_stream_finish(struct rio_entry *entry);
/* Prepares the end of a connection whose completions never arrive. */
void rio_stream_abandon(struct rio_entry *entry);
struct net_progress rio_stream_progress(const struct rio_entry *entry);
void rio_stream_close(struct rio_net *system, struct rio_entry *entry);

/* Posts the handle's pending requests and commits them. net_wait calls it before it blocks. */
void rio_stream_commit(struct rio_net *system, struct rio_entry *entry);
/* Handles a completion. The event list must have room. */
void rio_stream_complete(struct rio_net *system, const struct rio_completion *completion);

#endif
