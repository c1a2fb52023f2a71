/* SPDX-License-Identifier: MIT */
/* test_pool.c - buffers: one owner each, a strict maximum, and memory that only the owner may
 * access. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory_faults.h"
#include "pool.h"
#include "require.h"

static void a_pool_grows_by_chunks_up_to_its_maximum(void **state)
{
    struct pool pool;
    struct net_buffer *buffers[10];

    (void)state;
    require(pool_open(&pool, 4096, 4, 10));
    require_equal(pool.buffers_count, 4);
    for (uint32_t i = 0; i < 10; i++) {
        require(pool_has(&pool));
        buffers[i] = pool_take(&pool, POOL_CALLER);
        require(buffers[i] != NULL);
        require_equal(buffers[i]->capacity, 4096);
        require_equal(buffers[i]->length, 0);
        for (uint32_t j = 0; j < i; j++) require(buffers[j]->bytes != buffers[i]->bytes);
    }
    require(!pool_has(&pool));
    require(pool_take(&pool, POOL_CALLER) == NULL);
    require_equal(pool.buffers_count, 10); /* 4 + 4 + the remaining 2 */
    for (uint32_t i = 0; i < 10; i++) pool_give_back(buffers[i], POOL_CALLER);
    require_equal(pool.free_count, 10);
    pool_free(&pool);
}

static void the_last_returned_buffer_is_the_first_taken(void **state)
{
    struct pool pool;

    (void)state;
    require(pool_open(&pool, 1000, 8, 8));
    struct net_buffer *a = pool_take(&pool, POOL_CALLER), *b = pool_take(&pool, POOL_CALLER);
    pool_give_back(a, POOL_CALLER);
    pool_give_back(b, POOL_CALLER);
    require(pool_take(&pool, POOL_CALLER) == b);
    require(pool_take(&pool, POOL_CALLER) == a);
    pool_give_back(a, POOL_CALLER);
    pool_give_back(b, POOL_CALLER);
    pool_free(&pool);
}

/* Buffers that are free again give their memory up, except for those that were used last. */
static void free_buffers_give_up_their_memory(void **state)
{
    struct pool pool;
    struct net_buffer *buffers[8];

    (void)state;
    require(pool_open(&pool, 4096, 8, 8));
    require_equal(pool.resident_count, 0);
    pool_discard(&pool, 0);
    for (uint32_t i = 0; i < 6; i++) {
        buffers[i] = pool_take(&pool, POOL_CALLER);
        memset(buffers[i]->bytes, 1, 4096);
    }
    require_equal(pool.resident_count, 6);
    for (uint32_t i = 0; i < 5; i++) pool_give_back(buffers[i], POOL_CALLER);
    pool_discard(&pool, 2);
    require_equal(pool.resident_count, 3);
    pool_discard(&pool, 2);
    require_equal(pool.resident_count, 3);
    require_equal(buffers[5]->bytes[0], 1); /* taken: unchanged */
    for (uint32_t i = 0; i < 3; i++) {
        buffers[i] = pool_take(&pool, POOL_CALLER);
        if (i < 2) require_equal(buffers[i]->bytes[0], 1); /* used last: unchanged */
    }
    for (uint32_t i = 0; i < 3; i++) pool_give_back(buffers[i], POOL_CALLER);
    pool_give_back(buffers[5], POOL_CALLER);
    pool_discard(&pool, 0);
    require_equal(pool.resident_count, 0);
    pool_free(&pool);
}

static void a_taken_buffer_is_reset(void **state)
{
    struct pool pool;

    (void)state;
    require(pool_open(&pool, 1000, 1, 1));
    struct net_buffer *buffer = pool_take(&pool, POOL_CALLER);
    uint8_t *start = buffer->bytes;
    buffer->bytes += 100;
    buffer->length = 50;
    buffer->next = buffer;
    pool_give_back(buffer, POOL_CALLER);
    require(pool_take(&pool, POOL_CALLER) == buffer);
    require(buffer->bytes == start);
    require_equal(buffer->length, 0);
    require(buffer->next == NULL);
    pool_give_back(buffer, POOL_CALLER);
    pool_free(&pool);
}

static void a_sendable_buffer_lies_inside_its_memory(void **state)
{
    struct pool pool;

    (void)state;
    require(pool_open(&pool, 1000, 1, 1));
    struct net_buffer *buffer = pool_take(&pool, POOL_CALLER);
    uint8_t *start = buffer->bytes;
    buffer->length = 1000;
    require(pool_is_whole(buffer));
    buffer->length = 1001;
    require(!pool_is_whole(buffer));
    buffer->length = 1;
    buffer->bytes = start + 999;
    require(pool_is_whole(buffer));
    buffer->length = 2;
    require(!pool_is_whole(buffer));
    buffer->length = UINT32_MAX;
    require(!pool_is_whole(buffer));
    buffer->length = 0;
    buffer->bytes = start + 1000;
    require(pool_is_whole(buffer));
    buffer->bytes = start;
    pool_give_back(buffer, POOL_CALLER);
    pool_free(&pool);
}

static void without_memory_a_pool_gives_its_existing_buffers(void **state)
{
    struct pool pool;

    (void)state;
    for (uint64_t n = 1; n <= 2; n++) { /* the chunk's bookkeeping, and its pages */
        memory_fail_nth(n, 0);
        bool opened = pool_open(&pool, 1000, 2, 4);
        memory_fail_nth(0, 0);
        require(!opened);
    }
    require(pool_open(&pool, 1000, 2, 4));
    struct net_buffer *a = pool_take(&pool, POOL_CALLER), *b = pool_take(&pool, POOL_CALLER);
    memory_fail_nth(1, 1);
    require(pool_take(&pool, POOL_CALLER) == NULL);
    memory_fail_nth(2, 0);
    require(pool_take(&pool, POOL_CALLER) == NULL);
    memory_fail_nth(0, 0);
    struct net_buffer *c = pool_take(&pool, POOL_CALLER);
    require(c != NULL);
    pool_give_back(a, POOL_CALLER);
    pool_give_back(b, POOL_CALLER);
    pool_give_back(c, POOL_CALLER);
    pool_free(&pool);
}

static void only_the_owner_may_access_a_buffer(void **state)
{
    (void)state;
#if defined(MEMORY_ASAN)
    struct pool pool;

    require(pool_open(&pool, 1000, 1, 1));
    struct net_buffer *buffer = pool_take(&pool, POOL_CALLER);
    uint8_t *bytes = buffer->bytes;
    require(!__asan_address_is_poisoned(bytes));
    pool_move(buffer, POOL_CALLER, POOL_SYSTEM);
    require(__asan_address_is_poisoned(bytes) && __asan_address_is_poisoned(bytes + 999));
    pool_touch(buffer);
    require(!__asan_address_is_poisoned(bytes));
    pool_untouch(buffer);
    require(__asan_address_is_poisoned(bytes));
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    require(!__asan_address_is_poisoned(bytes));
    pool_give_back(buffer, POOL_CALLER);
    require(__asan_address_is_poisoned(bytes));
    pool_free(&pool);
#else
    skip();
#endif
}

/* ---- calls that fail a check ---- */

static struct net_buffer *test__one(enum pool_owner owner)
{
    static struct pool pool;

    require(pool_open(&pool, 1000, 1, 1));
    return pool_take(&pool, owner);
}

static void test__twice(void *argument)
{
    struct net_buffer *buffer = test__one(POOL_CALLER);

    (void)argument;
    pool_give_back(buffer, POOL_CALLER);
    pool_give_back(buffer, POOL_CALLER);
}

static void test__by_another(void *argument)
{
    (void)argument;
    pool_give_back(test__one(POOL_SYSTEM), POOL_CALLER);
}

static void test__move_from_another(void *argument)
{
    (void)argument;
    pool_move(test__one(POOL_CALLER), POOL_SYSTEM, POOL_CALLER);
}

static void test__free_with_one_out(void *argument)
{
    struct pool pool;

    (void)argument;
    require(pool_open(&pool, 1000, 1, 1));
    pool_take(&pool, POOL_CALLER);
    pool_free(&pool);
}

static void a_buffer_with_two_owners_fails_a_check(void **state)
{
    (void)state;
    require_death(test__twice, NULL, "rule 5");
    require_death(test__by_another, NULL, "rule 5");
    require_death(test__move_from_another, NULL, "rule 5");
    require_death(test__free_with_one_out, NULL, "rule 5");
}

/* ---- registering ---- */

struct registry {
    uint32_t registered, most, left; /* now, maximum, and further registrations that succeed */
};

static bool registry_add(void *context, struct pool_buffer *buffer)
{
    struct registry *registry = context;

    require(buffer->registrations[0] == NULL);
    require(buffer->start != NULL);
    if (registry->left == 0) return false;
    registry->left--;
    registry->registered++;
    if (registry->registered > registry->most) registry->most = registry->registered;
    buffer->registrations[0] = buffer;
    return true;
}

static void registry_remove(void *context, struct pool_buffer *buffer)
{
    struct registry *registry = context;

    require(buffer->registrations[0] == buffer);
    buffer->registrations[0] = NULL;
    registry->registered--;
}

/* A buffer is registered when it is first taken, and again after its memory was given up. */
static void every_taken_buffer_is_registered_once(void **state)
{
    struct registry registry = {.left = 100};
    const struct pool_registrar registrar = {registry_add, registry_remove, &registry};
    struct pool pool;
    struct net_buffer *buffers[10];

    (void)state;
    require(pool_open(&pool, 4096, 4, 10));
    require(pool_register(&pool, &registrar));
    require_equal(registry.registered, 4);
    for (int i = 0; i < 10; i++) {
        buffers[i] = pool_take(&pool, POOL_CALLER);
        require(pool_buffer_of(buffers[i])->registrations[0] != NULL);
        memset(pool_margin(pool_buffer_of(buffers[i])), i, POOL_MARGIN_BYTES);
        memset(buffers[i]->bytes, 0x55, buffers[i]->capacity);
        require(pool_margin(pool_buffer_of(buffers[i]))[0] == i);
    }
    require_equal(registry.registered, 10);
    for (int i = 0; i < 10; i++) pool_give_back(buffers[i], POOL_CALLER);
    require_equal(registry.registered, 10);
    pool_unregister(&pool);
    require_equal(registry.registered, 0);
    pool_free(&pool);
}

static void taking_fails_where_registering_does(void **state)
{
    struct registry registry = {.left = 6};
    const struct pool_registrar registrar = {registry_add, registry_remove, &registry};
    struct pool pool;
    struct net_buffer *buffers[6];

    (void)state;
    require(pool_open(&pool, 4096, 4, 10));
    require(pool_register(&pool, &registrar));
    for (int i = 0; i < 6; i++) buffers[i] = pool_take(&pool, POOL_CALLER);
    require(pool_take(&pool, POOL_CALLER) == NULL);
    require(!pool_has(&pool)); /* the two others of the second chunk cannot be registered */
    require_equal(registry.registered, 6);
    pool_give_back(buffers[0], POOL_CALLER);
    require(pool_has(&pool));
    buffers[0] = pool_take(&pool, POOL_CALLER);
    require(pool_take(&pool, POOL_CALLER) == NULL);
    pool_give_back(buffers[0], POOL_CALLER);
    registry.left = 100;
    require_equal(pool_room(&pool), 5);
    for (int i = 1; i < 6; i++) pool_give_back(buffers[i], POOL_CALLER);
    pool_unregister(&pool);
    require_equal(registry.registered, 0);
    pool_free(&pool);
}

/* 64 KiB of an idle pool stay registered: a shortage of memory must end by itself. */
static void an_idle_pool_keeps_a_few_buffers_registered(void **state)
{
    struct registry registry = {.left = 1000};
    const struct pool_registrar registrar = {registry_add, registry_remove, &registry};
    struct pool pool;
    struct net_buffer *buffers[20];

    (void)state;
    require(pool_open(&pool, 16 * 1024, 16, 20));
    require(pool_register(&pool, &registrar));
    require_equal(registry.registered, 4);
    for (int i = 0; i < 20; i++) buffers[i] = pool_take(&pool, POOL_CALLER);
    require_equal(registry.registered, 20);
    for (int i = 1; i < 20; i++) pool_give_back(buffers[i], POOL_CALLER);
    pool_discard(&pool, 10);
    require_equal(registry.registered, 11); /* the one that is taken, and the spare ones */
    require_equal(pool.resident_count, 11);
    pool_discard(&pool, 0);
    require_equal(registry.registered, 5);
    for (int i = 1; i < 20; i++) {
        buffers[i] = pool_take(&pool, POOL_CALLER);
        require(pool_buffer_of(buffers[i])->registrations[0] != NULL);
        memset(buffers[i]->bytes, 1, buffers[i]->capacity);
    }
    for (int i = 0; i < 20; i++) pool_give_back(buffers[i], POOL_CALLER);
    pool_unregister(&pool);
    require_equal(registry.registered, 0);
    pool_free(&pool);
}

static void a_failed_registration_leaves_the_pool_unchanged(void **state)
{
    struct registry registry = {.left = 3};
    const struct pool_registrar registrar = {registry_add, registry_remove, &registry};
    struct pool pool;

    (void)state;
    require(pool_open(&pool, 4096, 4, 10));
    require(!pool_register(&pool, &registrar));
    require_equal(registry.most, 3);
    require_equal(registry.registered, 0);
    struct net_buffer *buffer = pool_take(&pool, POOL_CALLER);
    require(buffer != NULL);
    pool_give_back(buffer, POOL_CALLER);
    pool_free(&pool);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_grows_by_chunks_up_to_its_maximum),
        cmocka_unit_test(the_last_returned_buffer_is_the_first_taken),
        cmocka_unit_test(free_buffers_give_up_their_memory),
        cmocka_unit_test(a_taken_buffer_is_reset),
        cmocka_unit_test(a_sendable_buffer_lies_inside_its_memory),
        cmocka_unit_test(without_memory_a_pool_gives_its_existing_buffers),
        cmocka_unit_test(only_the_owner_may_access_a_buffer),
        cmocka_unit_test(a_buffer_with_two_owners_fails_a_check),
        cmocka_unit_test(every_taken_buffer_is_registered_once),
        cmocka_unit_test(taking_fails_where_registering_does),
        cmocka_unit_test(an_idle_pool_keeps_a_few_buffers_registered),
        cmocka_unit_test(a_failed_registration_leaves_the_pool_unchanged),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
