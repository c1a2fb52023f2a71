/* SPDX-License-Identifier: MIT */
/* main.c - the program weir: finds the command that the arguments name, and runs it. */
#include "main.h"

#include <stdbool.h>
#include <string.h>

#include "bench.h"
#include "config_check.h"
#include "ctl.h"
#include "diagnostics.h"
#include "doctor.h"
#include "exit_code.h"
#include "frame_tool.h"
#include "os.h"
#include "print.h"
#include "selftest.h"
#include "send.h"
#include "serve.h"
#include "suggest.h"
#include "top.h"
#include "windows_service.h"

struct main__command {
    const char *name;
    int (*run)(int count, char **arguments); /* gets the arguments after the name */
};

static const struct main__command main__commands[] = {
    {"serve", serve_main},      {"check", config_check_main},
    {"send", send_main},        {"bench", bench_main},
    {"frame", frame_tool_main}, {"selftest", selftest_main},
    {"doctor", doctor_main},    {"service", windows_service_main},
    {"ctl", ctl_main},          {"inspect", ctl_inspect_main},
    {"top", top_main},
};

static int main__help(void)
{
    print_text(
        "weir %s: a TCP and UDP session server\n"
        "\n"
        "  weir serve [OPTION]...             runs a server; \"serve\" is optional\n"
        "  weir check FILE                    checks a configuration file\n"
        "  weir send HOST:PORT MESSAGE...     sends messages and prints the answers\n"
        "  weir bench ADDRESS                 measures an echo server\n"
        "  weir frame COMMAND                 tests how bytes are split into messages\n"
        "  weir ctl VERB                      asks or changes a running server (--admin)\n"
        "  weir inspect ID                    shows one session of a running server\n"
        "  weir doctor                        says what in this system limits a server\n"
        "  weir service VERB                  Windows: installs and controls a service\n"
        "  weir selftest                      reports what this machine offers\n"
        "  weir top                           shows a server that runs with --admin\n"
        "  weir serve --help, COMMAND --help  every option, with its default\n"
        "\n"
        "  weir                               echo over TCP and UDP on port 5050 of this machine\n"
        "  weir --tcp 5050 --udp 5050         for the network: all addresses, IPv4 and IPv6\n"
        "  weir --tcp 127.0.0.1:7 --udp 7     echo on these ports\n"
        "  weir --tcp 7000 --codec u32be --max-message 1m --idle-timeout 30s\n"
        "                                     messages after four bytes of length, with limits\n"
        "\n"
        "Try it:  weir &  weir send 127.0.0.1:5050 hello\n",
        weir_version());
    return EXIT_CODE_OK;
}

static int main__unknown(const char *word)
{
    const char *names[sizeof main__commands / sizeof main__commands[0]];
    size_t count = sizeof main__commands / sizeof main__commands[0];

    for (size_t i = 0; i < count; i++) names[i] = main__commands[i].name;
    const char *suggestion = suggest_word(word, strlen(word), names, count);
    struct diagnostics diagnostics = {0};
    if (suggestion)
        diagnostics_add(&diagnostics, "%.100s: no such command; did you mean %s? See weir --help",
                        word, suggestion);
    else
        diagnostics_add(&diagnostics, "%.100s: no such command; see weir --help", word);
    diagnostics_print(&diagnostics, stderr);
    return EXIT_CODE_USAGE;
}

/* Returns whether the word is an option of `serve`, or an address, for which `serve` prints what is
 * missing. */
static bool main__is_for_serve(const char *word)
{
    struct weir_address address;

    return (word[0] == '-' && word[1] != '\0') || weir_address_parse(word, &address);
}

/* The program needs no privileges beyond those that it starts with. */
static void main__renounce_privileges(void)
{
    const char *name;
    int os_error;

    if (!os_renounce_privileges(&os_error, &name))
        fprintf(
            stderr,
            "weir: warning: cannot set no_new_privs: %s (%d); weir runs without this protection, "
            "which needs Linux 3.5 and a seccomp filter that allows prctl\n",
            name ? name : "refused", os_error);
}

static int main__run(int count, char **arguments)
{
    if (count < 2) return serve_main(0, NULL);
    for (size_t i = 0; i < sizeof main__commands / sizeof main__commands[0]; i++)
        if (strcmp(arguments[1], main__commands[i].name) == 0)
            return main__commands[i].run(count - 2, arguments + 2);
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) return main__help();
    if (!main__is_for_serve(arguments[1])) return main__unknown(arguments[1]);
    return serve_main(count - 1, arguments + 1);
}

int main_run(int count, char **arguments)
{
    main__renounce_privileges();
    return print_end(main__run(count, arguments));
}
