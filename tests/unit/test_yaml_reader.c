/* SPDX-License-Identifier: MIT */
/* test_yaml_reader.c - configuration files as trees: what is read, and what every hostile or wrong
 * file is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "yaml_reader.h"

#define ANSWERS_MAX 8

static struct arena arena;
static char answers[ANSWERS_MAX][512]; /* "LINE:COLUMN: TEXT" */
static size_t answers_count;
static size_t allocations_left;

static void *take_memory(void *user, size_t bytes)
{
    (void)user;
    if (allocations_left == 0) return NULL;
    allocations_left--;
    return arena_alloc(&arena, bytes);
}

static void take_answer(void *user, struct settings_position position, const char *text)
{
    (void)user;
    if (answers_count < ANSWERS_MAX)
        snprintf(answers[answers_count], sizeof answers[0], "%u:%u: %s", position.line,
                 position.column, text);
    answers_count++;
}

static const struct settings_node *read_bytes(const char *bytes, size_t length)
{
    struct yaml_source source = {
        .bytes = bytes, .length = length, .alloc = take_memory, .report = take_answer};

    arena_free(&arena);
    answers_count = 0;
    allocations_left = SIZE_MAX;
    return yaml_reader_read(&source);
}

static const struct settings_node *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

/* The file is answered once, and the answer begins so. */
static void assert_answered(const char *text, const char *answer)
{
    read_text(text);
    if (answers_count != 1 || strncmp(answers[0], answer, strlen(answer)) != 0)
        fail_msg("%s: got %zu, \"%s\", wanted \"%s\"", text, answers_count,
                 answers_count > 0 ? answers[0] : "", answer);
}

static const char *text_of(const struct settings_node *map, const char *key)
{
    const struct settings_node *node = settings_tree_find(map, key);

    if (!node || node->kind != SETTINGS_TEXT) fail_msg("no text %s", key);
    return node ? node->text : "";
}

/* ---- what is read ---- */

static void test_every_value_is_the_text_as_it_is(void **state)
{
    (void)state;
    const struct settings_node *root =
        read_text("a: no\nb: 1:30\nc: ~\nd: 0x10\ne: \"q\\n\"\nf: 'it''s'\ng: 2001:db8::1\n"
                  "h: u32be,max=64k # comment\ni: 1e3\nj: null\n");
    assert_int_equal(answers_count, 0);
    assert_string_equal(text_of(root, "a"), "no");
    assert_string_equal(text_of(root, "b"), "1:30");
    assert_string_equal(text_of(root, "c"), "~");
    assert_string_equal(text_of(root, "d"), "0x10");
    assert_string_equal(text_of(root, "e"), "q\n");
    assert_string_equal(text_of(root, "f"), "it's");
    assert_string_equal(text_of(root, "g"), "2001:db8::1");
    assert_string_equal(text_of(root, "h"), "u32be,max=64k");
    assert_string_equal(text_of(root, "i"), "1e3");
    assert_string_equal(text_of(root, "j"), "null");
}

static void test_positions_are_lines_and_columns(void **state)
{
    (void)state;
    const struct settings_node *root = read_text("# x\nlimits:\n  rät: 5\n  list: [a,  b]\n");
    const struct settings_node *limits = settings_tree_find(root, "limits");
    const struct settings_node *rate = settings_tree_find(limits, "rät");
    const struct settings_node *list = settings_tree_find(limits, "list");

    assert_int_equal(answers_count, 0);
    assert_int_equal(limits->key_position.line, 2);
    assert_int_equal(rate->key_position.column, 3);
    assert_int_equal(rate->position.line, 3);
    assert_int_equal(rate->position.column, 8); /* of characters, not bytes */
    assert_int_equal(list->count, 2);
    assert_int_equal(list->last->position.column, 14);
    assert_null(settings_tree_find(list, "a"));
    assert_null(settings_tree_find(NULL, "a"));
}

static void test_an_empty_file_is_an_empty_map(void **state)
{
    static const char *const files[] = {"",      "\n\n",           "# nothing\n",
                                        "---\n", "--- # x\n...\n", "~x:"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        const struct settings_node *root = read_text(files[i]);
        if (!root || root->kind != SETTINGS_MAP || root->count != 0 || answers_count != 0)
            fail_msg("file %zu", i);
    }
    const struct settings_node *root = read_text("limits:\nx: ''\n");
    assert_true(settings_tree_is_empty(settings_tree_find(root, "limits")));
    assert_false(settings_tree_is_empty(settings_tree_find(root, "x")));
}

/* ---- what is refused ---- */

static void test_features_of_yaml_are_refused(void **state)
{
    (void)state;
    assert_answered("a: &x 1\n", "1:4: an anchor (&)");
    assert_answered("a: &x [1]\n", "1:4: an anchor (&)");
    assert_answered("&x a: 1\n", "1:1: an anchor (&)");
    assert_answered("a: *x\nb: 1\n", "1:4: an alias (*)");
    assert_answered("*x : 1\nb: 1\n", "1:1: an alias (*)");
    assert_answered("a: !!int 1\n", "1:4: a tag (!)");
    assert_answered("a: ! 1\n", "1:4: a tag (!)");
    assert_answered("a: !x {b: 1}\n", "1:4: a tag (!)");
    assert_answered("%TAG ! tag:x,2000:\n---\na: 1\n", "1:1: a directive (%)");
    assert_answered("%YAML 1.1\n---\na: 1\n", "1:1: a directive (%)");
    assert_answered("<<: {a: 1}\nb: 2\n", "1:1: a merge key (<<)");
    assert_answered("a: 1\n---\nb: 2\n", "2:1: a second document");
    assert_answered("a: 1\n...\n---\nb: 2\n", "3:1: a second document");
    assert_answered("a: |\n  x\n", "1:4: a text of several lines");
    assert_answered("a: >\n  x\n", "1:4: a text of several lines");
    assert_answered("a: x\n  y\n", "1:4: a text of several lines");
    assert_answered("a: 'x\n  y'\n", "1:4: a text of several lines");
    assert_answered("? [a, b]\n: {c: {d: [e]}}\nf: 1\n", "1:3: this key is not a text");
    assert_answered("{a: 1}: 2\n", "1:1: this key is not a text");
    assert_answered("a: 1\nb: 2\na: 3\n", "3:1: a is already in line 1");
    assert_answered("'': 1\n", "1:1: a key without a name");
    assert_answered("a: \"x\\0y\"\n", "1:4: a NUL byte");
}

/* The rest of the file is read: every mistake is answered in one go. */
static void test_an_error_hides_no_other(void **state)
{
    (void)state;
    const struct settings_node *root = read_text("a: &x 1\nb: *x\nc: 1\nc: {d: [e]}\nf: [1\n");
    assert_int_equal(answers_count, 4);
    assert_string_equal(text_of(root, "a"), "1");
    assert_int_equal(settings_tree_find(root, "b")->kind, SETTINGS_BAD);
    assert_string_equal(text_of(root, "c"), "1");
}

static void test_syntax_errors_are_explained(void **state)
{
    (void)state;
    assert_answered("a: b: c\n", "1:5: a second \": \"");
    assert_answered("a:\n  b: 1\n    c: 2\n", "2:6: a text of several lines");
    assert_answered("a: 1\nb\n", "3:1: a line without \"key: value\"");
    assert_answered("address: [::]:7000\n", "1:11: a value is expected here");
    assert_answered("a: [1, 2\n", "2:1: a list in [ ] is not closed");
    assert_answered("a: {b: 1\n", "2:1: a section in { } is not closed");
    assert_answered("a: @x\n", "1:4: this character cannot begin a text");
    assert_answered("a: 'x\n", "2:1: a quote is not closed");
    assert_answered("a: \"\\q\"\n", "1:5: \\ begins an escape");
    assert_answered("a: 1\n b: 2\n", "1:4: a text of several lines");
    assert_answered("  a: 1\nb: 2\n", "2:1: text after the end of the configuration");
    assert_answered("a: b\x01\n", "1:5: a control character");
    assert_answered("a: b\xff\n", "1:5: bytes that are not UTF-8");
    assert_answered("- a\n- b\n", "1:1: the file is no list of settings");
    assert_answered("text\n", "1:1: the file is no list of settings");
    assert_answered("a:\n- 1\n2\n", "4:1: a line without");
    assert_answered("a: [&, 1]\n", "1:6: * begins an alias");
}

static void test_tabs_are_refused_in_the_indentation_alone(void **state)
{
    (void)state;
    assert_answered("a:\n\tb: 1\n", "2:1: a tab in the indentation");
    assert_answered("a:\n  \tb: 1\n", "2:3: a tab in the indentation");
    read_text("a:\n\tb: 1\n\tc: 2\n");
    assert_int_equal(answers_count, 2);
    assert_string_equal(text_of(read_text("a: \"x\ty\" # z\n"), "a"), "x\ty");
    assert_int_equal(answers_count, 0);
}

/* ---- hostile files ---- */

static void test_depth_is_limited(void **state)
{
    static char deep[100001];

    (void)state;
    read_text("a: {b: {c: [1]}}\n");
    assert_int_equal(answers_count, 0);
    assert_answered("a: {b: {c: [[1, [2]]]}}\ne: 1\n", "1:13: sections and lists are");
    assert_string_equal(text_of(read_text("a: {b: {c: {d: {e: {f: 1}}}}}\ng: 1\n"), "g"), "1");
    memset(deep, '[', sizeof deep - 1);
    read_text(deep);
    assert_true(answers_count > 0);
    for (size_t i = 0; i + 1 < sizeof deep; i++) deep[i] = i % 2 == 0 ? '-' : ' ';
    read_text(deep);
    assert_true(answers_count > 0);
}

/* Ten levels of aliases would be 10^10 texts. */
static void test_a_billion_laughs_stay_a_few(void **state)
{
    (void)state;
    read_text("a: &a [x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n");
    assert_int_equal(answers_count, 8);
}

static void test_sizes_are_limited(void **state)
{
    size_t size = YAML_READER_BYTES_MAX + 1;
    char *bytes = malloc(size);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, '\n', size);
    assert_null(read_bytes(bytes, size));
    assert_string_equal(answers[0], "0:0: the file has more than 1 MiB; put long lists into files, "
                                    "such as deny-file");
    assert_non_null(read_bytes(bytes, size - 1));
    memcpy(bytes, "a: [", 4);
    for (size_t i = 0; i < 2 * YAML_READER_NODES_MAX + 2; i++) bytes[4 + i] = i % 2 ? ',' : 'x';
    read_bytes(bytes, size - 1);
    assert_int_equal(answers_count, 1);
    assert_non_null(strstr(answers[0], "too many values"));
    size_t used = 0;
    for (size_t i = 0; i < YAML_READER_KEYS_MAX + 1; i++)
        used += (size_t)snprintf(bytes + used, size - used, "k%zu: 1\n", i);
    read_bytes(bytes, used);
    assert_int_equal(answers_count, 1);
    assert_non_null(strstr(answers[0], "too many keys"));
    free(bytes);
}

static void test_memory_that_runs_out_is_reported(void **state)
{
    static const char text[] = "a: 1\nb: {c: [d, e]}\n";
    struct yaml_source source = {
        .bytes = text, .length = sizeof text - 1, .alloc = take_memory, .report = take_answer};

    (void)state;
    for (size_t allocations = 0; allocations < 40; allocations++) {
        arena_free(&arena);
        answers_count = 0;
        allocations_left = allocations;
        yaml_reader_read(&source);
        if (answers_count == 0) return;
        assert_int_equal(answers_count, 1);
        assert_non_null(strstr(answers[0], "out of memory"));
    }
    fail_msg("it needs more allocations than the file has values");
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_is_the_text_as_it_is),
        cmocka_unit_test(test_positions_are_lines_and_columns),
        cmocka_unit_test(test_an_empty_file_is_an_empty_map),
        cmocka_unit_test(test_features_of_yaml_are_refused),
        cmocka_unit_test(test_an_error_hides_no_other),
        cmocka_unit_test(test_syntax_errors_are_explained),
        cmocka_unit_test(test_tabs_are_refused_in_the_indentation_alone),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_a_billion_laughs_stay_a_few),
        cmocka_unit_test(test_sizes_are_limited),
        cmocka_unit_test(test_memory_that_runs_out_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, free_arena);
}
