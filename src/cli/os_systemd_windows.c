/* SPDX-License-Identifier: MIT */
/* os_systemd_windows.c - Windows passes no sockets. Its service manager gets the reports in its own
 * protocol. */
#include "os_systemd.h"

#include "os_service.h"
#include "os_service_run.h"

bool os_systemd_start(struct weir_error *error)
{
    (void)error;
    return true;
}

size_t os_systemd_sockets(intptr_t *first)
{
    *first = 0;
    return 0;
}

const char *os_systemd_socket_name(size_t index, char *text, size_t size)
{
    (void)index;
    if (size > 0) text[0] = '\0';
    return text;
}

void os_systemd_close_sockets(void) {}

bool os_systemd_listens(void)
{
    return os_service_is_running();
}

uint64_t os_systemd_watchdog_ms(void)
{
    return 0;
}

uint64_t os_systemd_now_us(void)
{
    return 0;
}

int os_systemd_tell(const char *text)
{
    os_service_tell(text);
    return 0;
}
