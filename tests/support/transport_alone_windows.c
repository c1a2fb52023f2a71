/* SPDX-License-Identifier: MIT */
/* transport_alone_windows.c - on Windows, listeners of no transport can share an address. */
#include "transport_alone.h"

const char *transport_alone_name(void)
{
    return "iocp";
}
