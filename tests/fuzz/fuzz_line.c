/* SPDX-License-Identifier: MIT */
/* fuzz_line.c - lines and other delimiters. */
#include "fuzz_stream.h"

static const char *const specs[] = {
    "line",
    "line,max=4",
    "line,max=4,oversize=skip",
    "crlf",
    "crlf,max=4,oversize=skip",
    "nul",
    "nul,max=3",
    "line:delimiter=aab",
    "line:delimiter=aab,max=3,oversize=skip",
    "line:delimiter=aa,max=2,oversize=skip",
    "line:delimiter=ab",
    "line:delimiter=abababab,max=5,oversize=skip",
    "line:delimiter=aaaaaaaaaaaaaaaa,max=20,oversize=skip",
    "line,max=1,oversize=skip",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream_run(specs, sizeof specs / sizeof specs[0], data, size);
    return 0;
}
