/* SPDX-License-Identifier: MIT */
/* main.c - the program weir: reads its arguments and runs the command they name. */
#include <stdio.h>

#include "options.h"
#include "serve.h"

int main(int count, char **arguments)
{
    struct options options;
    char mistake[256];

    if (!options_read(count - 1, arguments + 1, &options, mistake, sizeof mistake)) {
        fprintf(stderr, "weir: %s\n", mistake);
        return SERVE_USAGE;
    }
    if (options.help) {
        options_help();
        return SERVE_OK;
    }
    if (options.version) {
        printf("weir %s\n", weir_version());
        return SERVE_OK;
    }
    return serve_run(&options);
}
