/* SPDX-License-Identifier: MIT */
/* rio_stream.h - connections, as rio.c calls them: transport.h's operations, and the steps of a
 * wait. The worker's thread. */
#ifndef NET_WINDOWS_RIO_STREAM_H
#define NET_WINDOWS_RIO_STREAM_H

#include "rio_queue.h"

enum weir_code rio_stream_adopt(struct rio_net *system, struct rio_entry *entry, win_socket socket,
                                struct weir_error *error);
void rio_stream_receive(struct rio_net *system, struct rio_entry *entry, bool on);
void rio_stream_send(struct rio_net *system, struct rio_entry *entry,
                     struct net_buffer *const *buffers, uint32_t count);
void rio_stream_close(struct rio_net *system, struct rio_entry *entry);

/* Posts requests as far as it can and commits them; before the wait blocks. */
void rio_stream_commit(struct rio_net *system, struct rio_entry *entry);
/* Handles a completion. The event list must have room. */
void rio_stream_complete(struct rio_net *system, const struct rio_completion *completion);

#endif
