/* SPDX-License-Identifier: MIT */
/* memory.h - where all memory comes from: the heap, and whole pages. One door, so that tests can
 * make it fail. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory, or null when there is none. The caller frees it with memory_free(). Any thread. */
void *memory_alloc(size_t bytes);

/* Zeroed room for `count` things of `bytes` each; null when there is none or the product is too
 * large. */
void *memory_alloc_array(size_t count, size_t bytes);

/* Null is allowed. */
void memory_free(void *memory);

/* A copy of the string, freed with memory_free(); null when there is no memory. */
char *memory_copy_text(const char *text);

/* Whole zeroed pages straight from the system, page-aligned; null when there are none. Pages never
 * touched cost nothing. Freed with memory_pages_free() and the same size. */
void *memory_pages(size_t bytes);
void memory_pages_free(void *pages, size_t bytes);

/* For tests: how often memory_alloc and memory_alloc_array were called. Any thread. */
uint64_t memory_allocations_count(void);

/* For tests: makes the n-th allocation from now (1: the next) fail, and all later ones too when
 * `and_after` is not 0; n = 0 ends it. Not for use while other threads allocate. */
void memory_fail_nth(uint64_t n, int and_after);

/* Address sanitizer's view of memory that its owner must not touch: poisoned while the pool or the
 * system has it. Without the sanitizer these are nothing. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(MEMORY_ASAN)
#define MEMORY_ASAN 1
#endif
#if defined(MEMORY_ASAN)
#include <sanitizer/asan_interface.h>
#define memory_poison(bytes, size) ASAN_POISON_MEMORY_REGION(bytes, size)
#define memory_unpoison(bytes, size) ASAN_UNPOISON_MEMORY_REGION(bytes, size)
#else
#define memory_poison(bytes, size) ((void)(bytes), (void)(size))
#define memory_unpoison(bytes, size) ((void)(bytes), (void)(size))
#endif

#endif
