/* SPDX-License-Identifier: MIT */
/* test_os_write.c - writing to a stream of Linux: one that another program made non-blocking, and a
 * closed one. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "os_stream.h"
#include "os_thread.h"

enum { TOTAL_BYTES = 1000000 };

static uint8_t received[TOTAL_BYTES];
static size_t received_count;
static _Atomic bool at_end;

static void read_to_the_end(void *argument)
{
    const int *fd = argument;
    ssize_t length = 1;

    for (; length > 0; received_count += (size_t)length)
        length = read(*fd, received + received_count, sizeof received - received_count);
    at_end = true;
}

static void a_non_blocking_stream_gets_every_byte(void **state)
{
    static char bytes[TOTAL_BYTES];
    static int ends[2];
    static struct os_thread reader = {.run = read_to_the_end, .argument = &ends[0]};

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i % 251);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    /* The pipe is full before the reader starts. */
    size_t before = 0;
    while (write(ends[1], bytes + before, 1000) == 1000) before += 1000;
    assert_true(os_thread_start(&reader));
    assert_int_equal(os_write(ends[1], bytes + before, sizeof bytes - before), 0);
    close(ends[1]);
    while (!at_end) continue;
    close(ends[0]);
    assert_int_equal(received_count, sizeof bytes);
    assert_memory_equal(received, bytes, sizeof bytes);
}

static void a_closed_stream_is_an_error(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    assert_int_equal(os_write(ends[1], "x", 1), EPIPE);
    close(ends[1]);
    assert_int_equal(os_write(ends[1], "x", 1), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_non_blocking_stream_gets_every_byte),
        cmocka_unit_test(a_closed_stream_is_an_error),
    };

    return cmocka_run_group_tests_name("os_write", tests, NULL, NULL);
}
