/* SPDX-License-Identifier: MIT */
/* atomic.h - C11's atomics, by one door: where a compiler has them under another name or behind a
 * switch (MSVC: /experimental:c11atomics), this is the file to change. Only lock-free kinds are
 * used: flags, pointers and integers of up to 64 bits. */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdatomic.h>

#if ATOMIC_LLONG_LOCK_FREE != 2 || ATOMIC_POINTER_LOCK_FREE != 2
#error "weir needs atomics of 64 bits without locks: build for a 64-bit processor"
#endif

#endif
