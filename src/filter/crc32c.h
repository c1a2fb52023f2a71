/* SPDX-License-Identifier: MIT */
/* crc32c.h - the checksum CRC-32C (Castagnoli), as RFC 9260 appendix A and the PROXY protocol use
 * it. */
#ifndef FILTER_CRC32C_H
#define FILTER_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Returns the checksum of what `crc` is the checksum of, followed by these bytes. The checksum of
 * nothing is 0. */
uint32_t crc32c_add(uint32_t crc, const uint8_t *bytes, size_t length);

#endif
