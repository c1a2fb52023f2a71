/* SPDX-License-Identifier: MIT */
/* memory.c - the one door to the heap and to the system's pages. */
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#endif

static uint64_t memory__until_failure; /* 0: none is planned */
static int memory__fails_after;

static _Atomic uint64_t memory__allocations_count;

uint64_t memory_allocations_count(void)
{
    return atomic_load(&memory__allocations_count);
}

static int memory__fails(void)
{
    atomic_fetch_add_explicit(&memory__allocations_count, 1, memory_order_relaxed);
    if (memory__until_failure == 0) return 0;
    if (memory__until_failure > 1) {
        memory__until_failure--;
        return 0;
    }
    if (!memory__fails_after) memory__until_failure = 0;
    return 1;
}

void memory_fail_nth(uint64_t n, int and_after)
{
    memory__until_failure = n;
    memory__fails_after = and_after;
}

void *memory_alloc(size_t bytes)
{
    return memory__fails() ? NULL : calloc(1, bytes);
}

void *memory_alloc_array(size_t count, size_t bytes)
{
    return memory__fails() ? NULL : calloc(count, bytes);
}

void memory_free(void *memory)
{
    free(memory);
}

char *memory_copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = memory_alloc(bytes);

    if (copy) memcpy(copy, text, bytes);
    return copy;
}

#if defined(_WIN32)

void *memory_pages(size_t bytes)
{
    return memory__fails() ? NULL
                           : VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void memory_pages_free(void *pages, size_t bytes)
{
    (void)bytes;
    if (pages) VirtualFree(pages, 0, MEM_RELEASE);
}

#else

void *memory_pages(size_t bytes)
{
    if (memory__fails()) return NULL;
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void memory_pages_free(void *pages, size_t bytes)
{
    if (!pages) return;
    memory_unpoison(pages, bytes); /* the addresses may come back for something else */
    munmap(pages, bytes);
}

#endif
