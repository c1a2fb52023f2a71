/* SPDX-License-Identifier: MIT */
/* node_wire.c - writes and reads the messages between nodes; node_wire.h draws them. */
#include "node_wire.h"

#include <string.h>

#include "check.h"

#define NODE_WIRE__MARK 0x57
#define NODE_WIRE__STREAM_AT 12
#define NODE_WIRE__SEQUENCE_AT 16
#define NODE_WIRE__NAME_LENGTH_AT 24

/* What each kind has besides the header. */
static const struct node_wire__shape {
    bool has_name, has_bytes;
    uint8_t numbers_count;
} node_wire__shapes[NODE_WIRE_KINDS_COUNT] = {
    [NODE_WIRE_BROADCAST] = {true, true, 1},  [NODE_WIRE_SEND] = {false, true, 1},
    [NODE_WIRE_FINISH] = {false, false, 1},   [NODE_WIRE_ABORT] = {false, false, 1},
    [NODE_WIRE_SEND_NAME] = {true, true, 0},  [NODE_WIRE_BOUND] = {true, false, 3},
    [NODE_WIRE_HELLO] = {false, true, 3},     [NODE_WIRE_BYE] = {false, false, 0},
    [NODE_WIRE_ASK_NODE] = {false, false, 0}, [NODE_WIRE_NODE_TAKEN] = {false, false, 0},
    [NODE_WIRE_ASK_COUNT] = {true, false, 2}, [NODE_WIRE_COUNT] = {false, false, 5},
};

bool node_wire_is_counted(enum node_wire_kind kind)
{
    return kind <= NODE_WIRE_SEND_NAME;
}

static void node_wire__put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t node_wire__get(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++) value = value << 8 | at[i];
    return value;
}

size_t node_wire_size(const struct node_wire_message *message)
{
    const struct node_wire__shape *shape = &node_wire__shapes[message->kind];

    return NODE_WIRE_HEADER_BYTES + strlen(message->name) + 8u * shape->numbers_count +
           message->length;
}

void node_wire_write(const struct node_wire_message *message, uint8_t *bytes)
{
    const struct node_wire__shape *shape = &node_wire__shapes[message->kind];
    size_t name_length = strlen(message->name);

    weir_check(shape->has_name == (name_length > 0));
    weir_check(shape->has_bytes || message->length == 0);
    bytes[0] = NODE_WIRE__MARK;
    bytes[1] = NODE_WIRE_VERSION;
    bytes[2] = (uint8_t)message->kind;
    bytes[3] = message->origin;
    node_wire__put(bytes + 4, message->incarnation, 8);
    node_wire_set_position(bytes, message->stream, message->sequence);
    bytes[NODE_WIRE__NAME_LENGTH_AT] = (uint8_t)name_length;
    uint8_t *at = bytes + NODE_WIRE_HEADER_BYTES;
    memcpy(at, message->name, name_length);
    at += name_length;
    for (size_t i = 0; i < shape->numbers_count; i++, at += 8)
        node_wire__put(at, message->numbers[i], 8);
    if (message->length > 0) memcpy(at, message->bytes, message->length);
}

void node_wire_set_position(uint8_t *bytes, uint32_t stream, uint64_t sequence)
{
    node_wire__put(bytes + NODE_WIRE__STREAM_AT, stream, 4);
    node_wire__put(bytes + NODE_WIRE__SEQUENCE_AT, sequence, 8);
}

/* Returns false if no kind has such a header. */
static bool node_wire__read_header(const uint8_t *bytes, struct node_wire_message *message)
{
    if (bytes[0] != NODE_WIRE__MARK || bytes[1] != NODE_WIRE_VERSION) return false;
    if (bytes[2] == 0 || bytes[2] >= NODE_WIRE_KINDS_COUNT) return false;
    message->kind = (enum node_wire_kind)bytes[2];
    message->origin = bytes[3];
    message->incarnation = node_wire__get(bytes + 4, 8);
    message->stream = (uint32_t)node_wire__get(bytes + NODE_WIRE__STREAM_AT, 4);
    message->sequence = node_wire__get(bytes + NODE_WIRE__SEQUENCE_AT, 8);
    return node_wire_is_counted(message->kind) == (message->sequence > 0);
}

static bool node_wire__read_name(const uint8_t *at, size_t length,
                                 struct node_wire_message *message)
{
    if ((length > 0) != node_wire__shapes[message->kind].has_name) return false;
    if (length > WEIR_GROUP_NAME_BYTES_MAX || memchr(at, '\0', length)) return false;
    memcpy(message->name, at, length);
    message->name[length] = '\0';
    return true;
}

bool node_wire_read(const uint8_t *bytes, size_t length, struct node_wire_message *message)
{
    if (length < NODE_WIRE_HEADER_BYTES || !node_wire__read_header(bytes, message)) return false;
    const struct node_wire__shape *shape = &node_wire__shapes[message->kind];
    size_t name_length = bytes[NODE_WIRE__NAME_LENGTH_AT],
           numbers_length = 8u * shape->numbers_count;
    if (length - NODE_WIRE_HEADER_BYTES < name_length + numbers_length) return false;
    const uint8_t *at = bytes + NODE_WIRE_HEADER_BYTES;
    if (!node_wire__read_name(at, name_length, message)) return false;
    at += name_length;
    for (size_t i = 0; i < NODE_WIRE_NUMBERS_MAX; i++)
        message->numbers[i] = i < shape->numbers_count ? node_wire__get(at + 8 * i, 8) : 0;
    message->bytes = at + numbers_length;
    message->length = length - NODE_WIRE_HEADER_BYTES - name_length - numbers_length;
    return shape->has_bytes || message->length == 0;
}
