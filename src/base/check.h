/* SPDX-License-Identifier: MIT */
/* check.h - assertions, enabled in every build. A violated invariant ends the process with a
 * message that names it, before the process can send one peer's bytes to another. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

/* Writes the violated condition and its position to stderr, and calls abort(). */
_Noreturn void check_failed(const char *what, const char *file, int line, const char *function);

/* Writes the rule of weir.h that the program violated to stderr, and calls abort(). */
_Noreturn void check_misused(const char *rule);

/* Writes the violated WEIR_ASSERT of the program to stderr, and calls abort(). */
_Noreturn void check_asserted(const char *condition, const char *file, int line);

/* Checks an invariant. Use one condition per check, so that the message names it. */
#define weir_check(condition) \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__, __func__))

/* The same, with a string literal `why` that names the rule behind the condition. */
#define weir_check_rule(condition, why) \
    ((condition) ? (void)0 : check_failed(why ": " #condition, __FILE__, __LINE__, __func__))

/* Checks a rule of weir.h that the program must follow; reports misuse, not a bug in weir. */
#define weir_check_use(condition, why) ((condition) ? (void)0 : check_misused(why))

#define weir_unreachable(why) check_failed("reached: " why, __FILE__, __LINE__, __func__)

/* Returns the struct that contains the member at `pointer`. */
#define weir_container_of(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define weir_count_of(array) (sizeof(array) / sizeof((array)[0]))

#endif
