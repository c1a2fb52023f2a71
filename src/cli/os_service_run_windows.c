/* SPDX-License-Identifier: MIT */
/* os_service_run_windows.c - this process as a service of Windows.
 *
 * Windows calls os_service__main() on a thread of its own, and os_service__control() on the thread
 * of os_service_run(). The state moves only there:
 *
 *      START_PENDING -- os_service_tell("READY=1") --> RUNNING
 *      RUNNING -- STOP, PRESHUTDOWN --> STOP_PENDING, with a checkpoint per report --> STOPPED
 *
 * notify.c reports by systemd's words; os_systemd_windows.c passes them on to os_service_tell(). */
#include "os_service_run.h"

#include <windows.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "os.h"
#include "os_service.h"
#include "os_wide.h"

#define OS_SERVICE__HINT_MS 60000u /* until the next checkpoint, at most */
#define OS_SERVICE__EVENT_BYTES 1024

static struct {
    const struct os_service *service;
    int (*serve)(int count, char **arguments);
    SERVICE_STATUS_HANDLE handle;
    SRWLOCK lock; /* of the status: two threads report it */
    SERVICE_STATUS status;
    HANDLE events; /* the source in the event log; null: none */
} os_service__run = {.lock = SRWLOCK_INIT};

static void os_service__report(DWORD state, DWORD exit_code)
{
    SERVICE_STATUS *status = &os_service__run.status;
    bool is_pending = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;

    AcquireSRWLockExclusive(&os_service__run.lock);
    status->dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status->dwCheckPoint = !is_pending                       ? 0
                           : state == status->dwCurrentState ? status->dwCheckPoint + 1
                                                             : 1;
    status->dwWaitHint = is_pending ? OS_SERVICE__HINT_MS : 0;
    status->dwCurrentState = state;
    status->dwControlsAccepted = 0;
    if (state == SERVICE_RUNNING)
        status->dwControlsAccepted =
            SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN | SERVICE_ACCEPT_PARAMCHANGE;
    status->dwWin32ExitCode = exit_code == 0 ? NO_ERROR : ERROR_SERVICE_SPECIFIC_ERROR;
    status->dwServiceSpecificExitCode = exit_code;
    SetServiceStatus(os_service__run.handle, status);
    ReleaseSRWLockExclusive(&os_service__run.lock);
}

void os_service_tell(const char *text)
{
    if (!os_service_is_running()) return;
    if (strncmp(text, "READY=1", strlen("READY=1")) == 0)
        os_service__report(SERVICE_RUNNING, 0);
    else if (strncmp(text, "STOPPING=1", strlen("STOPPING=1")) == 0)
        os_service__report(SERVICE_STOP_PENDING, 0);
    else if (os_service__run.status.dwCurrentState != SERVICE_RUNNING)
        os_service__report(os_service__run.status.dwCurrentState, 0); /* a checkpoint */
}

static DWORD WINAPI os_service__control(DWORD control, DWORD type, void *data, void *context)
{
    (void)type;
    (void)data;
    (void)context;
    switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_PRESHUTDOWN:
        os_service__report(SERVICE_STOP_PENDING, 0);
        os_post_stop();
        return NO_ERROR;
    case SERVICE_CONTROL_PARAMCHANGE: os_post_reload(); return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE: return NO_ERROR;
    default: return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

static void WINAPI os_service__main(DWORD count, wchar_t **arguments)
{
    struct arena arena = {0};
    const wchar_t *name = os_wide(&arena, os_service__run.service->name);

    (void)count;
    (void)arguments;
    if (name)
        os_service__run.handle = RegisterServiceCtrlHandlerExW(name, os_service__control, NULL);
    if (!os_service__run.handle) return; /* Windows reports that the service did not answer */
    os_service__run.events = RegisterEventSourceW(NULL, name);
    os_service__report(SERVICE_START_PENDING, 0);
    int code =
        os_service__run.serve(os_service__run.service->count, os_service__run.service->arguments);
    os_service__report(SERVICE_STOPPED, (DWORD)code);
    arena_free(&arena);
}

bool os_service_run(const struct os_service *service, int (*serve)(int count, char **arguments),
                    struct weir_error *error)
{
    wchar_t empty[] = L"";
    const SERVICE_TABLE_ENTRYW table[] = {{empty, os_service__main}, {NULL, NULL}};

    os_service__run.service = service;
    os_service__run.serve = serve;
    if (StartServiceCtrlDispatcherW(table)) return true;
    *error = (struct weir_error){.code = WEIR_INVALID, .os_error = (int)GetLastError()};
    snprintf(error->operation, sizeof error->operation, "run as the service");
    snprintf(error->subject, sizeof error->subject, "%.90s", service->name);
    snprintf(error->reason, sizeof error->reason, "Windows' service manager did not start this");
    snprintf(error->hint, sizeof error->hint,
             "install it with weir service install, then use weir service start");
    return false;
}

bool os_service_is_running(void)
{
    return os_service__run.handle != NULL;
}

/* ---- the event log ---- */

static WORD os_service__event_type(char priority)
{
    if (priority <= '3') return EVENTLOG_ERROR_TYPE;
    return priority == '4' ? EVENTLOG_WARNING_TYPE : EVENTLOG_INFORMATION_TYPE;
}

/* Writes one line without its newline: "<4>warning: text". */
static int os_service__write_event(const char *line, size_t length)
{
    wchar_t wide[OS_SERVICE__EVENT_BYTES];
    const wchar_t *texts[1] = {wide};
    bool has_priority = length >= 3 && line[0] == '<' && line[2] == '>';
    WORD type = has_priority ? os_service__event_type(line[1]) : EVENTLOG_INFORMATION_TYPE;

    if (has_priority) line += 3;
    if (has_priority) length -= 3;
    int count =
        MultiByteToWideChar(CP_UTF8, 0, line, (int)length, wide, OS_SERVICE__EVENT_BYTES - 1);
    if (count == 0) return 0; /* an empty line, or one that is longer than any line of the log */
    wide[count] = L'\0';
    if (ReportEventW(os_service__run.events, type, 0, 1, NULL, 1, 0, texts, NULL)) return 0;
    return (int)GetLastError();
}

int os_service_write_events(int stream, const char *bytes, size_t length)
{
    int os_error = 0;

    (void)stream;
    while (length > 0 && os_error == 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t line = newline ? (size_t)(newline - bytes) : length;
        os_error = os_service__write_event(bytes, line);
        if (newline) line++;
        bytes += line;
        length -= line;
    }
    return os_error;
}
