/* SPDX-License-Identifier: MIT */
/* count.c - a library to preload, which counts the memory that a program holds: the blocks of its
 * heap with their headers, and its anonymous pages. The count is in a file that IDLE_MEMORY_FILE
 * names, and that another program can read at any time.
 *
 * Pages count from mmap() to munmap(), whether they were used or not. Memory that libraries take by
 * system calls of their own is not counted: the heap's pages, the rings of liburing.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_HEADER_BYTES sizeof(size_t)

/* Exported, although the build hides symbols by default. */
#define PRELOADED __attribute__((visibility("default")))

/* glibc's own names, which the functions below stand in front of. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *memory);

static _Atomic int64_t unnamed_bytes; /* the count while there is no file */
static _Atomic int64_t *held_bytes = &unnamed_bytes;

static void *counted(void *memory)
{
    if (memory)
        atomic_fetch_add_explicit(held_bytes,
                                  (int64_t)(malloc_usable_size(memory) + BLOCK_HEADER_BYTES),
                                  memory_order_relaxed);
    return memory;
}

static void uncount(void *memory)
{
    if (memory)
        atomic_fetch_sub_explicit(held_bytes,
                                  (int64_t)(malloc_usable_size(memory) + BLOCK_HEADER_BYTES),
                                  memory_order_relaxed);
}

PRELOADED void *malloc(size_t bytes)
{
    return counted(__libc_malloc(bytes));
}

PRELOADED void *calloc(size_t count, size_t bytes)
{
    return counted(__libc_calloc(count, bytes));
}

PRELOADED void free(void *memory)
{
    uncount(memory);
    __libc_free(memory);
}

PRELOADED void *realloc(void *memory, size_t bytes)
{
    int64_t before = memory ? (int64_t)(malloc_usable_size(memory) + BLOCK_HEADER_BYTES) : 0;
    void *moved = __libc_realloc(memory, bytes);

    if (!moved && bytes > 0) return NULL; /* the old block stays */
    atomic_fetch_sub_explicit(held_bytes, before, memory_order_relaxed);
    return counted(moved);
}

PRELOADED void *memalign(size_t alignment, size_t bytes)
{
    return counted(__libc_memalign(alignment, bytes));
}

PRELOADED void *aligned_alloc(size_t alignment, size_t bytes)
{
    return counted(__libc_memalign(alignment, bytes));
}

PRELOADED int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    *memory = counted(__libc_memalign(alignment, bytes));
    return *memory ? 0 : ENOMEM;
}

PRELOADED void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    long pages = syscall(SYS_mmap, address, bytes, protection, flags, file, offset);

    if (pages != -1 && (flags & MAP_ANONYMOUS))
        atomic_fetch_add_explicit(held_bytes, (int64_t)bytes, memory_order_relaxed);
    return (void *)pages;
}

/* The program unmaps only pages that it counted: see the opening comment. */
PRELOADED int munmap(void *pages, size_t bytes)
{
    atomic_fetch_sub_explicit(held_bytes, (int64_t)bytes, memory_order_relaxed);
    return (int)syscall(SYS_munmap, pages, bytes);
}

__attribute__((constructor)) static void open_count(void)
{
    const char *path = getenv("IDLE_MEMORY_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (file < 0) return;
    long page =
        syscall(SYS_mmap, NULL, sizeof *held_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L);
    close(file);
    if (page == -1) return;
    atomic_store((_Atomic int64_t *)page, atomic_load(&unnamed_bytes));
    held_bytes = (_Atomic int64_t *)page;
}
