/* SPDX-License-Identifier: MIT */
/* memory.h - allocates from the heap and in whole pages. All memory of the library comes from here,
 * so that tests can count allocations and make them fail. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns `bytes` zeroed bytes. The caller frees them with memory_free(). Null: out of memory.
 * Thread: any, as for every function here. */
void *memory_alloc(size_t bytes);

/* Returns zeroed memory for `count` elements of `bytes` each. Null: out of memory, or the product
 * is too large. */
void *memory_alloc_array(size_t count, size_t bytes);

/* Frees memory of memory_alloc(), memory_alloc_array() or memory_copy_text(). Null is allowed. */
void memory_free(void *memory);

/* Returns a copy of the string. The caller frees it with memory_free(). Null: out of memory. */
char *memory_copy_text(const char *text);

/* Returns zeroed, page-aligned memory from the system. A page that is never used occupies no
 * physical memory. The caller frees it with memory_pages_free(). Null: out of memory. */
void *memory_pages(size_t bytes);

/* Frees memory of memory_pages(), with the same size. Null is allowed. */
void memory_pages_free(void *pages, size_t bytes);

/* Returns the physical memory of whole pages to the system; their bytes become zero. Has no effect
 * on Windows, where pages that are committed keep their memory. */
void memory_pages_discard(void *pages, size_t bytes);

/* Returns the heap's free memory to the system, as far as the C library can; the end of a heap only
 * if it is the calling thread's. Slow: for moments after much memory was freed. */
void memory_trim(void);

/* Decides whether an allocation proceeds. Returns false: it fails. Called on any thread. */
typedef bool memory_hook(void);

/* For tests: has the hook called before each allocation. Null, the default: there is no hook. */
void memory_set_hook(memory_hook *hook);

/* Tell AddressSanitizer that memory must not be used (poison), or can be used again (unpoison): the
 * pool and the system have it meanwhile. Without the sanitizer they do nothing. */
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
#include <sanitizer/lsan_interface.h>
/* Pages can hold the only pointer to other memory: LeakSanitizer reads them, or no longer. */
#define memory_pages_scanned(pages, size, are) \
    ((are) ? __lsan_register_root_region(pages, size) : __lsan_unregister_root_region(pages, size))
#else
#define memory_pages_scanned(pages, size, are) ((void)(pages), (void)(size), (void)(are))
#define memory_poison(bytes, size) ((void)(bytes), (void)(size))
#define memory_unpoison(bytes, size) ((void)(bytes), (void)(size))
#endif

#endif
