/* SPDX-License-Identifier: MIT */
/* os_wide.h - the only conversions between weir's UTF-8 and Windows's UTF-16 for names: of files,
 * hosts and arguments. Windows only. */
#ifndef CLI_OS_WIDE_H
#define CLI_OS_WIDE_H

#include <wchar.h>

struct arena;

/* Returns a copy in UTF-16. Null: GetLastError() is ERROR_NO_UNICODE_TRANSLATION if the text is not
 * valid UTF-8, or ERROR_NOT_ENOUGH_MEMORY. */
wchar_t *os_wide(struct arena *arena, const char *text);

/* Returns a copy in UTF-8. Null: GetLastError() is ERROR_NO_UNICODE_TRANSLATION if half of a
 * surrogate pair is in it, or ERROR_NOT_ENOUGH_MEMORY. */
char *os_narrow(struct arena *arena, const wchar_t *wide);

/* As os_narrow(), for messages: half of a surrogate pair becomes U+FFFD. Null: out of memory.
 */
char *os_narrow_for_display(struct arena *arena, const wchar_t *wide);

#endif
