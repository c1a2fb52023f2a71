/* SPDX-License-Identifier: MIT */
/* test_os_wide.c - names between UTF-8 and UTF-16, and the texts of errors on a Windows of any
 * language, which a substitute for FormatMessageW() stands for. */
#include <windows.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const wchar_t *english, *own_language; /* null: this Windows has no text in that language */

static DWORD WINAPI substitute(DWORD flags, const void *source, DWORD error, DWORD language,
                               wchar_t *text, DWORD units, va_list *values)
{
    const wchar_t *found = language == 0 ? own_language : english;

    (void)source;
    (void)error;
    (void)values;
    assert_true(flags & FORMAT_MESSAGE_IGNORE_INSERTS);
    if (!found || wcslen(found) >= units) return 0;
    wcscpy(text, found);
    return (DWORD)wcslen(found);
}

#define FormatMessageW substitute
#include "../../src/cli/os_wide_windows.c"
#undef FormatMessageW

static void assert_text(int error, size_t size, const char *expected)
{
    char text[200];

    assert_ptr_equal(os_error_text(error, text, size), text);
    assert_string_equal(text, expected);
}

static void the_english_text_is_preferred(void **state)
{
    (void)state;
    english = L"The connection was refused.\r\n";
    own_language = L"Verbindung abgelehnt.\r\n";
    assert_text(10061, 200, "The connection was refused (error 10061)");
}

static void without_english_the_own_language_is_used(void **state)
{
    (void)state;
    english = NULL;
    own_language = L"\x63a5\x7d9a\x3067\x304d\x307e\x305b\x3093 \x0141\x00f3\x0064\x017a. \r\n";
    assert_text(10061, 200,
                "\xe6\x8e\xa5\xe7\xb6\x9a\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x9b\xe3\x82"
                "\x93 \xc5\x81\xc3\xb3"
                "d\xc5\xba (error 10061)");
}

static void without_any_text_the_number_remains(void **state)
{
    (void)state;
    english = own_language = NULL;
    assert_text(10061, 200, "Windows has no text for this error (error 10061)");
    english = L"\r\n"; /* an empty text is none */
    assert_text(7, 200, "Windows has no text for this error (error 7)");
}

static void the_text_is_one_line(void **state)
{
    (void)state;
    english = L"First line.\r\nSecond\tline.\r\n";
    assert_text(5, 200, "First line.  Second line (error 5)");
}

static void a_long_text_is_cut_before_the_number_and_between_characters(void **state)
{
    (void)state;
    english = L"\x65e5\x672c\x8a9e\x65e5\x672c\x8a9e";
    assert_text(5, 10 + 7 + 1, "\xe6\x97\xa5\xe6\x9c\xac (error 5)");
    english = L"abcdef";
    assert_text(5, 10 + 3 + 1, "abc (error 5)");
}

static void names_survive_both_ways(void **state)
{
    static const char name[] = "C:\\\xc5\x81\xc3\xb3"
                               "d\xc5\xba\\\xf0\x9f\x98\x80.txt";
    struct arena arena = {0};

    (void)state;
    wchar_t *wide = os_wide(&arena, name);
    assert_non_null(wide);
    assert_int_equal(wide[3], 0x141);
    assert_string_equal(os_narrow(&arena, wide), name);
    assert_int_equal(wcslen(os_wide(&arena, "")), 0);
    arena_free(&arena);
}

static void names_that_are_no_text_are_refused(void **state)
{
    static const wchar_t *const halves[] = {L"a\xd800",
                                            L"\xdc00"
                                            L"b",
                                            L"a\xd800z"};
    struct arena arena = {0};

    (void)state;
    assert_null(os_wide(&arena, "a\xff"));
    assert_int_equal(GetLastError(), ERROR_NO_UNICODE_TRANSLATION);
    assert_null(os_wide(&arena, "a\xe6\x97"));
    for (size_t i = 0; i < 3; i++) {
        assert_null(os_narrow(&arena, halves[i]));
        assert_int_equal(GetLastError(), ERROR_NO_UNICODE_TRANSLATION);
        assert_non_null(strstr(os_narrow_for_display(&arena, halves[i]), "\xef\xbf\xbd"));
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_english_text_is_preferred),
        cmocka_unit_test(without_english_the_own_language_is_used),
        cmocka_unit_test(without_any_text_the_number_remains),
        cmocka_unit_test(the_text_is_one_line),
        cmocka_unit_test(a_long_text_is_cut_before_the_number_and_between_characters),
        cmocka_unit_test(names_survive_both_ways),
        cmocka_unit_test(names_that_are_no_text_are_refused),
    };

    return cmocka_run_group_tests_name("os_wide", tests, NULL, NULL);
}
