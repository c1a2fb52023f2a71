/* SPDX-License-Identifier: MIT */
/* test_cluster_subjects.c - subjects contain no character with a meaning for the broker,
 * and fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "subjects.h"

static struct subjects subjects;
static struct subject subject;

static void test_subjects_are_composed(void **state)
{
    (void)state;
    assert_true(subjects_init(&subjects, "shop"));
    subjects_named(&subjects, SUBJECT_GROUP, "a *.>\x80", &subject);
    assert_string_equal(subject.text, "weir.shop.g.61202a2e3e80");
    subjects_named(&subjects, SUBJECT_NAME, "Z", &subject);
    assert_string_equal(subject.text, "weir.shop.u.5a");
    subjects_node(&subjects, 255, &subject);
    assert_string_equal(subject.text, "weir.shop.n.255");
    subjects_questions(&subjects, &subject);
    assert_string_equal(subject.text, "weir.shop.who");
    subjects_hello(&subjects, &subject);
    assert_string_equal(subject.text, "weir.shop.hello");
}

static void test_names_of_clusters_are_checked(void **state)
{
    char name[SUBJECTS_CLUSTER_BYTES_MAX + 2] = "";
    const char *bad[] = {"", "a.b", "a b", "*", ">", "caf\xc3\xa9"};
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(subjects_init(&subjects, bad[i]));
    memset(name, 'x', SUBJECTS_CLUSTER_BYTES_MAX);
    assert_true(subjects_init(&subjects, name));
    name[SUBJECTS_CLUSTER_BYTES_MAX] = 'x';
    assert_false(subjects_init(&subjects, name));
}

static void test_the_longest_subject_fits(void **state)
{
    char cluster[SUBJECTS_CLUSTER_BYTES_MAX + 1] = "", group[WEIR_GROUP_NAME_BYTES_MAX + 1] = "";
    (void)state;

    memset(cluster, '-', sizeof cluster - 1);
    memset(group, '\xff', sizeof group - 1);
    assert_true(subjects_init(&subjects, cluster));
    subjects_named(&subjects, SUBJECT_GROUP, group, &subject);
    assert_int_equal(strlen(subject.text), 5 + 64 + 3 + 2 * 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subjects_are_composed),
        cmocka_unit_test(test_names_of_clusters_are_checked),
        cmocka_unit_test(test_the_longest_subject_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
