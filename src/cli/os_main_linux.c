/* SPDX-License-Identifier: MIT */
/* os_main_linux.c - the entry of the program on Linux, whose arguments are bytes. */
#include "main.h"
#include "os.h"

int main(int count, char **arguments)
{
    os_open_streams();
    return main_run(count, arguments);
}
