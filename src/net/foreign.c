/* SPDX-License-Identifier: MIT */
/* foreign.c - buffers that refer to memory that is not from a pool. foreign.h draws them. */
#include "foreign.h"

#include "check.h"
#include "memory.h"

/* Owner: its pieces, together. */
struct foreign {
    uint32_t left; /* pieces that have an owner */
    void (*release)(void *context);
    void *context;
    struct pool_buffer pieces[];
};

static uint32_t foreign__count(uint32_t piece_bytes, const struct net_bytes *range)
{
    weir_check(range->length > 0);
    return (range->length + piece_bytes - 1) / piece_bytes;
}

static void foreign__add_range(struct foreign *foreign, uint32_t piece_bytes,
                               const struct net_bytes *range)
{
    for (uint32_t at = 0; at < range->length; at += piece_bytes) {
        struct pool_buffer *piece = &foreign->pieces[foreign->left++];
        uint32_t left = range->length - at;

        piece->foreign = foreign;
        piece->owner = POOL_CALLER;
        piece->public_part.bytes = (uint8_t *)((uintptr_t)range->bytes + at); /* only read */
        piece->public_part.length = left < piece_bytes ? left : piece_bytes;
        piece->public_part.capacity = piece_bytes;
        /* Full: its bytes end where its capacity does. Nothing is stored before them. */
        piece->start = (uint8_t *)((uintptr_t)piece->public_part.bytes + piece->public_part.length -
                                   piece_bytes);
    }
}

struct net_buffer *foreign_open(uint32_t piece_bytes, const struct net_bytes *ranges,
                                uint32_t ranges_count, void (*release)(void *context),
                                void *context)
{
    uint32_t count = 0;

    weir_check(piece_bytes > 0);
    for (uint32_t i = 0; i < ranges_count; i++) count += foreign__count(piece_bytes, &ranges[i]);
    weir_check(count > 0);
    struct foreign *foreign = memory_alloc(sizeof *foreign + count * sizeof foreign->pieces[0]);
    if (!foreign) return NULL;
    foreign->release = release;
    foreign->context = context;
    for (uint32_t i = 0; i < ranges_count; i++)
        foreign__add_range(foreign, piece_bytes, &ranges[i]);
    weir_check(foreign->left == count);
    for (uint32_t i = 0; i + 1 < count; i++)
        foreign->pieces[i].public_part.next = &foreign->pieces[i + 1].public_part;
    return &foreign->pieces[0].public_part;
}

void foreign_give_back(struct pool_buffer *piece)
{
    struct foreign *foreign = piece->foreign;

    weir_check(foreign->left > 0);
    piece->owner = POOL_FREE;
    if (--foreign->left > 0) return;
    foreign->release(foreign->context);
    memory_free(foreign);
}
