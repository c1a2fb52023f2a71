/* SPDX-License-Identifier: MIT */
/* os_service_windows.c - asks Windows' service manager to install, start, stop and remove a
 * service, and registers it as a source of the event log. See "Services" in the documentation of
 * Windows. */
#include "os_service.h"

#include <windows.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "arena.h"
#include "os_wide.h"

#define OS_SERVICE__PATH_MAX 32768u /* the longest path of Windows */
#define OS_SERVICE__POLL_MS 50
#define OS_SERVICE__PRESHUTDOWN_MS 120000 /* for a drain when Windows shuts down */
#define OS_SERVICE__HANG_MS 60000         /* without a new checkpoint, a service hangs */
#define OS_SERVICE__RESTART_MS 5000

/* One request to the service manager. Everything is released by os_service__end(). */
struct os_service__request {
    const struct os_service *service;
    struct weir_error *error;
    struct arena arena;
    SC_HANDLE manager, handle;
    const wchar_t *name;
};

static const char *os_service__hint(DWORD os_error)
{
    switch (os_error) {
    case ERROR_ACCESS_DENIED: return "use a console that was started as administrator";
    case ERROR_SERVICE_DOES_NOT_EXIST: return "install it: weir service install";
    case ERROR_SERVICE_EXISTS: return "remove it: weir service remove, or take another --name";
    case ERROR_SERVICE_ALREADY_RUNNING: return "see its process with weir service status";
    case ERROR_SERVICE_NOT_ACTIVE: return "start it: weir service start";
    case ERROR_SERVICE_MARKED_FOR_DELETE: return "close the window of the services, and wait";
    default: return "see the event log: its application log has an entry of this service";
    }
}

static bool os_service__fail(struct os_service__request *request, const char *operation,
                             DWORD os_error, const char *reason)
{
    struct weir_error *error = request->error;

    *error = (struct weir_error){.code = WEIR_SYSTEM, .os_error = (int)os_error};
    if (os_error == ERROR_ACCESS_DENIED) error->code = WEIR_DENIED;
    if (os_error == ERROR_SERVICE_DOES_NOT_EXIST) error->code = WEIR_GONE;
    snprintf(error->operation, sizeof error->operation, "%s", operation);
    snprintf(error->subject, sizeof error->subject, "%.90s", request->service->name);
    if (os_error == ERROR_SERVICE_DOES_NOT_EXIST) reason = "there is no such service";
    if (os_error == ERROR_SERVICE_EXISTS) reason = "there is a service of this name";
    if (os_error == ERROR_SERVICE_ALREADY_RUNNING) reason = "it runs";
    if (os_error == ERROR_SERVICE_NOT_ACTIVE) reason = "it does not run";
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    snprintf(error->hint, sizeof error->hint, "%s", os_service__hint(os_error));
    return false;
}

/* Opens the manager, and the service unless `rights` is 0. */
static bool os_service__begin(struct os_service__request *request, const char *operation,
                              DWORD rights)
{
    request->name = os_wide(&request->arena, request->service->name);
    if (request->name)
        request->manager = OpenSCManagerW(
            NULL, NULL, rights == 0 ? SC_MANAGER_CREATE_SERVICE : SC_MANAGER_CONNECT);
    if (request->manager && rights != 0)
        request->handle = OpenServiceW(request->manager, request->name, rights);
    if (request->manager && (rights == 0 || request->handle)) return true;
    return os_service__fail(request, operation, GetLastError(), "");
}

static bool os_service__end(struct os_service__request *request, bool is_good)
{
    if (request->handle) CloseServiceHandle(request->handle);
    if (request->manager) CloseServiceHandle(request->manager);
    arena_free(&request->arena);
    return is_good;
}

/* ---- install ---- */

/* Adds an argument so that CommandLineToArgvW() reads it unchanged: backslashes are doubled before
 * a quote. Returns false if there is no room. */
static bool os_service__quote(wchar_t *command, size_t size, const wchar_t *argument)
{
    size_t used = wcslen(command), backslashes = 0;

    if (used + 2 * wcslen(argument) + 4 > size) return false;
    if (used > 0) command[used++] = L' ';
    command[used++] = L'"';
    for (; *argument; argument++) {
        if (*argument == L'"')
            for (size_t i = 0; i <= backslashes; i++) command[used++] = L'\\';
        backslashes = *argument == L'\\' ? backslashes + 1 : 0;
        command[used++] = *argument;
    }
    while (backslashes-- > 0) command[used++] = L'\\';
    command[used++] = L'"';
    command[used] = L'\0';
    return true;
}

/* Makes the command that the service manager starts. Null: it does not fit, or out of memory. */
static const wchar_t *os_service__command(struct os_service__request *request,
                                          const wchar_t *program)
{
    const struct os_service *service = request->service;
    wchar_t *command = arena_alloc(&request->arena, OS_SERVICE__PATH_MAX * sizeof *command);
    static const wchar_t *const words[] = {L"service", L"run", L"--name"};
    bool fits = command != NULL;

    if (fits) command[0] = L'\0';
    fits = fits && os_service__quote(command, OS_SERVICE__PATH_MAX, program);
    for (size_t i = 0; i < 3; i++)
        fits = fits && os_service__quote(command, OS_SERVICE__PATH_MAX, words[i]);
    fits = fits && os_service__quote(command, OS_SERVICE__PATH_MAX, request->name);
    for (int i = 0; fits && i < service->count; i++) {
        const wchar_t *argument = os_wide(&request->arena, service->arguments[i]);
        fits = argument && os_service__quote(command, OS_SERVICE__PATH_MAX, argument);
    }
    return fits ? command : NULL;
}

/* What Windows does beside starting it: text for people, restarts after a crash, time for a drain
 * at the shutdown. A system that refuses one of them runs the service all the same. */
static void os_service__describe(SC_HANDLE handle)
{
    static wchar_t text[] = L"weir, TCP and UDP session server";
    SERVICE_DESCRIPTIONW about = {.lpDescription = text};
    SC_ACTION actions[3] = {{SC_ACTION_RESTART, OS_SERVICE__RESTART_MS},
                            {SC_ACTION_RESTART, OS_SERVICE__RESTART_MS},
                            {SC_ACTION_RESTART, OS_SERVICE__RESTART_MS}};
    SERVICE_FAILURE_ACTIONSW failures = {
        .dwResetPeriod = 86400, .cActions = 3, .lpsaActions = actions};
    SERVICE_PRESHUTDOWN_INFO preshutdown = {.dwPreshutdownTimeout = OS_SERVICE__PRESHUTDOWN_MS};

    ChangeServiceConfig2W(handle, SERVICE_CONFIG_DESCRIPTION, /* tidy: allow identifier - Windows */
                          &about);
    ChangeServiceConfig2W(handle, SERVICE_CONFIG_FAILURE_ACTIONS, &failures);
    ChangeServiceConfig2W(handle, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown);
}

static const wchar_t *os_service__event_key(struct os_service__request *request)
{
    static const wchar_t folder[] = L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\";
    size_t size = sizeof folder / sizeof *folder + wcslen(request->name);
    wchar_t *key = arena_alloc(&request->arena, size * sizeof *key);

    if (key) swprintf(key, size, L"%ls%ls", folder, request->name);
    return key;
}

/* The event log finds the text of weir's events, which is "%1", in this program. */
static bool os_service__add_event_source(struct os_service__request *request,
                                         const wchar_t *program)
{
    const wchar_t *name = os_service__event_key(request);
    DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    HKEY key;
    LSTATUS status = ERROR_NOT_ENOUGH_MEMORY;

    if (name)
        status =
            RegCreateKeyExW(HKEY_LOCAL_MACHINE, name, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL);
    if (status == ERROR_SUCCESS) {
        status = RegSetValueExW(key, L"EventMessageFile", 0, REG_SZ, (const BYTE *)program,
                                (DWORD)((wcslen(program) + 1) * sizeof *program));
        if (status == ERROR_SUCCESS)
            status = RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types,
                                    sizeof types);
        RegCloseKey(key);
    }
    return status == ERROR_SUCCESS ||
           os_service__fail(request, "add the event source", (DWORD)status, "");
}

static bool os_service__create(struct os_service__request *request, const wchar_t *program)
{
    const char *account = request->service->account;
    const wchar_t *command = os_service__command(request, program);
    const wchar_t *user =
        os_wide(&request->arena, account ? account : "NT AUTHORITY\\LocalService");

    if (!command || !user)
        return os_service__fail(request, "install the service", ERROR_NOT_ENOUGH_MEMORY,
                                "its command is too long");
    request->handle =
        CreateServiceW(request->manager, request->name, request->name, SERVICE_ALL_ACCESS,
                       SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command,
                       NULL, NULL, NULL, user, L"");
    if (!request->handle)
        return os_service__fail(request, "install the service", GetLastError(), "");
    os_service__describe(request->handle);
    if (os_service__add_event_source(request, program)) return true;
    DeleteService(request->handle);
    return false;
}

bool os_service_install(const struct os_service *service, struct weir_error *error)
{
    struct os_service__request request = {.service = service, .error = error};
    wchar_t *program = arena_alloc(&request.arena, OS_SERVICE__PATH_MAX * sizeof *program);
    DWORD length = program ? GetModuleFileNameW(NULL, program, OS_SERVICE__PATH_MAX) : 0;

    if (length == 0 || length >= OS_SERVICE__PATH_MAX)
        return os_service__end(&request,
                               os_service__fail(&request, "find this program", GetLastError(), ""));
    return os_service__end(&request, os_service__begin(&request, "install the service", 0) &&
                                         os_service__create(&request, program));
}

/* ---- control ---- */

/* Waits until the service has one of two states, as long as its checkpoints grow. */
static bool os_service__wait(struct os_service__request *request, DWORD state, DWORD other,
                             SERVICE_STATUS_PROCESS *status)
{
    ULONGLONG changed_ms = GetTickCount64();
    DWORD checkpoint = 0, size;

    for (;;) {
        if (!QueryServiceStatusEx(request->handle, SC_STATUS_PROCESS_INFO, (BYTE *)status,
                                  sizeof *status, &size))
            return os_service__fail(request, "ask for the state of", GetLastError(), "");
        if (status->dwCurrentState == state || status->dwCurrentState == other) return true;
        if (status->dwCheckPoint != checkpoint) changed_ms = GetTickCount64();
        checkpoint = status->dwCheckPoint;
        if (GetTickCount64() - changed_ms > OS_SERVICE__HANG_MS)
            return os_service__fail(request, "wait for the service", ERROR_SERVICE_REQUEST_TIMEOUT,
                                    "it does not report any progress");
        Sleep(OS_SERVICE__POLL_MS);
    }
}

static bool os_service__stop(struct os_service__request *request)
{
    SERVICE_STATUS status;
    SERVICE_STATUS_PROCESS last;

    if (!ControlService(request->handle, SERVICE_CONTROL_STOP, &status)) {
        DWORD os_error = GetLastError();
        if (os_error != ERROR_SERVICE_CANNOT_ACCEPT_CTRL) /* it stops already, or starts */
            return os_service__fail(request, "stop the service", os_error, "");
    }
    return os_service__wait(request, SERVICE_STOPPED, SERVICE_STOPPED, &last);
}

bool os_service_start(const struct os_service *service, struct weir_error *error)
{
    struct os_service__request request = {.service = service, .error = error};
    SERVICE_STATUS_PROCESS status = {0};
    char reason[96];

    bool good =
        os_service__begin(&request, "start the service", SERVICE_START | SERVICE_QUERY_STATUS);
    if (good && !StartServiceW(request.handle, 0, NULL))
        good = os_service__fail(&request, "start the service", GetLastError(), "");
    good = good && os_service__wait(&request, SERVICE_RUNNING, SERVICE_STOPPED, &status);
    if (good && status.dwCurrentState == SERVICE_STOPPED) {
        snprintf(reason, sizeof reason, "it ended with exit code %lu",
                 status.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR
                     ? status.dwServiceSpecificExitCode
                     : status.dwWin32ExitCode);
        good = os_service__fail(&request, "start the service", 0, reason);
    }
    return os_service__end(&request, good);
}

bool os_service_stop(const struct os_service *service, struct weir_error *error)
{
    struct os_service__request request = {.service = service, .error = error};

    return os_service__end(&request, os_service__begin(&request, "stop the service",
                                                       SERVICE_STOP | SERVICE_QUERY_STATUS) &&
                                         os_service__stop(&request));
}

bool os_service_reload(const struct os_service *service, struct weir_error *error)
{
    struct os_service__request request = {.service = service, .error = error};
    SERVICE_STATUS status;
    bool good = os_service__begin(&request, "reload the service", SERVICE_PAUSE_CONTINUE);

    if (good && !ControlService(request.handle, SERVICE_CONTROL_PARAMCHANGE, &status))
        good = os_service__fail(&request, "reload the service", GetLastError(), "");
    return os_service__end(&request, good);
}

bool os_service_remove(const struct os_service *service, struct weir_error *error)
{
    struct os_service__request request = {.service = service, .error = error};
    SERVICE_STATUS_PROCESS status;
    bool good = os_service__begin(&request, "remove the service",
                                  SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE);

    good = good && os_service__wait(&request, SERVICE_RUNNING, SERVICE_STOPPED, &status);
    if (good && status.dwCurrentState == SERVICE_RUNNING) good = os_service__stop(&request);
    if (good && !DeleteService(request.handle))
        good = os_service__fail(&request, "remove the service", GetLastError(), "");
    if (good) {
        const wchar_t *key = os_service__event_key(&request);
        if (key) RegDeleteKeyW(HKEY_LOCAL_MACHINE, key); /* its old entries lose their text only */
    }
    return os_service__end(&request, good);
}

bool os_service_state(const struct os_service *service, char text[OS_SERVICE_STATE_BYTES],
                      struct weir_error *error)
{
    static const char *const words[] = {"",        "stopped",    "starting", "stopping",
                                        "running", "continuing", "pausing",  "paused"};
    struct os_service__request request = {.service = service, .error = error};
    SERVICE_STATUS_PROCESS status;
    DWORD size;
    bool good = os_service__begin(&request, "ask for the state of", SERVICE_QUERY_STATUS);

    if (good && !QueryServiceStatusEx(request.handle, SC_STATUS_PROCESS_INFO, (BYTE *)&status,
                                      sizeof status, &size))
        good = os_service__fail(&request, "ask for the state of", GetLastError(), "");
    if (good && status.dwCurrentState == SERVICE_STOPPED)
        snprintf(text, OS_SERVICE_STATE_BYTES, "stopped");
    else if (good)
        snprintf(text, OS_SERVICE_STATE_BYTES, "%s, process %lu",
                 status.dwCurrentState < 8 ? words[status.dwCurrentState] : "unknown",
                 status.dwProcessId);
    return os_service__end(&request, good);
}
