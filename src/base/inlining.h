/* SPDX-License-Identifier: MIT */
/* inlining.h - says where the compiler must inline, and where it must not: on the path of a message
 * it would otherwise keep a call, or save registers for a call that few messages need. */
#ifndef BASE_INLINING_H
#define BASE_INLINING_H

#if defined(_MSC_VER)
#define inlining_always static __forceinline
#define inlining_never static __declspec(noinline)
#else
#define inlining_always static inline __attribute__((always_inline))
#define inlining_never static __attribute__((noinline))
#endif

#endif
