/* SPDX-License-Identifier: MIT */
/* test_histogram.c - histograms of durations: their buckets, sums, differences and percentiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "histogram.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)

static struct histogram histogram;
static struct weir_histogram read;

static void clear(void)
{
    memset(&histogram, 0, sizeof histogram);
}

static void read_from(uint64_t least_ns)
{
    histogram_read(&histogram, least_ns, &read);
}

/* The bound that is found quickly is the one that a search from the first bound on finds. */
static void every_duration_has_its_bucket(void **state)
{
    uint64_t near[3 * (HISTOGRAM_BUCKETS_COUNT + 64)];
    uint32_t count = 0;

    (void)state;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS_COUNT; i++)
        for (uint64_t k = 0; k < 3; k++) near[count++] = histogram_upper_ns[i] - 1 + k;
    for (uint32_t i = 0; i < 64; i++)
        for (uint64_t k = 0; k < 3; k++) near[count++] = (UINT64_C(1) << i) - 1 + k;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bucket = 0;
        while (near[i] > histogram_upper_ns[bucket]) bucket++;
        assert_int_equal(histogram_bucket(near[i]), bucket);
    }
}

static void bounds_are_round_and_at_equal_ratios(void **state)
{
    (void)state;
    clear();
    read_from(0);
    assert_int_equal(read.buckets_count, HISTOGRAM_BUCKETS_COUNT);
    assert_int_equal(read.upper_ns[0], US);
    assert_int_equal(read.upper_ns[10], 10 * US);
    assert_int_equal(read.upper_ns[34], 2500 * US);
    assert_int_equal(read.upper_ns[70], 10 * S);
    assert_int_equal(read.upper_ns[71], UINT64_MAX);
    for (uint32_t i = 1; i < 71; i++) {
        double ratio = (double)read.upper_ns[i] / (double)read.upper_ns[i - 1];
        assert_true(ratio >= 1.2 && ratio <= 1.29);
    }
}

static void durations_are_counted_and_added_up(void **state)
{
    (void)state;
    clear();
    histogram_add_shared(&histogram, 0);
    histogram_add_shared(&histogram, US);
    histogram_add_shared(&histogram, US + 1);
    histogram_add_shared(&histogram, 3600 * S);
    histogram_count(&histogram, 3 * MS);
    read_from(0);
    assert_int_equal(read.count, 5);
    assert_int_equal(read.sum_ns, 3600 * S + 2 * US + 1); /* histogram_count() leaves it alone */
    assert_int_equal(read.counts[0], 2);
    assert_int_equal(read.counts[1], 1);
    assert_int_equal(read.counts[35], 1);
    assert_int_equal(read.counts[71], 1);
}

static void short_durations_can_share_a_bucket(void **state)
{
    (void)state;
    clear();
    histogram_count(&histogram, 3);
    histogram_count(&histogram, 500 * US);
    histogram_count(&histogram, 501 * US);
    read_from(500 * US);
    assert_int_equal(read.upper_ns[0], 500 * US);
    assert_int_equal(read.upper_ns[1], 630 * US);
    assert_int_equal(read.upper_ns[read.buckets_count - 1], UINT64_MAX);
    assert_int_equal(read.counts[0], 2);
    assert_int_equal(read.counts[1], 1);
    assert_int_equal(read.count, 3);
}

static void histograms_are_added_and_subtracted(void **state)
{
    struct weir_histogram sum = {0}, earlier = {0};

    (void)state;
    clear();
    histogram_add_shared(&histogram, 3 * MS);
    read_from(0);
    histogram_sum(&sum, &read);
    histogram_sum(&sum, &read);
    assert_int_equal(sum.count, 2);
    assert_int_equal(sum.sum_ns, 6 * MS);
    assert_int_equal(sum.counts[35], 2);
    assert_int_equal(sum.upper_ns[35], 3200 * US);
    weir_histogram_subtract(&sum, &earlier); /* nothing was known */
    assert_int_equal(sum.count, 2);
    weir_histogram_subtract(&sum, &read);
    assert_int_equal(sum.count, 1);
    assert_int_equal(sum.sum_ns, 3 * MS);
    assert_int_equal(sum.counts[35], 1);
    assert_int_equal(sum.upper_ns[35], 3200 * US);
}

static void percentiles_lie_inside_a_bucket(void **state)
{
    (void)state;
    clear();
    read_from(0);
    assert_int_equal(weir_histogram_percentile_ns(&read, 500), 0); /* empty */
    assert_int_equal(weir_histogram_percentile_ns(&(struct weir_histogram){.count = 0}, 990), 0);
    for (int i = 0; i < 98; i++) histogram_count(&histogram, 90 * US);
    histogram_count(&histogram, 12 * MS);
    histogram_count(&histogram, 60 * S);
    read_from(0);
    uint64_t half_ns = weir_histogram_percentile_ns(&read, 500);
    assert_true(half_ns > 80 * US && half_ns < 100 * US);
    assert_true(weir_histogram_percentile_ns(&read, 0) > 80 * US); /* the shortest one */
    assert_int_equal(weir_histogram_percentile_ns(&read, 980), 100 * US);
    assert_int_equal(weir_histogram_percentile_ns(&read, 990), 12500 * US);
    assert_int_equal(weir_histogram_percentile_ns(&read, 1000), 10 * S); /* and more */
    assert_int_equal(weir_histogram_percentile_ns(&read, 5000), 10 * S);
    clear();
    histogram_count(&histogram, 1);
    read_from(0);
    assert_int_equal(weir_histogram_percentile_ns(&read, 1000), US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_duration_has_its_bucket),
        cmocka_unit_test(bounds_are_round_and_at_equal_ratios),
        cmocka_unit_test(durations_are_counted_and_added_up),
        cmocka_unit_test(short_durations_can_share_a_bucket),
        cmocka_unit_test(histograms_are_added_and_subtracted),
        cmocka_unit_test(percentiles_lie_inside_a_bucket),
    };

    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
