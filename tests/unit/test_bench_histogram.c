/* SPDX-License-Identifier: MIT */
/* test_bench_histogram.c - the buckets, percentiles and sums of `weir bench`, and .hgrm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench_hgrm.h"
#include "bench_histogram.h"

static struct bench_histogram histogram, other;

static int start_empty(void **state)
{
    (void)state;
    memset(&histogram, 0, sizeof histogram);
    memset(&other, 0, sizeof other);
    return 0;
}

static void test_each_bucket_continues_the_one_before(void **state)
{
    uint64_t lower_ns = 0;

    (void)state;
    for (uint32_t i = 0; i < BENCH_HISTOGRAM_BUCKETS_COUNT; i++) {
        uint64_t upper_ns = bench_histogram_upper_ns(i);
        assert_int_equal(bench_histogram_bucket(lower_ns), i);
        assert_int_equal(bench_histogram_bucket(upper_ns), i);
        assert_true((upper_ns - lower_ns) * 1000 <= lower_ns || upper_ns == lower_ns);
        lower_ns = upper_ns + 1;
    }
    assert_true(lower_ns > UINT64_C(3600000000000)); /* an hour has a bucket */
    assert_int_equal(bench_histogram_bucket(UINT64_MAX), BENCH_HISTOGRAM_BUCKETS_COUNT - 1);
}

static void test_percentiles(void **state)
{
    (void)state;
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 50), 0);
    for (uint64_t ns = 1; ns <= 1000; ns++) bench_histogram_add(&histogram, ns);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 0), 1);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 50), 500);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 99), 990);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 99.9), 999);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 99.91), 1000);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 100), 1000);
    assert_int_equal((int)(bench_histogram_mean_ns(&histogram) * 10), 5005);
    assert_int_equal((int)bench_histogram_deviation_ns(&histogram), 288); /* sqrt((n^2 - 1) / 12) */
}

static void test_the_largest_value_is_exact(void **state)
{
    (void)state;
    bench_histogram_add(&histogram, 1000001);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 50), 1000001);
    bench_histogram_add(&histogram, UINT64_C(9000000000000)); /* longer than the last bucket */
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 100), UINT64_C(9000000000000));
}

/* Threads are added bucket by bucket: the same as one histogram of all. */
static void test_merge(void **state)
{
    static struct bench_histogram all;

    (void)state;
    memset(&all, 0, sizeof all);
    for (uint64_t i = 1; i < 500; i++) {
        bench_histogram_add(i % 3 == 0 ? &histogram : &other, i * i * i);
        bench_histogram_add(&all, i * i * i);
    }
    bench_histogram_merge(&histogram, &other);
    assert_memory_equal(histogram.counts, all.counts, sizeof all.counts);
    assert_int_equal(histogram.count, all.count);
    assert_int_equal(histogram.least_ns, 1);
    assert_int_equal(histogram.most_ns, 499 * 499 * 499);
    memset(&other, 0, sizeof other);
    bench_histogram_merge(&histogram, &other);
    assert_int_equal(histogram.least_ns, 1);
    bench_histogram_merge(&other, &histogram);
    assert_int_equal(other.least_ns, 1);
}

static void test_distribution(void **state)
{
    struct bench_percentile lines[BENCH_PERCENTILES_MAX];

    (void)state;
    assert_int_equal(bench_histogram_distribution(&histogram, 5, lines), 0);
    for (uint64_t ns = 1; ns <= 100000; ns++) bench_histogram_add(&histogram, ns);
    size_t count = bench_histogram_distribution(&histogram, 5, lines);
    assert_true(count > 40 && count < 60);
    for (size_t i = 1; i < count; i++) {
        assert_true(lines[i].value_ns > lines[i - 1].value_ns);
        assert_true(lines[i].count > lines[i - 1].count);
    }
    assert_int_equal(lines[count - 1].count, 100000);
    assert_int_equal(lines[count - 1].value_ns, 100000);
    assert_true(lines[count - 1].fraction == 1);
}

/* As HdrHistogram prints two values. */
static void test_hgrm(void **state)
{
    char text[4096];
    struct text_builder out = {.bytes = text, .size = sizeof text};

    (void)state;
    bench_histogram_add(&histogram, 1500);
    bench_histogram_add(&histogram, 2000);
    bench_hgrm_write(&histogram, &out);
    assert_string_equal(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n"
                              "\n"
                              "       1.500 0.500000000000          1           2.00\n"
                              "       2.000 1.000000000000          2\n"
                              "#[Mean    =        1.750, StdDeviation   =        0.250]\n"
                              "#[Max     =        2.000, Total count    =            2]\n"
                              "#[Buckets =           32, SubBuckets     =         2048]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_bucket_continues_the_one_before, start_empty),
        cmocka_unit_test_setup(test_percentiles, start_empty),
        cmocka_unit_test_setup(test_the_largest_value_is_exact, start_empty),
        cmocka_unit_test_setup(test_merge, start_empty),
        cmocka_unit_test_setup(test_distribution, start_empty),
        cmocka_unit_test_setup(test_hgrm, start_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
