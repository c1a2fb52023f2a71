/* SPDX-License-Identifier: MIT */
/* test_trim.c - free memory at the end of a thread's heap returns to the system, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "os_thread.h"

enum {
    BLOCK_BYTES = 30000, /* of the heap, and not of separate pages */
    BLOCKS = 1000,
    SMALL_BYTES = 64,
    SMALLS = 20, /* at least as many as the C library keeps in the cache of a thread */
    LEFT_BYTES_MAX = BLOCK_BYTES * BLOCKS / 4,
};

static void *blocks[BLOCKS];
static void *below[SMALLS], *above[SMALLS];
static size_t held_bytes, left_bytes;

static size_t resident_bytes(void)
{
    unsigned long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file) return 0;
    int count = fscanf(file, "%lu %lu", &size, &resident);
    fclose(file);
    return count == 2 ? resident * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Small blocks are between the large ones and the end of the heap, and are freed last. The C
 * library joins free small blocks with their neighbors only when it trims, unless a thread's cache
 * has them. So the memory of the large blocks becomes a part of the end of the heap then. */
static void use_and_free(void *argument)
{
    size_t before_bytes = resident_bytes();

    (void)argument;
    for (int i = 0; i < SMALLS; i++) below[i] = memory_alloc(SMALL_BYTES);
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = memory_alloc(BLOCK_BYTES);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
    for (int i = 0; i < SMALLS; i++) above[i] = memory_alloc(SMALL_BYTES);
    held_bytes = resident_bytes() - before_bytes;
    for (int i = 0; i < BLOCKS; i++) memory_free(blocks[i]);
    for (int i = 0; i < SMALLS; i++) memory_free(below[i]); /* they fill the cache */
    for (int i = 0; i < SMALLS; i++) memory_free(above[i]);
    memory_trim();
    size_t after_bytes = resident_bytes();
    left_bytes = after_bytes > before_bytes ? after_bytes - before_bytes : 0;
}

static void trimming_returns_the_end_of_the_heap_of_a_thread(void **state)
{
    static struct os_thread thread = {.run = use_and_free};

    (void)state;
#if !defined(__GLIBC__)
    skip();
#endif
    assert_true(os_thread_start_joinable(&thread));
    os_thread_join(&thread);
    assert_true(held_bytes >= (size_t)BLOCK_BYTES * BLOCKS);
    assert_true(left_bytes < LEFT_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trimming_returns_the_end_of_the_heap_of_a_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
