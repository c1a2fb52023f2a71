/* SPDX-License-Identifier: MIT */
/* random.h - random bytes from the system. Only the program's start reads them. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/* Fills `bytes` with unpredictable bytes, at most 256, for the keys of hashes. Returns false if the
 * system provides none. Thread: any. */
bool random_fill(void *bytes, size_t length);

#endif
