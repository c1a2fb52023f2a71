/* SPDX-License-Identifier: MIT */
/* test_suggest.c - the distance of two words, and the known word that a mistyped word suggests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "suggest.h"

#define TEST__WORD_31 "abcdefghijklmnopqrstuvwxyz01234"
#define TEST__WORD_32 TEST__WORD_31 "5"

static size_t test__distance(const char *a, const char *b)
{
    return suggest_distance(a, strlen(a), b);
}

static void the_distance_counts_the_characters_to_change(void **state)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},         {"echo", "echo", 0},       {"", "echo", 4},
        {"echo", "", 4},     {"echo", "ech", 1},        {"echo", "echoo", 1},
        {"echo", "ecko", 1}, {"ehco", "echo", 2}, /* a swap is two changes */
        {"echo", "Echo", 1}, {"kitten", "sitting", 3},  {"abc", "xyz", 3},
        {"ab", "ba", 2},     {"sunday", "saturday", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(test__distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(test__distance(cases[i].b, cases[i].a), cases[i].distance);
    }
}

static void the_first_word_ends_at_its_length(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("echo=5", 4, "echo"), 0);
    assert_int_equal(suggest_distance("echo", 0, "echo"), 4);
}

static void a_word_of_32_bytes_is_too_long(void **state)
{
    (void)state;
    assert_int_equal(test__distance(TEST__WORD_31, TEST__WORD_31), 0);
    assert_int_equal(test__distance(TEST__WORD_31, ""), 31);
    assert_int_equal(test__distance(TEST__WORD_32, TEST__WORD_32), 32);
    assert_int_equal(test__distance(TEST__WORD_32, "a"), 32);
    assert_int_equal(test__distance("a", TEST__WORD_32), 32);
}

static const char *const test__words[] = {"echo", "chat", "discard", "on", "ab"};

static const char *test__suggest(const char *word)
{
    return suggest_word(word, strlen(word), test__words,
                        sizeof test__words / sizeof test__words[0]);
}

static void the_most_similar_word_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(test__suggest("ecko"), "echo");
    assert_string_equal(test__suggest("chap"), "chat");
    assert_string_equal(test__suggest("discrd"), "discard");
    assert_string_equal(test__suggest("echo"), "echo");
    assert_string_equal(test__suggest("discaxx"), "discard"); /* two characters away */
}

static void a_word_that_differs_too_much_suggests_nothing(void **state)
{
    (void)state;
    assert_null(test__suggest("discxxx")); /* three characters away */
    assert_null(test__suggest("xy"));      /* two from "on", but none in common */
    assert_null(test__suggest(TEST__WORD_32));
    assert_null(suggest_word("echo", 4, NULL, 0));
}

static void of_equally_near_words_the_first_is_suggested(void **state)
{
    static const char *const words[] = {"bat", "cat", "hat"};

    (void)state;
    assert_ptr_equal(suggest_word("rat", 3, words, 3), words[0]);
    assert_ptr_equal(suggest_word("cat", 3, words, 3), words[1]); /* a nearer one wins later */
    assert_ptr_equal(suggest_word("hats", 4, words, 3), words[2]);
}

static const char *test__name(size_t index)
{
    return index < sizeof test__words / sizeof test__words[0] ? test__words[index] : NULL;
}

static const char *test__no_name(size_t index)
{
    (void)index;
    return NULL;
}

static void names_from_a_function_are_suggested_alike(void **state)
{
    (void)state;
    assert_string_equal(suggest_name("ecko", 4, test__name), "echo");
    assert_string_equal(suggest_name("discard: 1", 7, test__name), "discard");
    assert_string_equal(suggest_name("axb", 3, test__name), "ab"); /* the last one counts, too */
    assert_null(suggest_name("unknown", 7, test__name));
    assert_null(suggest_name("echo", 4, test__no_name));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_distance_counts_the_characters_to_change),
        cmocka_unit_test(the_first_word_ends_at_its_length),
        cmocka_unit_test(a_word_of_32_bytes_is_too_long),
        cmocka_unit_test(the_most_similar_word_is_suggested),
        cmocka_unit_test(a_word_that_differs_too_much_suggests_nothing),
        cmocka_unit_test(of_equally_near_words_the_first_is_suggested),
        cmocka_unit_test(names_from_a_function_are_suggested_alike),
    };

    return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
