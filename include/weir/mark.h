/* SPDX-License-Identifier: MIT */
/* mark.h - assertions and marks in a handler: conditions that must always hold, and situations that
 * its tests must reach.
 *
 *     WEIR_ASSERT(room->members > 0);
 *     WEIR_SOMETIMES(weir_session_send(session, text, length) == WEIR_QUEUE_FULL);
 *
 * Both work in every program. weir-test and weir/test.h run a handler in many random scenarios; a
 * number, the seed, selects each scenario. A violated assertion fails its scenario. A situation
 * that no scenario reached fails the run. */
#ifndef WEIR_MARK_H
#define WEIR_MARK_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One WEIR_SOMETIMES in a program. */
struct weir_mark {
    const char *condition, *file; /* as written in the source */
    int line;
    int reached; /* not 0: the condition was true; read and written atomically */
};

/* All marks of one program or module: the pointers from `first` to the one before `last`. Both are
 * null if it has none, and on systems without ELF files. */
struct weir_marks {
    struct weir_mark **first, **last;
};

/* Records that the condition of a mark was true. WEIR_SOMETIMES() calls it. Thread: any. */
WEIR_API void weir_mark_reached(struct weir_mark *mark);

/* Reports a violated WEIR_ASSERT on stderr and ends the process. Does not return. Thread: any. */
WEIR_API void weir_assert_failed(const char *condition, const char *file, int line);

/* Ends the process with a message that names the condition, the file and the line, if the condition
 * is false. Release builds check it, too. Use it for rules that only an error in the handler can
 * break. If a peer can break the rule, call weir_session_fail() instead. */
#define WEIR_ASSERT(its_condition) \
    ((its_condition) ? (void)0 : weir_assert_failed(#its_condition, __FILE__, __LINE__))

/* A statement that a test must reach at least once with a true condition. The condition is
 * evaluated in every program. In a server the mark costs one load and two branches, and has no
 * effect. On systems without ELF files (Windows) tests ignore it. In C++ it cannot be used in an
 * inline function or a template. */
#if defined(__ELF__) && defined(__GNUC__)
#define WEIR_SOMETIMES(its_condition)                                                            \
    do {                                                                                         \
        static struct weir_mark weir_mark_here = {#its_condition, __FILE__, __LINE__, 0};        \
        static struct weir_mark *weir_mark_listed __attribute__((section("weir_marks"), used)) = \
            &weir_mark_here;                                                                     \
        if ((its_condition) && !__atomic_load_n(&weir_mark_here.reached, __ATOMIC_RELAXED))      \
            weir_mark_reached(weir_mark_listed);                                                 \
    } while (0)

/* The linker sets these to the marks of the program or module that contains the caller. */
extern struct weir_mark *__start_weir_marks[] __attribute__((weak, visibility("hidden")));
/* The end of them. */
extern struct weir_mark *__stop_weir_marks[] __attribute__((weak, visibility("hidden")));
#define WEIR_MARKS                            \
    {                                         \
        __start_weir_marks, __stop_weir_marks \
    }
#else
#define WEIR_SOMETIMES(its_condition) \
    do {                              \
        if (its_condition) {          \
        }                             \
    } while (0)
#define WEIR_MARKS \
    {              \
        NULL, NULL \
    }
#endif

#ifdef __cplusplus
}
#endif
#endif
