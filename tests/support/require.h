/* SPDX-License-Identifier: MIT */
/* require.h - requirements of tests. They also work in child processes and on other threads, where
 * a failure ends the process, since cmocka can fail a test only on its main thread. */
#ifndef SUPPORT_REQUIRE_H
#define SUPPORT_REQUIRE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define REQUIRE_FORMAT __attribute__((format(printf, 3, 4)))
#else
#define REQUIRE_FORMAT
#endif

REQUIRE_FORMAT _Noreturn void require_failed(const char *file, int line, const char *format, ...);

#define require(condition) \
    ((condition) ? (void)0 : require_failed(__FILE__, __LINE__, "%s", #condition))

#define require_equal(a, b) \
    require_equal_at(__FILE__, __LINE__, #a " == " #b, (uint64_t)(a), (uint64_t)(b))
void require_equal_at(const char *file, int line, const char *what, uint64_t a, uint64_t b);

/* Runs the function in a child process, which a check must abort with a text that contains `rule`.
 * Use it directly in the test function: the Windows child finds the test by its function name. */
#define require_death(run, argument, rule) require_death_in(__func__, run, argument, rule)
void require_death_in(const char *test, void (*run)(void *argument), void *argument,
                      const char *rule);

/* Runs the program with these arguments (null-terminated). Returns its exit code, or 128 + n after
 * signal n. Writes its output to `text`. */
int require_run(char *const arguments[], char *text, uint32_t text_bytes);

#endif
