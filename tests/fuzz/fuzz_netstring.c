/* SPDX-License-Identifier: MIT */
/* fuzz_netstring.c - netstrings, and messages of a fixed size. */
#include "fuzz_stream.h"

static const char *const specs[] = {
    "netstring",
    "netstring,max=5",
    "netstring,max=5,oversize=skip",
    "netstring,max=12,oversize=skip",
    "fixed:size=1",
    "fixed:size=3",
    "fixed:size=20",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream_run(specs, sizeof specs / sizeof specs[0], data, size);
    return 0;
}
