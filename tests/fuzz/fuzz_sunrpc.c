/* SPDX-License-Identifier: MIT */
/* fuzz_sunrpc.c - ONC RPC records of one or several fragments. */
#include "fuzz_stream.h"

static const char *const specs[] = {
    "sunrpc",
    "sunrpc,max=6",
    "sunrpc,max=6,oversize=skip",
    "sunrpc,max=40,oversize=skip",
    "sunrpc:fragments=1",
    "sunrpc:fragments=3,max=6,oversize=skip",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream_run(specs, sizeof specs / sizeof specs[0], data, size);
    return 0;
}
