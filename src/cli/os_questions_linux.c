/* SPDX-License-Identifier: MIT */
/* os_questions_linux.c - the transports of Linux. io_uring is documented, and its transport asks
 * the kernel for each feature when it opens: there is nothing else to ask. */
#include "os_questions.h"

const char *const os_questions_transports[] = {"uring", "epoll", NULL};
const char *const os_questions_best = "io_uring";

const size_t os_questions_count = 0;

const struct os_question *os_questions_at(size_t index)
{
    (void)index;
    return NULL;
}

enum os_answer os_questions_ask(size_t index)
{
    (void)index;
    return OS_ANSWER_UNTRIED;
}
