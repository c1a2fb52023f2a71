/* SPDX-License-Identifier: MIT */
/* heap.h - the memory of the admin server outside of its sessions. The layer does not see the
 * library's memory.h. */
#ifndef ADMIN_HEAP_H
#define ADMIN_HEAP_H

#include <stddef.h>

/* Returns `bytes` zeroed bytes, which the caller frees. Null: out of memory. */
void *heap_alloc(size_t bytes);

/* Returns a block of `bytes` bytes that begins with what `memory` (null: nothing) contains, and
 * frees `memory`. Null: out of memory; `memory` is unchanged. */
void *heap_resize(void *memory, size_t bytes);

/* Frees a block. Null is allowed. */
void heap_free(void *memory);

#endif
