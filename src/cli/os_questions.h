/* SPDX-License-Identifier: MIT */
/* os_questions.h - what `weir selftest` asks the operating system: which transports there are, and
 * how the system behaves where no document says it (Windows: Registered I/O). */
#ifndef CLI_OS_QUESTIONS_H
#define CLI_OS_QUESTIONS_H

#include <stddef.h>

/* The result of a question, also the exit code of its process: codes that a crash does not use. */
enum os_answer {
    OS_ANSWER_CONFIRMS = 100, /* as weir expects it */
    OS_ANSWER_DIFFERS,        /* not as weir expects it */
    OS_ANSWER_ANSWERS,        /* weir is prepared for either result */
    OS_ANSWER_UNTRIED,        /* something that the question needs is not there */
};

struct os_question {
    const char *rules; /* of docs/design/rio-rules.md */
    const char *about;
};

/* The transports of this system, best first; null after the last, which every system has. */
extern const char *const os_questions_transports[];
/* What the best transport needs, "io_uring" or "RIO". */
extern const char *const os_questions_best;

/* The questions about the best transport. Those that are most likely to crash come last. */
extern const size_t os_questions_count;

const struct os_question *os_questions_at(size_t index);

/* Asks: prints what happens, in one line without a newline. The process can crash, stand still, or
 * end with the answer as its exit code. */
enum os_answer os_questions_ask(size_t index);

#endif
