/* SPDX-License-Identifier: MIT */
/* os_service_linux.c - Linux has systemd's units in place of `weir service`. */
#include "os_service.h"

#include <stdio.h>

static bool os_service__fail(struct weir_error *error)
{
    *error = (struct weir_error){.code = WEIR_UNSUPPORTED};
    snprintf(error->operation, sizeof error->operation, "control a service of Windows");
    snprintf(error->reason, sizeof error->reason, "this is Linux");
    snprintf(error->hint, sizeof error->hint, "use the unit of systemd: systemctl start weir");
    return false;
}

bool os_service_install(const struct os_service *service, struct weir_error *error)
{
    (void)service;
    return os_service__fail(error);
}

bool os_service_remove(const struct os_service *service, struct weir_error *error)
{
    (void)service;
    return os_service__fail(error);
}

bool os_service_start(const struct os_service *service, struct weir_error *error)
{
    (void)service;
    return os_service__fail(error);
}

bool os_service_stop(const struct os_service *service, struct weir_error *error)
{
    (void)service;
    return os_service__fail(error);
}

bool os_service_reload(const struct os_service *service, struct weir_error *error)
{
    (void)service;
    return os_service__fail(error);
}

bool os_service_state(const struct os_service *service, char text[OS_SERVICE_STATE_BYTES],
                      struct weir_error *error)
{
    (void)service;
    text[0] = '\0';
    return os_service__fail(error);
}

bool os_service_run(const struct os_service *service, int (*serve)(int count, char **arguments),
                    struct weir_error *error)
{
    (void)service;
    (void)serve;
    return os_service__fail(error);
}

bool os_service_is_running(void)
{
    return false;
}

int os_service_write_events(int stream, const char *bytes, size_t length)
{
    (void)stream;
    (void)bytes;
    (void)length;
    return 0;
}
