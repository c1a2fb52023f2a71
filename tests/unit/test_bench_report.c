/* SPDX-License-Identifier: MIT */
/* test_bench_report.c - what `weir bench` says about figures that are known, and its verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench_json.h"
#include "bench_plot.h"
#include "bench_report.h"
#include "bench_svg.h"
#include "bench_text.h"

#define US UINT64_C(1000)

static struct bench_summary summary;
static struct bench_options options;
static char text[65536];

/* A run of a second with 1000 answers after 100 us each. */
static int start(void **state)
{
    (void)state;
    bench_options_init(&options);
    options.address = "a<b:7";
    options.warmup_ms = 0;
    memset(&summary, 0, sizeof summary);
    summary.options = &options;
    summary.elapsed_ns = 1000000 * US;
    summary.result.messages = 1000;
    summary.result.verified_bytes = 64000;
    for (int i = 0; i < 1000; i++) {
        bench_histogram_add(&summary.result.service, 100 * US);
        bench_histogram_add(&summary.result.response, 100 * US);
        bench_histogram_add(&summary.result.lag, 0);
    }
    return 0;
}

static struct text_builder builder(void)
{
    return (struct text_builder){.bytes = text, .size = sizeof text};
}

static const char *report(void)
{
    struct text_builder out = builder();

    bench_report_write(&summary, &out);
    return text;
}

static const char *limit(void)
{
    return bench_summary_limit(&summary, text, sizeof text);
}

static void test_durations(void **state)
{
    (void)state;
    assert_string_equal(bench_text_duration(0).text, "0 ns");
    assert_string_equal(bench_text_duration(999).text, "999 ns");
    assert_string_equal(bench_text_duration(1234).text, "1.23 us");
    assert_string_equal(bench_text_duration(12345).text, "12.3 us");
    assert_string_equal(bench_text_duration(999499).text, "999 us");
    assert_string_equal(bench_text_duration(999500).text, "1.00 ms");
    assert_string_equal(bench_text_duration(9994999).text, "9.99 ms");
    assert_string_equal(bench_text_duration(9995000).text, "10.0 ms");
    assert_string_equal(bench_text_duration(UINT64_C(3600000000000)).text, "3600 s");
    assert_string_equal(bench_text_count(0).text, "0");
    assert_string_equal(bench_text_count(999).text, "999");
    assert_string_equal(bench_text_count(1000).text, "1,000");
    assert_string_equal(bench_text_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
    assert_string_equal(bench_text_percent(50).text, "50 %");
    assert_string_equal(bench_text_percent(99.99).text, "99.99 %");
    assert_string_equal(bench_text_percent(0).text, "0 %");
}

static void test_report(void **state)
{
    (void)state;
    summary.has_server = true;
    summary.server_cpu_ns = 5000 * US;
    summary.server_wall_ns = 10000 * US;
    summary.server_messages = 1000;
    assert_non_null(strstr(report(), "a<b:7: echo over TCP, codec raw\n64 bytes, 50 connections, "
                                     "depth 1, 1 thread, closed loop\n"));
    assert_non_null(strstr(text, "\nmessages       1,000 in 1.00 s\n"));
    assert_non_null(strstr(text, "\nrate           1,000 messages/s, "));
    assert_non_null(strstr(text, "\nround trip        100 us    100 us    100 us    100 us    "
                                 "100 us    100 us    100 us\n"));
    assert_non_null(strstr(text, "\nserver         0.50 of a processor, 5.00 us of processor time "
                                 "per message, "));
    assert_null(strstr(text, "ERROR"));
    assert_null(strstr(text, "NOT GOOD"));
    assert_true(bench_summary_is_right(&summary));
}

static void test_errors(void **state)
{
    (void)state;
    bench_result_fail(&summary.result, BENCH_ERROR_WRONG, "first");
    bench_result_fail(&summary.result, BENCH_ERROR_WRONG, "second");
    assert_false(bench_summary_is_right(&summary));
    assert_non_null(strstr(report(), "\nERROR          2 answers with wrong bytes: first\n"));
    summary.result.messages = 0;
    summary.result.errors[BENCH_ERROR_WRONG] = 0;
    assert_false(bench_summary_is_right(&summary));
    assert_non_null(strstr(report(), "ERROR          nothing was measured"));
}

static void test_a_busy_generator_is_the_limit(void **state)
{
    (void)state;
    summary.result.busiest = 0.94;
    assert_string_equal(limit(), "");
    summary.result.busiest = 0.97;
    assert_non_null(strstr(limit(), "computed, or waited for a processor, for 97 % of the time"));
    options.rate = 1000; /* in an open loop it computes while it waits */
    assert_string_equal(limit(), "");
}

static void test_a_late_generator_is_the_limit(void **state)
{
    (void)state;
    options.rate = 1000;
    for (int i = 0; i < 10; i++) bench_histogram_add(&summary.result.lag, 500 * US);
    assert_string_equal(limit(), ""); /* less than one in a hundred */
    for (int i = 0; i < 10; i++) bench_histogram_add(&summary.result.lag, 500 * US);
    assert_non_null(strstr(limit(), "above a tenth of the median response time (100 us)"));
    assert_non_null(strstr(report(), "\nNOT GOOD       the generator sent 1 % of the messages"));
    options.rate = 0; /* a closed loop has no times to be late for */
    assert_string_equal(limit(), "");
}

static void test_json(void **state)
{
    struct text_builder out = builder();

    (void)state;
    options.address = "\"quoted\"\n";
    bench_json_write(&summary, &out);
    assert_non_null(strstr(text, "\"address\":\"\\\"quoted\\\"\\n\",\"mode\":\"echo\""));
    assert_non_null(strstr(text, "\"service_ns\":{\"count\":1000,\"min\":100000,\"mean\":100000,"));
    assert_non_null(strstr(text, "\"p50\":100000,"));
    assert_null(strstr(text, ",}"));
    assert_int_equal(text[out.used - 1], '\n');
}

static void test_charts(void **state)
{
    struct text_builder out = builder();

    (void)state;
    bench_svg_write(&summary, &out);
    assert_non_null(strstr(text, ">a&#60;b:7 over TCP"));
    assert_int_equal(strncmp(text, "<svg ", 5), 0);
    assert_string_equal(text + out.used - 7, "</svg>\n");
    out = builder();
    bench_plot_write(&summary, &out);
    assert_non_null(strstr(text, "* round trip, by percentile"));
    memset(&summary.result, 0, sizeof summary.result);
    out = builder();
    text[0] = '\0';
    bench_plot_write(&summary, &out);
    assert_string_equal(text, ""); /* there is nothing to draw */
    bench_svg_write(&summary, &out);
    assert_null(strstr(text, "polyline"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_durations, start),
        cmocka_unit_test_setup(test_report, start),
        cmocka_unit_test_setup(test_errors, start),
        cmocka_unit_test_setup(test_a_busy_generator_is_the_limit, start),
        cmocka_unit_test_setup(test_a_late_generator_is_the_limit, start),
        cmocka_unit_test_setup(test_json, start),
        cmocka_unit_test_setup(test_charts, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
