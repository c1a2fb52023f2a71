/* SPDX-License-Identifier: MIT */
/* error_os_windows.c - system error numbers on Windows: Winsock and Win32. */
#include "error_fill.h"
#include "error_winsock.h"

const char *error_os_name(int os_error, char *text, size_t size)
{
    return error_winsock_name(os_error, text, size);
}

enum weir_code error_code_of_os(int os_error)
{
    return error_winsock_code(os_error);
}

const char *error_os_hint(int os_error)
{
    switch (error_winsock_code(os_error)) {
    case WEIR_NO_FILES:
    case WEIR_NO_BUFFERS: return "close other programs, or restart Windows if that does not help";
    case WEIR_NO_MEMORY: return "free some memory";
    case WEIR_DENIED: return "a policy or a security program forbids it; allow it there";
    default: return "";
    }
}
