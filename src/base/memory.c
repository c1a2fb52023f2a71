/* SPDX-License-Identifier: MIT */
/* memory.c - the only calls of the library to the heap and to the system's pages. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "atomic.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#define MEMORY__CONSOLIDATED_BYTES 65536u

static _Atomic(memory_hook *) memory__hook; /* null except in tests */

void memory_set_hook(memory_hook *hook)
{
    atomic_store(&memory__hook, hook);
}

static bool memory__fails(void)
{
    memory_hook *hook = atomic_load_explicit(&memory__hook, memory_order_relaxed);

    return hook && !hook();
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

/* glibc's malloc_trim() leaves the end of every heap except the main one as it is, although joining
 * small free blocks can add much to it. free() of a block of 64 KiB or more returns the end of this
 * thread's heap (malloc/malloc.c: FASTBIN_CONSOLIDATION_THRESHOLD and heap_trim()). */
void memory_trim(void)
{
#if defined(__GLIBC__)
    malloc_trim(0);
    void *volatile block = malloc(MEMORY__CONSOLIDATED_BYTES); /* volatile: the pair stays */
    free(block);
#endif
}

#if defined(_WIN32)

void memory_pages_discard(void *pages, size_t bytes)
{
    (void)pages;
    (void)bytes;
}

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

void memory_pages_discard(void *pages, size_t bytes)
{
    madvise(pages, bytes, MADV_DONTNEED); /* if the system refuses, the pages keep their memory */
}

void *memory_pages(size_t bytes)
{
    if (memory__fails()) return NULL;
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return NULL;
    memory_pages_scanned(pages, bytes, true);
    return pages;
}

void memory_pages_free(void *pages, size_t bytes)
{
    if (!pages) return;
    memory_unpoison(pages, bytes); /* the system may reuse the addresses */
    memory_pages_scanned(pages, bytes, false);
    munmap(pages, bytes);
}

#endif
