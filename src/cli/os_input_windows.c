/* SPDX-License-Identifier: MIT */
/* os_input_windows.c - stdin by its handle. */
#include "os_input.h"

#include <windows.h>
#include <stdint.h>

#include "os_stream.h"

size_t os_input_read(void *bytes, size_t size, int *error)
{
    size_t length;

    *error = os_read((intptr_t)GetStdHandle(STD_INPUT_HANDLE), bytes, size, &length);
    return length;
}

size_t os_input_fill(void *bytes, size_t size, int *error)
{
    size_t used = 0, length;

    while (used < size && (length = os_input_read((uint8_t *)bytes + used, size - used, error)) > 0)
        used += length;
    return used;
}
