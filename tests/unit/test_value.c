/* SPDX-License-Identifier: MIT */
/* test_value.c - numbers with units: every kind, bound and error, and formatting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "value.h"

#define WIDE UINT64_MAX

struct sample {
    const char *text;
    uint64_t value;
};

static void assert_reads(const struct value_rule *rule, const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 12345;
        if (!value_read(rule, samples[i].text, &value) || value != samples[i].value)
            fail_msg("%s: read as %llu", samples[i].text, (unsigned long long)value);
    }
}

static void assert_refuses(const struct value_rule *rule, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 12345;
        if (value_read(rule, texts[i], &value) || value != 12345)
            fail_msg("\"%s\": read as %llu", texts[i], (unsigned long long)value);
    }
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void test_durations(void **state)
{
    const struct value_rule rule = {VALUE_DURATION, "off", 0, 4233600000, NULL};
    const struct sample good[] = {
        {"0", 0},
        {"off", 0},
        {"7", 7000},
        {"250ms", 250},
        {"5s", 5000},
        {"2m", 120000},
        {"1h", 3600000},
        {"1d", 86400000},
        {"49d", 4233600000},
        {"90S", 90000},
        {"5MS", 5},
        {"007s", 7000},
        {"4233600000ms", 4233600000},
    };
    const char *const bad[] = {"",
                               "s",
                               "x",
                               "5x",
                               "-1",
                               "+1",
                               "5.5s",
                               "5 s",
                               " 5s",
                               "5s ",
                               "50d",
                               "5ss",
                               "5sm",
                               "OFF",
                               "never",
                               "49d1",
                               "4233601",
                               "99999999999999999999s",
                               "18446744073709551615d"};

    (void)state;
    assert_reads(&rule, good, COUNT(good));
    assert_refuses(&rule, bad, COUNT(bad));
}

static void test_sizes(void **state)
{
    const struct value_rule rule = {VALUE_SIZE, "", 0, WIDE, NULL};
    const struct sample good[] = {
        {"0", 0},
        {"1", 1},
        {"64k", 65536},
        {"64K", 65536},
        {"1m", 1048576},
        {"2g", UINT64_C(2) << 30},
        {"17179869183g", UINT64_C(17179869183) << 30},
        {"18446744073709551609", UINT64_C(18446744073709551609)},
    };
    const char *const bad[] = {"",
                               "k",
                               "64kb",
                               "64 k",
                               "1t",
                               "off",
                               "-1",
                               "1.5m",
                               "64k/s",
                               "17179869184g",
                               "18446744073709551616"};

    (void)state;
    assert_reads(&rule, good, COUNT(good));
    assert_refuses(&rule, bad, COUNT(bad));
}

static void test_counts_have_a_range(void **state)
{
    const struct value_rule rule = {VALUE_COUNT, "auto", 2, 255, NULL};
    const struct sample good[] = {{"2", 2}, {"255", 255}, {"auto", 0}};
    const char *const bad[] = {"0", "1", "256", "two", "", "2x", "2k", "0x10", "off", "-2"};

    (void)state;
    assert_reads(&rule, good, COUNT(good));
    assert_refuses(&rule, bad, COUNT(bad));
}

static void test_rates(void **state)
{
    const struct value_rule rate = {VALUE_RATE, "off", 0, 1000000, NULL};
    const struct value_rule size_rate = {VALUE_SIZE_RATE, "off", 0, WIDE, NULL};
    const struct sample rates[] = {{"1000", 1000}, {"1000/s", 1000}, {"off", 0}, {"0/s", 0}};
    const struct sample sizes[] = {
        {"64k/s", 65536}, {"64k", 65536}, {"100", 100}, {"1m/s", 1 << 20}};
    const char *const bad[] = {"", "/s", "1k", "1000/m", "1000/", "1000s", "1000/s/s", "1000001"};
    const char *const bad_sizes[] = {"/s", "k/s", "1k/m", "1/sk"};

    (void)state;
    assert_reads(&rate, rates, COUNT(rates));
    assert_reads(&size_rate, sizes, COUNT(sizes));
    assert_refuses(&rate, bad, COUNT(bad));
    assert_refuses(&size_rate, bad_sizes, COUNT(bad_sizes));
}

static void test_ratios(void **state)
{
    const struct value_rule rule = {VALUE_RATIO, "off", 1, 1000000, NULL};
    const struct sample good[] = {{"1", 100},    {"1.0", 100},  {"0.5", 50},  {"0.05", 5},
                                  {"1.25", 125}, {"150%", 150}, {"off", 0},   {"10000", 1000000},
                                  {"0.01", 1},   {"1%", 1},     {"1.50", 150}};
    const char *const bad[] = {
        "",    "0",  "0.0",  "0%", ".5",    "1.",    "1.123", "1.5%",
        "1,5", "-1", "half", "%",  "10001", "100%%", "1.5x",  "18446744073709551615"};

    (void)state;
    assert_reads(&rule, good, COUNT(good));
    assert_refuses(&rule, bad, COUNT(bad));
}

static void test_words(void **state)
{
    const struct value_rule rule = {VALUE_WORD, "", 0, 0, "disconnect|drop-newest|drop-oldest"};
    const struct sample good[] = {{"disconnect", 0}, {"drop-newest", 1}, {"drop-oldest", 2}};
    const char *const bad[] = {"", "drop", "drop-oldest|", "Disconnect", "0", "drop-oldestt"};

    (void)state;
    assert_reads(&rule, good, COUNT(good));
    assert_refuses(&rule, bad, COUNT(bad));
}

static void test_modes_are_octal(void **state)
{
    const struct value_rule rule = {VALUE_MODE, "umask", 1, 0777, NULL};
    static const char *const wrong[] = {"",      "0",    "0000", "8",      "0680", "1000", "00660",
                                        "0o660", "-660", "660 ", "rw-rw-", "u=rw", "0x1b0"};
    uint64_t value = 0;

    (void)state;
    assert_true(value_read(&rule, "0660", &value));
    assert_int_equal(value, 0660);
    assert_true(value_read(&rule, "777", &value));
    assert_int_equal(value, 0777);
    assert_true(value_read(&rule, "1", &value));
    assert_int_equal(value, 1);
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (value_read(&rule, wrong[i], &value)) fail_msg("%s is read as a mode", wrong[i]);
    assert_int_equal(value, 1);
}

static void test_formatted_values_parse_to_the_same(void **state)
{
    static const struct {
        struct value_rule rule;
        uint64_t value;
        const char *text;
    } pairs[] = {
        {{VALUE_DURATION, "off", 0, WIDE, NULL}, 0, "off"},
        {{VALUE_DURATION, "", 0, WIDE, NULL}, 0, "0ms"},
        {{VALUE_DURATION, "off", 0, WIDE, NULL}, 600000, "10m"},
        {{VALUE_DURATION, "off", 0, WIDE, NULL}, 86400000, "1d"},
        {{VALUE_DURATION, "off", 0, WIDE, NULL}, 90000, "90s"},
        {{VALUE_DURATION, "off", 0, WIDE, NULL}, 1001, "1001ms"},
        {{VALUE_SIZE, "", 0, WIDE, NULL}, 0, "0"},
        {{VALUE_SIZE, "", 0, WIDE, NULL}, 65536, "64k"},
        {{VALUE_SIZE, "", 0, WIDE, NULL}, UINT64_C(3) << 30, "3g"},
        {{VALUE_SIZE, "", 0, WIDE, NULL}, 65537, "65537"},
        {{VALUE_COUNT, "auto", 1, WIDE, NULL}, 0, "auto"},
        {{VALUE_COUNT, "auto", 1, WIDE, NULL}, 100000, "100000"},
        {{VALUE_RATE, "off", 0, WIDE, NULL}, 1000, "1000/s"},
        {{VALUE_SIZE_RATE, "off", 0, WIDE, NULL}, 65536, "64k/s"},
        {{VALUE_RATIO, "off", 1, WIDE, NULL}, 100, "1.0"},
        {{VALUE_RATIO, "off", 1, WIDE, NULL}, 5, "0.05"},
        {{VALUE_RATIO, "off", 1, WIDE, NULL}, 150, "1.5"},
        {{VALUE_MODE, "umask", 1, 0777, NULL}, 0660, "0660"},
        {{VALUE_MODE, "umask", 1, 0777, NULL}, 7, "0007"},
        {{VALUE_MODE, "umask", 1, 0777, NULL}, 0, "umask"},
        {{VALUE_WORD, "", 0, 0, "a|b|c"}, 2, "c"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char text[32];
        uint64_t value = 12345;
        assert_string_equal(value_text(&pairs[i].rule, pairs[i].value, text, sizeof text),
                            pairs[i].text);
        assert_true(value_read(&pairs[i].rule, text, &value));
        assert_int_equal(value, pairs[i].value);
    }
}

static void test_wanted_texts(void **state)
{
    static const struct {
        struct value_rule rule;
        const char *text;
    } pairs[] = {
        {{VALUE_DURATION, "off", 0, 3600000, NULL},
         "a time such as 500ms, 60s, 5m, 1h or 1d, at most 1h; or off"},
        {{VALUE_SIZE, "", 4096, 1 << 20, NULL},
         "a size such as 4096, 64k, 1m or 2g, from 4k to 1m"},
        {{VALUE_COUNT, "", 1, 255, NULL}, "a number from 1 to 255"},
        {{VALUE_RATE, "", 0, 9, NULL}, "a rate such as 1000 or 1000/s, at most 9/s"},
        {{VALUE_MODE, "umask", 1, 0777, NULL},
         "permissions in octal digits such as 0660, from 0001 to 0777; or umask"},
        {{VALUE_WORD, "", 0, 0, "a|b"}, "one of a b"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char text[128];
        assert_string_equal(value_wanted(&pairs[i].rule, text, sizeof text), pairs[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_counts_have_a_range),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_modes_are_octal),
        cmocka_unit_test(test_formatted_values_parse_to_the_same),
        cmocka_unit_test(test_wanted_texts),
    };

    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
