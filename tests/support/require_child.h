/* SPDX-License-Identifier: MIT */
/* require_child.h - between require.c and the file of this system's children. */
#ifndef SUPPORT_REQUIRE_CHILD_H
#define SUPPORT_REQUIRE_CHILD_H

#include <stdbool.h>

/* Called before main. */
void require_note_main_thread(void);
bool require_on_main_thread(void);

/* From here on a failure ends the process: there is no test to fail. */
void require_become_child(void);

#endif
