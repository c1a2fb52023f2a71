/* SPDX-License-Identifier: MIT */
/* heap.c - see heap.h. It is the layer's only file that calls the heap. */
#include "heap.h"

#include <stdlib.h>

void *heap_alloc(size_t bytes)
{
    return calloc(1, bytes); /* tidy: allow memory - the layer's only use of the heap */
}

void *heap_resize(void *memory, size_t bytes)
{
    return realloc(memory, bytes); /* tidy: allow memory - the layer's only use of the heap */
}

void heap_free(void *memory)
{
    free(memory); /* tidy: allow memory - the layer's only use of the heap */
}
