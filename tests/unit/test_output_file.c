/* SPDX-License-Identifier: MIT */
/* test_output_file.c - an output file whose system calls fail, one after the other: the error is
 * reported, and neither a part of the file, nor an older one, nor a temporary one stays. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "output_file.h"

#define TEXT "40001\n40002\n"

static char folder[64], path[128];
static struct arena arena;
static const char *failing; /* the call that fails; null: none */
static int failing_error;

static bool fails(const char *call)
{
    if (!failing || strcmp(failing, call) != 0) return false;
    errno = failing_error;
    return true;
}

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_unlink(const char *name);
int __wrap_unlink(const char *name);

/* A disk that becomes full takes a part first. */
ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    if (fails("write") && length < sizeof TEXT - 1) return -1;
    return __real_write(fd, bytes, fails("write") ? 5 : length);
}

int __wrap_close(int fd)
{
    bool is_failing = fails("close");
    int result = __real_close(fd);

    if (is_failing) errno = failing_error;
    return is_failing ? -1 : result;
}

int __wrap_rename(const char *from, const char *to)
{
    return fails("rename") ? -1 : __real_rename(from, to);
}

int __wrap_fchmod(int fd, mode_t mode)
{
    return fails("fchmod") ? -1 : __real_fchmod(fd, mode);
}

int __wrap_unlink(const char *name)
{
    return fails("unlink") ? -1 : __real_unlink(name);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "test_output_file.XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/ports", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    failing = NULL;
    arena_free(&arena);
    remove(path);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *read_file(void)
{
    static char text[64];
    FILE *file = fopen(path, "rb");

    if (!file) return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static size_t files_count(void)
{
    DIR *entries = opendir(folder);
    size_t count = 0;

    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(entries);
    return count;
}

static bool write_ports(struct output_file *output)
{
    *output = (struct output_file){.option = NULL};
    return output_file_open(output, "port-file", path, 0, &arena) &&
           output_file_write(output, TEXT, strlen(TEXT));
}

static void test_a_file_is_written_and_replaced(void **state)
{
    struct output_file output;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(write_ports(&output));
        output_file_close(&output);
        assert_string_equal(read_file(), TEXT);
        assert_int_equal(files_count(), 1);
    }
}

static void test_no_file_is_wanted(void **state)
{
    struct output_file output = {.option = NULL};

    (void)state;
    assert_true(output_file_write(&output, TEXT, strlen(TEXT)));
    output_file_discard(&output);
    output_file_close(&output);
}

static void assert_failed(const char *call, int os_error, const char *cause)
{
    struct output_file output;

    write_file("an older and longer file\n");
    failing = call;
    failing_error = os_error;
    assert_false(write_ports(&output));
    failing = NULL;
    output_file_discard(&output);
    if (!strstr(output.why, cause)) fail_msg("%s: %s", call, output.why);
    if (!strstr(output.why, path)) fail_msg("%s: %s", call, output.why);
    assert_null(read_file());
    assert_int_equal(files_count(), 0);
}

static void test_each_failing_call(void **state)
{
    (void)state;
    assert_failed("write", ENOSPC, "No space left on device (ENOSPC); free some space");
    assert_failed("write", EIO, "(EIO)");
    assert_failed("close", EDQUOT, "Disk quota exceeded (EDQUOT); free some space");
    assert_failed("rename", EACCES, "(EACCES); check that its folder exists and is writable");
    assert_failed("fchmod", EPERM, "(EPERM)");
}

/* A file that cannot be removed, such as a mount point in a container, is emptied and written. */
static void test_a_file_that_cannot_be_removed(void **state)
{
    struct output_file output;
    struct stat before, after;

    (void)state;
    write_file("an older and longer file\n");
    assert_int_equal(stat(path, &before), 0);
    failing = "unlink";
    failing_error = EBUSY;
    output = (struct output_file){.option = NULL};
    assert_true(output_file_open(&output, "port-file", path, 0, &arena));
    assert_string_equal(read_file(), "");
    assert_true(output_file_write(&output, TEXT, strlen(TEXT)));
    assert_string_equal(read_file(), TEXT);
    output_file_discard(&output);
    assert_string_equal(read_file(), "");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(files_count(), 1);
    /* A full disk leaves no part. */
    assert_true(output_file_open(&output, "port-file", path, 0, &arena));
    failing = "write";
    failing_error = ENOSPC;
    assert_false(output_file_write(&output, TEXT, strlen(TEXT)));
    assert_string_equal(read_file(), "");
    output_file_discard(&output);
}

static void test_a_discarded_file_is_removed(void **state)
{
    struct output_file output;

    (void)state;
    assert_true(write_ports(&output));
    output_file_discard(&output);
    assert_int_equal(files_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_is_written_and_replaced, make_folder,
                                        remove_folder),
        cmocka_unit_test(test_no_file_is_wanted),
        cmocka_unit_test_setup_teardown(test_each_failing_call, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_removed, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_a_discarded_file_is_removed, make_folder,
                                        remove_folder),
    };

    return cmocka_run_group_tests_name("output_file", tests, NULL, NULL);
}
