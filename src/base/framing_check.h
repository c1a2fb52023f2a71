/* SPDX-License-Identifier: MIT */
/* framing_check.h - checks the sizes that a codec's encode function returned. */
#ifndef BASE_FRAMING_CHECK_H
#define BASE_FRAMING_CHECK_H

#include <weir/frame.h>

#include "check.h"

/* Checks the framing of a message of `length` bytes. */
static inline void framing_check(const struct weir_framing *framing, size_t length)
{
    weir_check_use(framing->skip <= length, "a codec's header replaces bytes that exist");
    weir_check_use(framing->header_length <= WEIR_HEADER_BYTES_MAX,
                   "a codec's header has at most WEIR_HEADER_BYTES_MAX bytes");
    weir_check_use(framing->trailer_length <= WEIR_TRAILER_BYTES_MAX,
                   "a codec's trailer has at most WEIR_TRAILER_BYTES_MAX bytes");
}

#endif
