/* SPDX-License-Identifier: MIT */
/* test_uring_restricted.c - the ring of a worker refuses requests that the transport never makes,
 * such as opening a file: they would pass every seccomp filter of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "uring_ring.h"

static struct uring_ring ring;

/* Submits the request that was prepared; returns its result. */
static int test__result(void)
{
    struct io_uring_cqe *completion;
    int result = io_uring_submit(&ring.io);

    if (result < 0) return result;
    assert_int_equal(io_uring_wait_cqe(&ring.io, &completion), 0);
    result = completion->res;
    io_uring_cqe_seen(&ring.io, completion);
    return result;
}

static void requests_of_files_and_programs_are_refused(void **state)
{
    static const struct open_how how = {.flags = O_RDONLY};

    (void)state;
    io_uring_prep_openat(uring_ring_entry(&ring), AT_FDCWD, "/dev/null", O_RDONLY, 0);
    assert_int_equal(test__result(), -EACCES);
    io_uring_prep_openat2(uring_ring_entry(&ring), AT_FDCWD, "/dev/null", (void *)&how);
    assert_int_equal(test__result(), -EACCES);
    io_uring_prep_socket(uring_ring_entry(&ring), AF_INET, SOCK_STREAM, 0, 0);
    assert_int_equal(test__result(), -EACCES);
    io_uring_prep_unlink(uring_ring_entry(&ring), "/nonexistent", 0);
    assert_int_equal(test__result(), -EACCES);
    io_uring_prep_read(uring_ring_entry(&ring), 0, NULL, 0, 0);
    assert_int_equal(test__result(), -EACCES);
}

static void the_restrictions_cannot_be_lifted(void **state)
{
    struct io_uring_restriction all = {.opcode = IORING_RESTRICTION_SQE_OP,
                                       .sqe_op = IORING_OP_OPENAT};
    int files[1] = {0};

    (void)state;
    assert_int_not_equal(
        io_uring_register((unsigned)ring.io.ring_fd, IORING_REGISTER_RESTRICTIONS, &all, 1), 0);
    assert_int_equal(io_uring_register((unsigned)ring.io.ring_fd, IORING_REGISTER_FILES, files, 1),
                     -EACCES);
}

static void allowed_requests_are_served(void **state)
{
    (void)state;
    io_uring_prep_cancel(uring_ring_entry(&ring), (void *)&ring, 0); /* of no request */
    assert_int_equal(test__result(), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_files_and_programs_are_refused),
        cmocka_unit_test(the_restrictions_cannot_be_lifted),
        cmocka_unit_test(allowed_requests_are_served),
    };
    struct net_options options;
    struct weir_error error;
    char text[512];

    net_options_init(&options);
    if (uring_ring_open(&ring, &options, &error) != WEIR_OK) {
        fprintf(stderr, "skipped: %s\n", weir_error_text(&error, text, sizeof text));
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uring_ring_free(&ring);
    return failed;
}
