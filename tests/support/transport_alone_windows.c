/* SPDX-License-Identifier: MIT */
/* transport_alone_windows.c - Windows's transports are of this kind. */
#include "transport_alone.h"

const char *transport_alone_name(void)
{
    return "iocp";
}
