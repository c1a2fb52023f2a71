/* SPDX-License-Identifier: MIT */
/* check.h - assertions. They stay on in every build: a broken invariant ends the process with a
 * line that names it, before it can send one peer's bytes to another. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

/* Says on stderr what did not hold and where, and ends the process by abort(). */
_Noreturn void check_failed(const char *what, const char *file, int line, const char *function);

/* Says which rule of weir.h the program broke, and ends the process by abort(). */
_Noreturn void check_misused(const char *rule);

/* What must hold. One condition a check, so that the message says which. */
#define weir_check(condition) \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__, __func__))

/* The same, where the condition alone would not teach its reader: `why` is a string literal that
 * names the rule. */
#define weir_check_rule(condition, why) \
    ((condition) ? (void)0 : check_failed(why ": " #condition, __FILE__, __LINE__, __func__))

/* What the library's user must keep, by weir.h: their mistake, said as such. */
#define weir_check_use(condition, why) ((condition) ? (void)0 : check_misused(why))

#define weir_unreachable(why) check_failed("reached: " why, __FILE__, __LINE__, __func__)

/* From a pointer to a member, the struct around it. */
#define weir_container_of(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define weir_count_of(array) (sizeof(array) / sizeof((array)[0]))

#endif
