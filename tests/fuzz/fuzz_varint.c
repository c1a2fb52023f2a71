/* SPDX-License-Identifier: MIT */
/* fuzz_varint.c - length fields in LEB128. */
#include "fuzz_stream.h"

static const char *const specs[] = {
    "varint",
    "varint,max=5",
    "varint,max=5,oversize=skip",
    "mqtt",
    "mqtt,max=20,oversize=skip",
    "varint,covers=header+body",
    "varint,covers=header+body,strip=no,max=4,oversize=skip",
    "varint,adjust=3,max=130,oversize=skip",
    "varint,adjust=-3",
    "varint,offset=2,magic=a",
    "varint,covers=header+body,adjust=2,offset=1",
    "varint,adjust=-3,strip=no,oversize=skip,max=8",
    "varint,minimal=no",
    "varint,minimal=no,max=5,oversize=skip",
    "mqtt,minimal=no,max=20,oversize=skip",
    "varint,minimal=no,covers=header+body,offset=1",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream_run(specs, sizeof specs / sizeof specs[0], data, size);
    return 0;
}
