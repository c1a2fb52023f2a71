/* SPDX-License-Identifier: MIT */
/* story.h - tells what happens in a test, one line for each occurrence, and keeps a hash of it. */
#ifndef SIMULATOR_STORY_H
#define SIMULATOR_STORY_H

#include "simulator.h"

#if defined(__clang__)
#define STORY_FORMAT __attribute__((format(printf, 2, 3)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
#define STORY_FORMAT __attribute__((format(gnu_printf, 2, 3)))
#else
#define STORY_FORMAT
#endif

#define STORY_BYTES_TEXT 200 /* of the text of bytes */

/* Adds a line. */
void story_tell(struct weir_test *test, const char *format, ...) STORY_FORMAT;

/* Records the first violated rule, and adds a line about it. */
void story_fail(struct weir_test *test, const char *format, ...) STORY_FORMAT;

/* Writes up to 40 bytes in quotes and escaped. Returns `text`. */
const char *story_bytes(const void *bytes, size_t length, char text[STORY_BYTES_TEXT]);

#endif
