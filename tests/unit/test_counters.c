/* SPDX-License-Identifier: MIT */
/* test_counters.c - the sums of several workers, and the summary text, truncated at any length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "counters.h"

static void sums_add_and_maxima_are_kept(void **state)
{
    static struct counters one, other;
    struct weir_stats stats = {0};

    (void)state;
    counter_add(&one.accepted, 5);
    counter_add(&one.closed, 3);
    counter_add(&other.accepted, 10);
    counter_add(&one.bytes_in, 100);
    counter_add(&other.bytes_in, 1);
    counter_add(&one.closed_by_reason[WEIR_REASON_IDLE], 3);
    counter_add(&other.closed_by_reason[WEIR_REASON_IDLE], 1);
    counter_raise(&one.timer_lag_max_ms, 7);
    counter_raise(&other.timer_lag_max_ms, 4);
    counter_raise(&other.reassembly_bytes_max, 9);
    counters_add_to(&one, &stats);
    counters_add_to(&other, &stats);
    assert_int_equal(stats.accepted, 15);
    assert_int_equal(stats.closed, 3);
    assert_int_equal(stats.open, 12);
    assert_int_equal(stats.bytes_in, 101);
    assert_int_equal(stats.closed_by_reason[WEIR_REASON_IDLE], 4);
    assert_int_equal(stats.timer_lag_max_ms, 7);
    assert_int_equal(stats.reassembly_bytes_max, 9);
}

static void the_first_fields_are_always_present(void **state)
{
    const struct weir_stats stats = {0};
    char text[1024];

    (void)state;
    assert_string_equal(weir_stats_text(&stats, text, sizeof text),
                        "accepted=0 closed=0 bytes_in=0 bytes_out=0 datagrams_in=0 datagrams_out=0 "
                        "datagram_bytes_in=0 datagram_bytes_out=0");
}

static void other_fields_appear_if_not_zero(void **state)
{
    struct weir_stats stats = {.accepted = 2, .dropped_rate = 3, .reassembly_bytes_max = 4};
    char text[1024];

    (void)state;
    stats.closed_by_reason[WEIR_REASON_RESET] = UINT64_MAX;
    weir_stats_text(&stats, text, sizeof text);
    assert_non_null(strstr(text, "accepted=2 closed=0 "));
    assert_non_null(strstr(text, " dropped_rate=3 reassembly_bytes_max=4 "
                                 "closed_reset=18446744073709551615"));
    assert_null(strstr(text, "closed_idle"));
}

static void the_text_is_truncated_and_terminated_at_any_size(void **state)
{
    struct weir_stats stats = {.accepted = 12, .loop_iterations = 34};
    char whole[1024], text[1024];

    (void)state;
    stats.closed_by_reason[WEIR_REASON_IDLE] = 56;
    weir_stats_text(&stats, whole, sizeof whole);
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        memset(text, '#', sizeof text);
        assert_ptr_equal(weir_stats_text(&stats, text, size), text);
        assert_int_equal(strlen(text), size - 1);
        assert_memory_equal(text, whole, size - 1);
        assert_int_equal(text[size], '#');
    }
}

static void every_reason_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(weir_reason_text(WEIR_REASON_NONE), "none");
    assert_string_equal(weir_reason_text(WEIR_REASON_IDLE), "idle");
    for (int i = 0; i < WEIR_REASONS_COUNT; i++)
        assert_true(strlen(weir_reason_text((enum weir_reason)i)) > 0);
    assert_string_equal(weir_reason_text(WEIR_REASONS_COUNT), "unknown");
    assert_string_equal(weir_reason_text((enum weir_reason)1000), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_add_and_maxima_are_kept),
        cmocka_unit_test(the_first_fields_are_always_present),
        cmocka_unit_test(other_fields_appear_if_not_zero),
        cmocka_unit_test(the_text_is_truncated_and_terminated_at_any_size),
        cmocka_unit_test(every_reason_has_a_name),
    };

    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
