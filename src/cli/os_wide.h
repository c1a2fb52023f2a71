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

#endif
