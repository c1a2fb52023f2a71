/* SPDX-License-Identifier: MIT */
/* os_sandbox_no_calls_linux.c - takes the place of os_sandbox_calls_linux.c if libseccomp was not
 * found when weir was built. */
#include "os_sandbox.h"

#include <stdio.h>

bool os_sandbox_calls(struct weir_error *error)
{
    *error = (struct weir_error){.code = WEIR_UNSUPPORTED};
    snprintf(error->operation, sizeof error->operation, "limit the system calls of this process");
    snprintf(error->reason, sizeof error->reason, "weir was built without libseccomp");
    snprintf(error->hint, sizeof error->hint,
             "install libseccomp-dev and build weir again, or use --sandbox off");
    return false;
}
