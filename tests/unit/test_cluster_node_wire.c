/* SPDX-License-Identifier: MIT */
/* test_cluster_node_wire.c - messages between nodes: every kind survives writing and
 * reading, and bytes that are not a message are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node_wire.h"

static uint8_t bytes[1024];

static struct node_wire_message message_of(enum node_wire_kind kind)
{
    struct node_wire_message message = {.kind = kind,
                                        .origin = 200,
                                        .incarnation = UINT64_C(0x0102030405060708),
                                        .stream = node_wire_is_counted(kind) ? 9 : 0,
                                        .sequence = node_wire_is_counted(kind) ? 77 : 0};
    bool has_name = kind == NODE_WIRE_BROADCAST || kind == NODE_WIRE_SEND_NAME ||
                    kind == NODE_WIRE_BOUND || kind == NODE_WIRE_ASK_COUNT;

    if (has_name) memcpy(message.name, "room *.>", 9);
    if (kind == NODE_WIRE_BROADCAST || kind == NODE_WIRE_SEND || kind == NODE_WIRE_SEND_NAME ||
        kind == NODE_WIRE_HELLO) {
        message.bytes = (const uint8_t *)"hello";
        message.length = 5;
    }
    message.numbers[0] = kind == NODE_WIRE_SEND_NAME || kind == NODE_WIRE_BYE ||
                                 kind == NODE_WIRE_ASK_NODE || kind == NODE_WIRE_NODE_TAKEN
                             ? 0
                             : UINT64_MAX - 1;
    if (kind == NODE_WIRE_COUNT) message.numbers[4] = 1;
    return message;
}

static size_t write_message(const struct node_wire_message *message)
{
    size_t size = node_wire_size(message);

    assert_true(size <= sizeof bytes);
    node_wire_write(message, bytes);
    return size;
}

static void test_every_kind_survives(void **state)
{
    (void)state;
    for (int kind = 1; kind < NODE_WIRE_KINDS_COUNT; kind++) {
        struct node_wire_message message = message_of((enum node_wire_kind)kind), copy;
        size_t size = write_message(&message);
        assert_true(node_wire_read(bytes, size, &copy));
        assert_int_equal(copy.kind, kind);
        assert_int_equal(copy.origin, 200);
        assert_true(copy.incarnation == message.incarnation);
        assert_int_equal(copy.stream, message.stream);
        assert_true(copy.sequence == message.sequence);
        assert_string_equal(copy.name, message.name);
        assert_memory_equal(copy.numbers, message.numbers, sizeof copy.numbers);
        assert_int_equal(copy.length, message.length);
        if (copy.length > 0) assert_memory_equal(copy.bytes, "hello", 5);
    }
}

static void test_a_position_is_replaced(void **state)
{
    struct node_wire_message message = message_of(NODE_WIRE_BROADCAST), copy;
    (void)state;
    size_t size = write_message(&message);

    node_wire_set_position(bytes, 0x01020304, UINT64_C(0x1112131415161718));
    assert_true(node_wire_read(bytes, size, &copy));
    assert_int_equal(copy.stream, 0x01020304);
    assert_true(copy.sequence == UINT64_C(0x1112131415161718));
    assert_int_equal(bytes[12], 1); /* big-endian */
    assert_int_equal(bytes[23], 0x18);
}

static void test_no_prefix_is_a_message(void **state)
{
    (void)state;
    for (int kind = 1; kind < NODE_WIRE_KINDS_COUNT; kind++) {
        struct node_wire_message message = message_of((enum node_wire_kind)kind), copy;
        size_t size = write_message(&message) - message.length;
        for (size_t i = 0; i < size; i++) assert_false(node_wire_read(bytes, i, &copy));
    }
}

/* Whether a broadcast is refused after one of its bytes was changed. */
static bool is_refused_with(size_t at, uint8_t value)
{
    struct node_wire_message message = message_of(NODE_WIRE_BROADCAST), copy;
    size_t size = write_message(&message);

    bytes[at] = value;
    return !node_wire_read(bytes, size, &copy);
}

static void test_malformed_messages_are_refused(void **state)
{
    struct node_wire_message message = message_of(NODE_WIRE_BYE), copy;
    (void)state;

    assert_true(is_refused_with(0, 0x58));                  /* another protocol */
    assert_true(is_refused_with(1, NODE_WIRE_VERSION + 1)); /* another version */
    assert_true(is_refused_with(2, 0));                     /* no kind */
    assert_true(is_refused_with(2, NODE_WIRE_KINDS_COUNT));
    assert_true(is_refused_with(24, 0));                     /* no name */
    assert_true(is_refused_with(24, 64));                    /* a name that is too long */
    assert_true(is_refused_with(24, 255));                   /* beyond the end */
    assert_true(is_refused_with(NODE_WIRE_HEADER_BYTES, 0)); /* a name with a NUL */
    assert_true(is_refused_with(23, 0));                     /* counted, without a sequence */
    assert_false(is_refused_with(23, 1));
    size_t size = write_message(&message);
    assert_false(node_wire_read(bytes, size + 1, &copy)); /* bytes where there are none */
    bytes[23] = 1;
    assert_false(node_wire_read(bytes, size, &copy)); /* a sequence, but not counted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_survives),
        cmocka_unit_test(test_a_position_is_replaced),
        cmocka_unit_test(test_no_prefix_is_a_message),
        cmocka_unit_test(test_malformed_messages_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
