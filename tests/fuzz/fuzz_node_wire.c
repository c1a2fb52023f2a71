/* SPDX-License-Identifier: MIT */
/* fuzz_node_wire.c - any bytes as a message of another node: what is read is bounded, and
 * writing it again gives the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct node_wire_message message;
    uint8_t *copy = malloc(size > 0 ? size : 1); /* of its exact size, for the sanitizer */

    if (!copy) abort();
    if (size > 0) memcpy(copy, data, size);
    if (node_wire_read(copy, size, &message)) {
        if (memchr(message.name, '\0', sizeof message.name) == NULL) abort();
        if (message.length > size || node_wire_size(&message) != size) abort();
        uint8_t *again = malloc(size);
        if (!again) abort();
        node_wire_write(&message, again);
        if (memcmp(again, data, size) != 0) abort();
        free(again);
    }
    free(copy);
    return 0;
}
