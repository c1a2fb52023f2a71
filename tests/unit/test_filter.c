/* SPDX-License-Identifier: MIT */
/* test_filter.c - what all filters have in common: references, the contexts of a worker, output
 * without room, and the text of an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "filter.h"
#include "require.h"

static int opened_count, freed_count;
static bool memory_is_out;

static void *open_worker(void)
{
    if (memory_is_out) return NULL;
    opened_count++;
    return &opened_count;
}

static void free_worker(void *context)
{
    assert_ptr_equal(context, &opened_count);
    freed_count++;
}

static void *open(const struct filter *filter, struct filter_worker *worker,
                  struct filter_error *error)
{
    (void)filter;
    (void)error;
    return worker;
}

static enum filter_result feed(void *state, struct filter_io *io)
{
    (void)state;
    (void)io;
    return FILTER_OPEN;
}

static size_t held_bytes(const void *state)
{
    (void)state;
    return 1;
}

static void release(void *state)
{
    (void)state;
}

static const struct filter_kind kind = {
    .name = "test",
    .open_worker = open_worker,
    .free_worker = free_worker,
    .open = open,
    .feed = feed,
    .held_bytes = held_bytes,
    .release = release,
};
static const struct filter_kind other_kind = {
    .name = "other", .open_worker = open_worker, .free_worker = free_worker};

static void free_filter(struct filter *filter)
{
    assert_ptr_equal(filter->kind, &kind);
    freed_count++;
}

static void the_last_reference_frees(void **state)
{
    struct filter filter;

    (void)state;
    freed_count = 0;
    filter_unref(NULL);
    filter_init(&filter, &kind, free_filter);
    assert_ptr_equal(filter_ref(&filter), &filter);
    filter_unref(&filter);
    assert_int_equal(freed_count, 0);
    filter_unref(&filter);
    assert_int_equal(freed_count, 1);
    filter_init(&filter, &kind, NULL); /* static */
    filter_unref(&filter);
    assert_int_equal(freed_count, 1);
}

static void a_context_is_opened_once_per_kind(void **state)
{
    struct filter_worker worker = {.iteration = 0};

    (void)state;
    opened_count = freed_count = 0;
    memory_is_out = true;
    assert_null(filter_worker_context(&worker, &kind));
    memory_is_out = false;
    assert_ptr_equal(filter_worker_context(&worker, &kind), &opened_count);
    assert_ptr_equal(filter_worker_context(&worker, &kind), &opened_count);
    assert_int_equal(opened_count, 1);
    assert_non_null(filter_worker_context(&worker, &other_kind));
    assert_int_equal(opened_count, 2);
    filter_worker_free(&worker);
    assert_int_equal(freed_count, 2);
    filter_worker_free(&worker);
    assert_int_equal(freed_count, 2);
}

static void output_is_added_whole_or_not_at_all(void **state)
{
    uint8_t bytes[4] = "";
    struct filter_output output = {bytes, 0, sizeof bytes};

    (void)state;
    assert_true(filter_output_add(&output, "abc", 3));
    assert_int_equal(filter_output_room(&output), 1);
    assert_false(filter_output_add(&output, "de", 2));
    assert_true(filter_output_add(&output, NULL, 0));
    assert_true(filter_output_add(&output, "d", 1));
    assert_memory_equal(bytes, "abcd", 4);
    assert_int_equal(output.length, 4);
}

static void the_text_of_an_error_is_cut(void **state)
{
    char wide[FILTER_ERROR_TEXT_BYTES + 10];
    struct filter_error error = {.reason = WEIR_REASON_TLS};

    (void)state;
    memset(wide, 'x', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    assert_int_equal(filter_fail(&error, "%s of %d bytes", "a header", 5), FILTER_BAD);
    assert_string_equal(error.text, "a header of 5 bytes");
    filter_fail(&error, "%s", wide);
    assert_int_equal(strlen(error.text), FILTER_ERROR_TEXT_BYTES - 1);
    assert_int_equal(error.reason, WEIR_REASON_TLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(a_context_is_opened_once_per_kind),
        cmocka_unit_test(output_is_added_whole_or_not_at_all),
        cmocka_unit_test(the_text_of_an_error_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
