/* SPDX-License-Identifier: MIT */
/* atomic.h - the only include of C11's atomics. A compiler that has them under another name or
 * behind a switch (MSVC: /experimental:c11atomics) needs changes in this file alone. Weir uses only
 * lock-free types: flags, pointers and integers of up to 64 bits. */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdatomic.h>

#if ATOMIC_LLONG_LOCK_FREE != 2 || ATOMIC_POINTER_LOCK_FREE != 2
#error "weir needs atomics of 64 bits without locks: build for a 64-bit processor"
#endif

#endif
