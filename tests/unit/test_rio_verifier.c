/* SPDX-License-Identifier: MIT */
/* test_rio_verifier.c - runs a RIO program that follows the rules, and one program per rule that
 * breaks it. The verifier must accept the first, and stop each other one with the rule's number.
 *
 * The underlying table is a fake: it accepts every request, and completes those that the test
 * selects.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "require.h"
#include "rio_provider.h"
#include "thread.h"
#include "win_error.h"

/* ---- the table below ---- */

#define FAKE_MAX 64

static struct {
    struct rio_result results[FAKE_MAX]; /* of the accepted requests, oldest first */
    uint32_t count, ready;               /* ready: the number that can be dequeued */
    uint64_t socket_context;
    int os_error; /* of the next post; 0: success */
} fake;

static int fake_last_error(void)
{
    return fake.os_error;
}

static void fake_set_last_error(int os_error)
{
    fake.os_error = os_error;
}

static bool fake_is_stream(win_socket socket)
{
    return socket < 100;
}

static const struct win_system fake_system = {.last_error = fake_last_error,
                                              .set_last_error = fake_set_last_error,
                                              .socket_is_stream = fake_is_stream};

static rio_bool fake_take(const struct rio_piece *data, uint32_t flags, void *context)
{
    if (flags == RIO_COMMIT_ONLY) return 1;
    if (fake.os_error != 0) return 0;
    fake.results[fake.count++] =
        (struct rio_result){0, data ? data->length : 0, fake.socket_context, (uintptr_t)context};
    return 1;
}

static rio_bool RIO_CALL fake_post(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                   uint32_t flags, void *context)
{
    (void)rq;
    (void)count;
    return fake_take(data, flags, context);
}

static int RIO_CALL fake_post_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                 const struct rio_piece *local, const struct rio_piece *remote,
                                 const struct rio_piece *control, const struct rio_piece *out_flags,
                                 uint32_t flags, void *context)
{
    (void)local;
    (void)remote;
    (void)control;
    (void)out_flags;
    return fake_post(rq, data, count, flags, context);
}

static void RIO_CALL fake_close_cq(rio_cq cq)
{
    (void)cq;
}

static rio_cq RIO_CALL fake_create_cq(uint32_t size, const struct rio_notification *notification)
{
    (void)size;
    (void)notification;
    return (rio_cq)(void *)&fake;
}

static rio_rq RIO_CALL fake_create_rq(uintptr_t socket, uint32_t a, uint32_t b, uint32_t c,
                                      uint32_t d, rio_cq e, rio_cq f, void *context)
{
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
    fake.socket_context = (uintptr_t)context;
    return (rio_rq)(void *)(&fake.results[0] + socket % FAKE_MAX);
}

static uint32_t RIO_CALL fake_dequeue(rio_cq cq, struct rio_result *results, uint32_t max)
{
    uint32_t count = fake.ready < max ? fake.ready : max;

    (void)cq;
    memcpy(results, fake.results, count * sizeof *results);
    fake.count -= count;
    fake.ready -= count;
    memmove(fake.results, fake.results + count, fake.count * sizeof *results);
    return count;
}

static void RIO_CALL fake_deregister(rio_buffer_id id)
{
    (void)id;
}

static int RIO_CALL fake_notify(rio_cq cq)
{
    (void)cq;
    return 0;
}

static rio_buffer_id RIO_CALL fake_register(void *bytes, uint32_t length)
{
    (void)length;
    return (rio_buffer_id)bytes;
}

static rio_bool RIO_CALL fake_resize_cq(rio_cq cq, uint32_t size)
{
    (void)cq;
    return size > 0;
}

static rio_bool RIO_CALL fake_resize_rq(rio_rq rq, uint32_t a, uint32_t b)
{
    (void)rq;
    return a + b > 0;
}

static void fake_close_socket(rio_rq rq, win_socket socket)
{
    (void)rq;
    (void)socket;
}

static const struct rio_table fake_table = {sizeof(struct rio_table),
                                            fake_post,
                                            fake_post_ex,
                                            fake_post,
                                            fake_post_ex,
                                            fake_close_cq,
                                            fake_create_cq,
                                            fake_create_rq,
                                            fake_dequeue,
                                            fake_deregister,
                                            fake_notify,
                                            fake_register,
                                            fake_resize_cq,
                                            fake_resize_rq};

static const struct rio_provider fake_provider = {
    .name = "fake", .table = &fake_table, .close_socket = fake_close_socket};

/* ---- a program over the verifier ---- */

enum { LISTENER = 1, STREAM = 4, DATAGRAM = 104, QUEUE_SIZE = 16 };

static struct {
    const struct rio_provider *provider;
    const struct rio_table *rio;
    rio_cq cq;
    rio_rq stream, datagram;
    uint8_t bytes[4][256]; /* one registration each */
    rio_buffer_id ids[4];
} it;

static struct rio_piece piece(int index, uint32_t offset, uint32_t length)
{
    return (struct rio_piece){it.ids[index], offset, length};
}

static void open_all(void)
{
    struct rio_notification notification = {.type = RIO_NOTIFY_BY_PORT};
    int accept;

    memset(&fake, 0, sizeof fake);
    it.provider = rio_provider_verified(&fake_system, &fake_provider);
    it.rio = it.provider->table;
    it.cq = it.rio->create_cq(QUEUE_SIZE, &notification);
    it.provider->on_socket(RIO_SOCKET_LISTENER, LISTENER, WIN_NO_SOCKET);
    it.provider->on_socket(RIO_SOCKET_STREAM, STREAM, WIN_NO_SOCKET);
    it.provider->on_socket(RIO_SOCKET_DATAGRAM, DATAGRAM, WIN_NO_SOCKET);
    it.provider->on_accept(true, STREAM, &accept, 44);
    it.provider->on_accept(false, STREAM, &accept, 0);
    it.provider->on_socket(RIO_SOCKET_ACCEPTED, STREAM, LISTENER);
    for (int i = 0; i < 4; i++) it.ids[i] = it.rio->register_buffer(it.bytes[i], 256);
    it.stream = it.rio->create_rq(STREAM, 2, 1, 2, 1, it.cq, it.cq, &it);
}

static void open_datagram(void)
{
    it.datagram = it.rio->create_rq(DATAGRAM, 4, 1, 4, 1, it.cq, it.cq, &it);
}

static rio_bool receive(int index, uint32_t flags)
{
    struct rio_piece data = piece(index, 0, 256);

    return it.rio->receive(it.stream, &data, 1, flags, &it.bytes[index]);
}

static rio_bool send(int index, uint32_t flags)
{
    struct rio_piece data = piece(index, 0, 256);

    return it.rio->send(it.stream, &data, 1, flags, &it.bytes[index]);
}

/* Completes the oldest request with this status and number of bytes. */
static struct rio_result complete(int32_t status, uint32_t bytes)
{
    struct rio_result result;

    fake.results[0].status = status;
    fake.results[0].bytes = bytes;
    fake.ready = 1;
    require_equal(it.rio->dequeue(it.cq, &result, 1), 1);
    return result;
}

static void close_all(void)
{
    it.provider->close_socket(it.stream, STREAM);
    while (fake.count > 0) complete(995, 0);
    it.rio->close_cq(it.cq);
    for (int i = 0; i < 4; i++) it.rio->deregister(it.ids[i]);
    it.provider->on_socket(RIO_SOCKET_CLOSED, LISTENER, WIN_NO_SOCKET);
    it.provider->on_socket(RIO_SOCKET_CLOSED, DATAGRAM, WIN_NO_SOCKET);
    it.provider->on_end();
}

static void a_program_that_follows_the_rules_passes(void **state)
{
    (void)state;
    open_all();
    it.provider->on_reading(it.stream, true);
    require(receive(0, RIO_DEFER));
    require(it.rio->receive(it.stream, NULL, 0, RIO_COMMIT_ONLY, NULL));
    require_equal(it.rio->notify(it.cq), 0);
    it.provider->before_wait(it.cq);
    it.provider->on_notified(it.cq);
    struct rio_result result = complete(0, 100);
    require_equal(result.request_context, (uintptr_t)&it.bytes[0]);
    require_equal(result.socket_context, (uintptr_t)&it);
    require(send(0, 0)); /* sends the received bytes back */
    require(receive(1, 0));
    require(send(2, 0));
    complete(0, 256);
    fake.os_error = WIN_ENOBUFS; /* a rejected post leaves no pending request */
    require(!receive(3, 0));
    fake.os_error = 0;
    require(receive(3, 0));
    close_all();
}

/* The system may write to the control piece of a send, to report what it used. */
static void the_system_may_write_the_control_piece_of_a_send(void **state)
{
    (void)state;
    open_all();
    open_datagram();
    struct rio_piece data = piece(0, 0, 64), remote = piece(0, 64, 28), control = piece(0, 96, 64);
    require(it.rio->send_ex(it.datagram, &data, 1, NULL, &remote, &control, NULL, 0, &it));
    it.bytes[0][100]++;
    complete(0, 64);
    it.provider->close_socket(it.datagram, DATAGRAM);
    close_all();
}

/* ---- one test per rule ---- */

#define BREAKS(name, rule)                                       \
    static void name##__run(void *argument);                     \
    static void name(void **state)                               \
    {                                                            \
        (void)state;                                             \
        require_death(name##__run, NULL, "rio rule " rule ": "); \
    }                                                            \
    static void name##__run(void *argument)

static void receive_elsewhere(void *argument)
{
    (void)argument;
    receive(0, 0);
}

BREAKS(vv01_two_threads_use_one_queue, "VV1")
{
    int os_error;
    (void)argument;
    open_all();
    thread_join(thread_start("other", receive_elsewhere, NULL, &os_error));
}

BREAKS(vv02_two_pending_sends_share_a_registration, "VV2")
{
    (void)argument;
    open_all();
    send(0, 0);
    send(0, 0);
}

BREAKS(vv02_a_send_shares_a_registration_with_a_receive, "VV2")
{
    (void)argument;
    open_all();
    receive(0, 0);
    send(0, 0);
}

BREAKS(vv02_two_receives_share_bytes, "VV2")
{
    struct rio_piece data = piece(0, 255, 1);
    (void)argument;
    open_all();
    receive(0, 0);
    data.id = it.ids[0];
    it.rio->receive(it.stream, &data, 1, 0, &it);
}

BREAKS(vv03_a_piece_reaches_beyond_its_registration, "VV3")
{
    struct rio_piece data;
    (void)argument;
    open_all();
    data = piece(0, 200, 57);
    it.rio->receive(it.stream, &data, 1, 0, &it);
}

BREAKS(vv03_a_piece_names_a_deregistered_buffer, "VV3")
{
    (void)argument;
    open_all();
    it.rio->deregister(it.ids[0]);
    receive(0, 0);
}

BREAKS(vv04_a_registration_in_use_is_deregistered, "VV4")
{
    (void)argument;
    open_all();
    receive(0, 0);
    it.rio->deregister(it.ids[0]);
}

BREAKS(vv05_bytes_of_a_pending_send_change, "VV5")
{
    (void)argument;
    open_all();
    send(0, 0);
    it.bytes[0][17]++;
    complete(0, 256);
}

BREAKS(vv05_the_address_of_a_pending_send_changes, "VV5")
{
    (void)argument;
    open_all();
    open_datagram();
    struct rio_piece data = piece(0, 0, 64), remote = piece(0, 64, 28), control = piece(0, 96, 64);
    it.rio->send_ex(it.datagram, &data, 1, NULL, &remote, &control, NULL, 0, &it);
    it.bytes[0][70]++;
    complete(0, 64);
}

BREAKS(vv05_bytes_of_a_pending_receive_change, "VV5")
{
    (void)argument;
    open_all();
    receive(0, 0);
    it.bytes[0][255]++;
    complete(0, 10);
}

BREAKS(vv06_more_requests_than_the_queue_allows, "VV6")
{
    (void)argument;
    open_all();
    receive(0, 0);
    receive(1, 0);
    receive(2, 0);
}

BREAKS(vv06_a_request_queue_exceeds_the_completion_queue, "VV6")
{
    (void)argument;
    open_all();
    it.rio->create_rq(DATAGRAM, 10, 1, 10, 1, it.cq, it.cq, &it);
}

BREAKS(vv06_a_grown_request_queue_exceeds_the_completion_queue, "VV6")
{
    (void)argument;
    open_all();
    it.rio->resize_rq(it.stream, 2, 40);
}

BREAKS(vv06_a_request_queue_shrinks, "VV6")
{
    (void)argument;
    open_all();
    it.rio->resize_rq(it.stream, 2, 1);
}

static void a_grown_request_queue_holds_more_requests(void **state)
{
    (void)state;
    open_all();
    require(send(0, 0));
    require(send(1, 0));
    require(it.rio->resize_rq(it.stream, 2, 3));
    require(send(2, 0));
    for (int i = 0; i < 3; i++) complete(0, 256);
    close_all();
}

BREAKS(vv07_two_pieces_of_data, "VV7")
{
    (void)argument;
    open_all();
    it.rio->create_rq(DATAGRAM, 1, 2, 1, 1, it.cq, it.cq, &it);
}

BREAKS(vv07_a_commit_has_data, "VV7")
{
    struct rio_piece data;
    (void)argument;
    open_all();
    data = piece(0, 0, 1);
    it.rio->send(it.stream, &data, 1, RIO_COMMIT_ONLY, NULL);
}

BREAKS(vv07_unknown_flags, "VV7")
{
    (void)argument;
    open_all();
    send(0, 64);
}

BREAKS(vv08_the_thread_blocks_with_uncommitted_requests, "VV8")
{
    (void)argument;
    open_all();
    send(0, RIO_DEFER);
    it.rio->receive(it.stream, NULL, 0, RIO_COMMIT_ONLY, NULL); /* the other direction */
    it.rio->notify(it.cq);
    it.provider->before_wait(it.cq);
}

BREAKS(vv09_notify_is_called_twice, "VV9")
{
    (void)argument;
    open_all();
    it.rio->notify(it.cq);
    it.rio->notify(it.cq);
}

BREAKS(vv09_the_thread_blocks_without_a_notification, "VV9")
{
    (void)argument;
    open_all();
    receive(0, 0);
    it.provider->before_wait(it.cq);
}

BREAKS(vv09_the_thread_blocks_on_quiet_requests, "VV9")
{
    (void)argument;
    open_all();
    send(0, RIO_DONT_NOTIFY);
    it.rio->notify(it.cq);
    it.provider->before_wait(it.cq);
}

BREAKS(vv10_a_queue_is_used_after_its_socket_was_closed, "VV10")
{
    (void)argument;
    open_all();
    receive(0, 0);
    it.provider->close_socket(it.stream, STREAM);
    it.rio->send(it.stream, NULL, 0, RIO_COMMIT_ONLY, NULL);
}

BREAKS(vv11_a_completion_comes_twice, "VV11")
{
    (void)argument;
    open_all();
    receive(0, 0);
    fake.results[1] = fake.results[0];
    fake.count = 2;
    complete(0, 1);
    complete(0, 1);
}

BREAKS(vv12_a_completion_queue_is_closed_too_early, "VV12")
{
    (void)argument;
    open_all();
    receive(0, 0);
    it.rio->close_cq(it.cq);
}

BREAKS(vv13_a_queue_for_an_unknown_socket, "VV13")
{
    (void)argument;
    open_all();
    it.rio->create_rq(50, 1, 1, 1, 1, it.cq, it.cq, &it);
}

BREAKS(vv13_a_queue_before_the_accept_context, "VV13")
{
    (void)argument;
    open_all();
    it.provider->on_socket(RIO_SOCKET_STREAM, 8, WIN_NO_SOCKET);
    it.rio->create_rq(8, 1, 1, 1, 1, it.cq, it.cq, &it);
}

BREAKS(vv13_a_second_queue_for_a_socket, "VV13")
{
    (void)argument;
    open_all();
    it.rio->create_rq(STREAM, 1, 1, 1, 1, it.cq, it.cq, &it);
}

BREAKS(vv13_a_listener_not_opened_for_rio, "VV13")
{
    (void)argument;
    open_all();
    it.provider->on_socket(RIO_SOCKET_STREAM, 8, WIN_NO_SOCKET);
    it.provider->on_socket(RIO_SOCKET_ACCEPTED, 8, 77);
}

BREAKS(vv13_a_queue_before_the_connect_context, "VV13")
{
    (void)argument;
    open_all();
    it.provider->on_socket(RIO_SOCKET_CONNECTING, 8, WIN_NO_SOCKET);
    it.rio->create_rq(8, 1, 1, 1, 1, it.cq, it.cq, &it);
}

BREAKS(vv13_a_connected_socket_not_opened_for_rio, "VV13")
{
    (void)argument;
    open_all();
    it.provider->on_socket(RIO_SOCKET_STREAM, 8, WIN_NO_SOCKET);
    it.provider->on_socket(RIO_SOCKET_CONNECTED, 8, WIN_NO_SOCKET);
}

BREAKS(vv14_two_accepts_share_an_overlapped, "VV14")
{
    (void)argument;
    open_all();
    it.provider->on_socket(RIO_SOCKET_STREAM, 8, WIN_NO_SOCKET);
    it.provider->on_socket(RIO_SOCKET_STREAM, 12, WIN_NO_SOCKET);
    it.provider->on_accept(true, 8, &fake, 44);
    it.provider->on_accept(true, 12, &fake, 44);
}

BREAKS(vv14_an_accept_without_room_for_addresses, "VV14")
{
    (void)argument;
    open_all();
    it.provider->on_socket(RIO_SOCKET_STREAM, 8, WIN_NO_SOCKET);
    it.provider->on_accept(true, 8, &fake, 28);
}

BREAKS(vv16_an_address_too_short, "VV16")
{
    struct rio_piece data, remote;
    (void)argument;
    open_all();
    open_datagram();
    data = piece(0, 0, 10);
    remote = piece(1, 0, 16);
    it.rio->send_ex(it.datagram, &data, 1, NULL, &remote, NULL, NULL, 0, &it);
}

BREAKS(vv16_a_local_address_for_a_send, "VV16")
{
    struct rio_piece data, remote;
    (void)argument;
    open_all();
    open_datagram();
    data = piece(0, 0, 10);
    remote = piece(1, 0, 28);
    it.rio->send_ex(it.datagram, &data, 1, &remote, &remote, NULL, NULL, 0, &it);
}

BREAKS(vv16_a_datagram_socket_reads_with_nothing_posted, "VV16")
{
    (void)argument;
    open_all();
    open_datagram();
    it.provider->on_reading(it.datagram, true);
    it.rio->notify(it.cq);
    it.provider->before_wait(it.cq);
}

BREAKS(vv17_a_connection_reads_with_nothing_posted, "VV17")
{
    (void)argument;
    open_all();
    it.provider->on_reading(it.stream, true);
    it.rio->notify(it.cq);
    it.provider->before_wait(it.cq);
}

/* Out-of-order completions are only reported. The program then breaks another rule to end. */
BREAKS(vv18_completions_out_of_order_are_reported, "VV18")
{
    struct rio_result first;
    (void)argument;
    open_all();
    receive(0, 0);
    receive(1, 0);
    first = fake.results[0];
    fake.results[0] = fake.results[1];
    fake.results[1] = first;
    complete(0, 256);
    complete(0, 256);
    it.rio->notify(it.cq);
    it.rio->notify(it.cq);
}

BREAKS(vv19_high_bits_of_a_context_are_lost, "VV19")
{
    (void)argument;
    open_all();
    receive(0, 0);
    fake.results[0].socket_context &= 0xffff;
    complete(0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_that_follows_the_rules_passes),
        cmocka_unit_test(vv01_two_threads_use_one_queue),
        cmocka_unit_test(vv02_two_pending_sends_share_a_registration),
        cmocka_unit_test(vv02_a_send_shares_a_registration_with_a_receive),
        cmocka_unit_test(vv02_two_receives_share_bytes),
        cmocka_unit_test(vv03_a_piece_reaches_beyond_its_registration),
        cmocka_unit_test(vv03_a_piece_names_a_deregistered_buffer),
        cmocka_unit_test(vv04_a_registration_in_use_is_deregistered),
        cmocka_unit_test(vv05_bytes_of_a_pending_send_change),
        cmocka_unit_test(the_system_may_write_the_control_piece_of_a_send),
        cmocka_unit_test(vv05_the_address_of_a_pending_send_changes),
        cmocka_unit_test(vv05_bytes_of_a_pending_receive_change),
        cmocka_unit_test(vv06_more_requests_than_the_queue_allows),
        cmocka_unit_test(vv06_a_request_queue_exceeds_the_completion_queue),
        cmocka_unit_test(vv06_a_grown_request_queue_exceeds_the_completion_queue),
        cmocka_unit_test(vv06_a_request_queue_shrinks),
        cmocka_unit_test(a_grown_request_queue_holds_more_requests),
        cmocka_unit_test(vv07_two_pieces_of_data),
        cmocka_unit_test(vv07_a_commit_has_data),
        cmocka_unit_test(vv07_unknown_flags),
        cmocka_unit_test(vv08_the_thread_blocks_with_uncommitted_requests),
        cmocka_unit_test(vv09_notify_is_called_twice),
        cmocka_unit_test(vv09_the_thread_blocks_without_a_notification),
        cmocka_unit_test(vv09_the_thread_blocks_on_quiet_requests),
        cmocka_unit_test(vv10_a_queue_is_used_after_its_socket_was_closed),
        cmocka_unit_test(vv11_a_completion_comes_twice),
        cmocka_unit_test(vv12_a_completion_queue_is_closed_too_early),
        cmocka_unit_test(vv13_a_queue_for_an_unknown_socket),
        cmocka_unit_test(vv13_a_queue_before_the_accept_context),
        cmocka_unit_test(vv13_a_second_queue_for_a_socket),
        cmocka_unit_test(vv13_a_listener_not_opened_for_rio),
        cmocka_unit_test(vv13_a_queue_before_the_connect_context),
        cmocka_unit_test(vv13_a_connected_socket_not_opened_for_rio),
        cmocka_unit_test(vv14_two_accepts_share_an_overlapped),
        cmocka_unit_test(vv14_an_accept_without_room_for_addresses),
        cmocka_unit_test(vv16_an_address_too_short),
        cmocka_unit_test(vv16_a_local_address_for_a_send),
        cmocka_unit_test(vv16_a_datagram_socket_reads_with_nothing_posted),
        cmocka_unit_test(vv17_a_connection_reads_with_nothing_posted),
        cmocka_unit_test(vv18_completions_out_of_order_are_reported),
        cmocka_unit_test(vv19_high_bits_of_a_context_are_lost),
    };

    return cmocka_run_group_tests_name("rio_verifier", tests, NULL, NULL);
}
