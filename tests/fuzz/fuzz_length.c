/* SPDX-License-Identifier: MIT */
/* fuzz_length.c - length fields of fixed width, in every position and meaning. */
#include "fuzz_stream.h"

static const char *const specs[] = {
    "u8",
    "u16be",
    "u16le",
    "u24be",
    "u32be",
    "u32le",
    "u64be",
    "u64le",
    "u8,max=5",
    "u8,max=5,oversize=skip",
    "u16le,max=20,oversize=skip",
    "u64be,max=9,oversize=skip",
    "length:width=1,covers=header+body",
    "length:width=1,covers=header+body,strip=no,max=9,oversize=skip",
    "length:width=1,offset=2,header=5,covers=rest",
    "length:width=2,offset=1,header=4,covers=rest,adjust=-3,max=40,oversize=skip",
    "length:width=1,adjust=4",
    "length:width=1,adjust=-4,strip=no,oversize=skip,max=30",
    "length:width=1,offset=3,header=8,strip=5",
    "length:width=2,endian=little,offset=1,strip=2,max=32",
    "tpkt",
    "tls-record",
    "diameter",
    "bgp",
    "netty(1,2,1,3)",
    "netty(0,1,2,0)",
    "netty(0,1,0,5)",
    "length:width=3,endian=little,offset=1,header=6,magic=\\x01",
    "length:width=8,adjust=-1,max=64,oversize=skip",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream_run(specs, sizeof specs / sizeof specs[0], data, size);
    return 0;
}
