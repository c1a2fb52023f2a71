/* SPDX-License-Identifier: MIT */
/* printed.c - one buffer, large enough for the longest help. */
#include "printed.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "check.h"
#include "print.h"

static char printed__text[1 << 17];
static size_t printed__length;

static int printed__write(int stream, const char *bytes, size_t length)
{
    weir_check(stream == 1);
    weir_check(printed__length + length < sizeof printed__text);
    memcpy(printed__text + printed__length, bytes, length);
    printed__length += length;
    return 0;
}

void printed_begin(void)
{
    printed__length = 0;
    print_redirect(1, printed__write);
}

const char *printed_text(void)
{
    bool good = print_flush();

    weir_check(good);
    printed__text[printed__length] = '\0';
    return printed__text;
}
