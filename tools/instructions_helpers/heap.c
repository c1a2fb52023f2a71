/* SPDX-License-Identifier: MIT */
/* heap.c - a library to preload, which counts the calls of the heap: allocations and frees, of all
 * threads. INSTRUCTIONS_HEAP names the file that holds the count, one uint64_t in the byte order of
 * the machine. The functions of the C library do the work. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Exported, although the build hides symbols by default. */
#define PRELOADED __attribute__((visibility("default")))

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *memory);

static _Atomic uint64_t not_mapped;
static _Atomic uint64_t *calls = &not_mapped;

__attribute__((constructor)) static void heap__map(void)
{
    const char *path = getenv("INSTRUCTIONS_HEAP");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) calls = mapped;
    close(file);
}

static void heap__count(void)
{
    atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
}

PRELOADED void *malloc(size_t bytes)
{
    heap__count();
    return __libc_malloc(bytes);
}

PRELOADED void *calloc(size_t count, size_t bytes)
{
    heap__count();
    return __libc_calloc(count, bytes);
}

PRELOADED void *realloc(void *memory, size_t bytes)
{
    heap__count();
    return __libc_realloc(memory, bytes);
}

PRELOADED void *aligned_alloc(size_t alignment, size_t bytes)
{
    heap__count();
    return __libc_memalign(alignment, bytes);
}

PRELOADED void free(void *memory)
{
    heap__count();
    __libc_free(memory);
}
