/* SPDX-License-Identifier: MIT */
/* require_child.h - functions shared by require.c and the system's file for child processes. */
#ifndef SUPPORT_REQUIRE_CHILD_H
#define SUPPORT_REQUIRE_CHILD_H

#include <stdbool.h>

/* Records the calling thread as the main thread. Call it before main. */
void require_note_main_thread(void);
bool require_on_main_thread(void);

/* Makes later failures end the process, since a child has no test to fail. */
void require_become_child(void);

#endif
