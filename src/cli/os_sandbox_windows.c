/* SPDX-License-Identifier: MIT */
/* os_sandbox_windows.c - Windows has no means to restrict a process that runs already. */
#include "os_sandbox.h"

#include <stdio.h>

static bool os_sandbox__fail(const char *operation, const char *hint, struct weir_error *error)
{
    *error = (struct weir_error){.code = WEIR_UNSUPPORTED};
    snprintf(error->operation, sizeof error->operation, "%s", operation);
    snprintf(error->reason, sizeof error->reason, "Windows has no means for that");
    snprintf(error->hint, sizeof error->hint, "%s", hint);
    return false;
}

bool os_sandbox_files(const struct os_sandbox_path *paths, size_t count, struct weir_error *error)
{
    (void)paths;
    (void)count;
    return os_sandbox__fail("limit the files of this process", "use --sandbox off", error);
}

bool os_sandbox_calls(struct weir_error *error)
{
    return os_sandbox__fail("limit the system calls of this process", "use --sandbox off", error);
}

bool os_sandbox_find_user(const char *name, struct weir_error *error)
{
    (void)name;
    return os_sandbox__fail("change the user", "select the account of the service in Windows",
                            error);
}

bool os_sandbox_become_user(const char *name, struct weir_error *error)
{
    return os_sandbox_find_user(name, error);
}

bool os_sandbox_is_root(void)
{
    return false;
}
