/* SPDX-License-Identifier: MIT */
/* foreign.h - buffers that refer to memory that is not from a pool: bytes of the caller, to be sent
 * where they are.
 *
 *      foreign_open -> CALLER -- net_send --> SYSTEM -- released -.
 *                        '----------- net_give_back --------------'--> the last piece: release()
 *
 * Each piece is a buffer of its own. Its capacity is that of a pool's buffer, so that both cost the
 * same in flight, and it is full: nothing can be appended to it. The pieces are in one allocation,
 * which the last of them frees.
 */
#ifndef NET_FOREIGN_H
#define NET_FOREIGN_H

#include "pool.h"

/* Same as net_wrap(), with pieces of at most `piece_bytes`. */
struct net_buffer *foreign_open(uint32_t piece_bytes, const struct net_bytes *ranges,
                                uint32_t ranges_count, void (*release)(void *context),
                                void *context);

/* The piece has no owner any longer. */
void foreign_give_back(struct pool_buffer *piece);

#endif
