/* SPDX-License-Identifier: MIT */
/* windows_service.c - see windows_service.h. Options of the service come before those of `weir
 * serve`. */
#include "windows_service.h"

#include <stdio.h>
#include <string.h>

#include "diagnostics.h"
#include "exit_code.h"
#include "options.h"
#include "os_service.h"
#include "print.h"
#include "serve.h"
#include "suggest.h"

enum windows_service__verb {
    WINDOWS_SERVICE__INSTALL,
    WINDOWS_SERVICE__REMOVE,
    WINDOWS_SERVICE__START,
    WINDOWS_SERVICE__STOP,
    WINDOWS_SERVICE__RELOAD,
    WINDOWS_SERVICE__STATUS,
    WINDOWS_SERVICE__RUN, /* not suggested to users */
};

static const char *const windows_service__verbs[] = {"install", "remove", "start", "stop",
                                                     "reload",  "status", "run"};

static int windows_service__help(void)
{
    print_text(
        "weir service VERB [--name NAME]...: a service of Windows\n"
        "\n"
        "  install [--account ACCOUNT] [OPTION OF WEIR SERVE]...\n"
        "              adds a service that starts with Windows and restarts after a crash;\n"
        "              the default account is LocalService, which has few rights\n"
        "  start       starts it, and waits until it listens\n"
        "  stop        drains it, and waits until it has ended\n"
        "  reload      has it load its settings and certificates again\n"
        "  status      prints its state\n"
        "  remove      stops it, and removes it\n"
        "  run         used by Windows only\n"
        "\n"
        "  --name NAME   of the service and of its events [weir]\n"
        "\n"
        "All verbs but status need a console of an administrator. The log goes to the event log,\n"
        "unless --log-file names a file. Windows stops the service in the same way when it shuts\n"
        "down. Name files with their whole path: the service runs in another folder.\n"
        "Exit codes: 0 done; 64 wrong usage; 69 Windows refused it; 78 invalid setting.\n"
        "\n"
        "  weir service install --config C:\\weir\\weir.yaml\n"
        "  weir service start\n");
    return EXIT_CODE_OK;
}

/* Takes --name and --account from the front. Returns false after adding a diagnostic. */
static bool windows_service__take(struct os_service *service, bool is_install,
                                  struct diagnostics *diagnostics)
{
    while (service->count > 0) {
        const char *word = service->arguments[0], **value = NULL;
        if (strcmp(word, "--name") == 0) value = &service->name;
        if (is_install && strcmp(word, "--account") == 0) value = &service->account;
        if (!value) return true;
        if (service->count < 2 || service->arguments[1][0] == '\0') {
            diagnostics_add(diagnostics, "%s: a value is missing; write %s NAME", word, word);
            return false;
        }
        *value = service->arguments[1];
        service->arguments += 2;
        service->count -= 2;
    }
    return true;
}

/* Checks the options of `weir serve` before they are installed. */
static void windows_service__check(const struct os_service *service,
                                   struct diagnostics *diagnostics)
{
    struct options options;

    options_read(service->count, service->arguments, &options, diagnostics);
    options_free(&options);
}

/* Runs as the service. It has no stderr: mistakes in its options go to the event log. */
static int windows_service__serve(int count, char **arguments)
{
    const struct os_service service = {.count = count, .arguments = arguments};
    struct diagnostics diagnostics = {.count = 0};
    char line[DIAGNOSTICS_LINE_BYTES + 8];

    windows_service__check(&service, &diagnostics);
    for (size_t i = 0; i < diagnostics.count && i < DIAGNOSTICS_MAX; i++) {
        snprintf(line, sizeof line, "<3>%s", diagnostics.lines[i]);
        os_service_write_events(2, line, strlen(line));
    }
    return diagnostics.count > 0 ? diagnostics_exit_code(&diagnostics)
                                 : serve_main(count, arguments);
}

static bool windows_service__do(size_t verb, const struct os_service *service,
                                struct weir_error *error)
{
    char state[OS_SERVICE_STATE_BYTES];

    switch (verb) {
    case WINDOWS_SERVICE__INSTALL: return os_service_install(service, error);
    case WINDOWS_SERVICE__REMOVE: return os_service_remove(service, error);
    case WINDOWS_SERVICE__START: return os_service_start(service, error);
    case WINDOWS_SERVICE__STOP: return os_service_stop(service, error);
    case WINDOWS_SERVICE__RELOAD: return os_service_reload(service, error);
    case WINDOWS_SERVICE__RUN: return os_service_run(service, windows_service__serve, error);
    default: break;
    }
    if (!os_service_state(service, state, error)) return false;
    print_text("%s\n", state);
    return true;
}

static void windows_service__reject_verb(const char *verb, struct diagnostics *diagnostics)
{
    const char *near =
        suggest_word(verb, strlen(verb), windows_service__verbs, WINDOWS_SERVICE__RUN);

    if (near)
        diagnostics_add(diagnostics,
                        "%.100s: no such verb; did you mean %s? See weir service --help", verb,
                        near);
    else
        diagnostics_add(diagnostics, "%.100s: no such verb; see weir service --help", verb);
}

/* Finds the verb, and takes the options of the service. Returns the number of the verb; what is
 * wrong is in the diagnostics. */
static size_t windows_service__read(struct os_service *service, const char *word,
                                    struct diagnostics *diagnostics)
{
    const size_t verbs = sizeof windows_service__verbs / sizeof *windows_service__verbs;
    size_t verb = 0;

    while (verb < verbs && strcmp(word, windows_service__verbs[verb]) != 0) verb++;
    if (verb == verbs) {
        windows_service__reject_verb(word, diagnostics);
        return verb;
    }
    if (!windows_service__take(service, verb == WINDOWS_SERVICE__INSTALL, diagnostics)) return verb;
    if (verb == WINDOWS_SERVICE__INSTALL)
        windows_service__check(service, diagnostics);
    else if (verb != WINDOWS_SERVICE__RUN && service->count > 0)
        diagnostics_add(diagnostics, "%.100s: weir service %s takes --name only",
                        service->arguments[0], word);
    return verb;
}

int windows_service_main(int count, char **arguments)
{
    struct diagnostics diagnostics = {.count = 0};
    struct os_service service = {.name = "weir", .count = count - 1, .arguments = arguments + 1};
    struct weir_error error;
    char text[512];

    if (count == 0 || strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0)
        return windows_service__help();
    size_t verb = windows_service__read(&service, arguments[0], &diagnostics);
    if (diagnostics.count > 0) {
        diagnostics_print(&diagnostics, stderr);
        return diagnostics_exit_code(&diagnostics);
    }
    if (windows_service__do(verb, &service, &error)) return EXIT_CODE_OK;
    print_failure("%s", weir_error_text(&error, text, sizeof text));
    return EXIT_CODE_UNAVAILABLE;
}
