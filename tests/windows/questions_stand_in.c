/* SPDX-License-Identifier: MIT */
/* questions_stand_in.c - asks each question of `weir selftest` over weir's emulation of RIO, where
 * RIO is missing: the questions themselves run, though their answers say nothing about Windows.
 *
 *      questions_stand_in        asks all that the emulation survives, each in a process of its own
 *      questions_stand_in N      asks one
 *
 * Exit code: 0 each process ended with an answer, and none was left untried.
 */
#include <winsock2.h>
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "os_questions.h"
#include "questions_table.h"
#include "rio_provider.h"
#include "win_native.h"

#undef WSAIoctl
#undef GetQueuedCompletionStatus

static const struct rio_provider *emulation;
static HANDLE port;
static struct rio_notification notification;

/* ---- the table: the emulation's, with the packets of its port ---- */

/* Hands packets of the emulation to it. Returns whether the notification's packet came. */
static bool pump(DWORD wait_ms)
{
    DWORD bytes;
    ULONG_PTR key;
    OVERLAPPED *overlapped = NULL;

    while (port &&
           (GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, wait_ms) || overlapped)) {
        struct win_packet packet = {key, (struct win_overlapped *)(void *)overlapped, 0, bytes};
        if (key != RIO_KEY_EMULATION) return true;
        if (emulation->on_packet(&packet)) return true;
        overlapped = NULL;
    }
    return false;
}

static bool notified; /* its packet was taken by a dequeue */

static uint32_t RIO_CALL dequeue(rio_cq queue, struct rio_result *results, uint32_t results_max)
{
    if (pump(0)) notified = true;
    return emulation->table->dequeue(queue, results, results_max);
}

static rio_cq RIO_CALL create_cq(uint32_t size, const struct rio_notification *wanted)
{
    if (wanted && !port) {
        notification = *wanted;
        port = (HANDLE)wanted->port.port;
    }
    return emulation->table->create_cq(size, wanted);
}

BOOL questions_await_packet(HANDLE from, DWORD *bytes, ULONG_PTR *key, OVERLAPPED **overlapped,
                            DWORD wait_ms)
{
    (void)from;
    *bytes = 0;
    *key = (ULONG_PTR)notification.port.key;
    bool came = notified || pump(wait_ms);
    *overlapped = came ? (OVERLAPPED *)notification.port.overlapped : NULL;
    notified = false;
    return came;
}

int questions_ioctl(SOCKET any, DWORD code, void *in, DWORD in_bytes, void *out, DWORD out_bytes,
                    DWORD *bytes, void *overlapped, void *routine)
{
    struct rio_table table;

    (void)routine; /* the questions pass none */
    if (code != RIO_TABLE_IOCTL)
        return WSAIoctl(any, code, in, in_bytes, out, out_bytes, bytes, overlapped,
                        (LPWSAOVERLAPPED_COMPLETION_ROUTINE)NULL);
    win_system->start(NULL);
    emulation = rio_provider_emulated(win_system);
    table = *emulation->table;
    table.dequeue = dequeue;
    table.create_cq = create_cq;
    *bytes = out_bytes < sizeof table ? out_bytes : sizeof table;
    memcpy(out, &table, *bytes);
    return 0;
}

/* ---- all questions ---- */

/* The emulation ends the process where RIO might crash it, closes its sockets by a call of its own,
 * so that nothing comes after closesocket(), and has no queue that is only polled. */
static bool is_answerable(const struct os_question *question)
{
    static const char *const left_out[] = {"requests of a thread that ended",
                                           "status after closesocket",
                                           "deferred requests at closesocket",
                                           "when closing gives room back",
                                           "closesocket with sends pending",
                                           "DisconnectEx, and the socket again",
                                           "closing an armed queue",
                                           "notification of no queue",
                                           "a request by no request queue",
                                           "a commit after closesocket",
                                           "WSASend and WSARecv on a RIO socket",
                                           "notification of a polled queue"};

    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (strcmp(question->about, left_out[i]) == 0) return false;
    return true;
}

/* Returns the exit code of the process of one question. */
static DWORD ask(size_t index)
{
    wchar_t program[MAX_PATH], command[MAX_PATH + 20];
    STARTUPINFOW how = {.cb = sizeof how};
    PROCESS_INFORMATION process;
    DWORD code = 0;

    GetModuleFileNameW(NULL, program, MAX_PATH);
    swprintf(command, MAX_PATH + 20, L"\"%ls\" %u", program, (unsigned)index + 1);
    if (!CreateProcessW(program, command, NULL, NULL, TRUE, 0, NULL, NULL, &how, &process))
        return 0;
    if (WaitForSingleObject(process.hProcess, 60000) != WAIT_OBJECT_0)
        TerminateProcess(process.hProcess, 0);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return code;
}

int main(int count, char **arguments)
{
    int failures = 0;

    if (count == 2) return (int)os_questions_ask(strtoul(arguments[1], NULL, 10) - 1);
    for (size_t i = 0; i < os_questions_count; i++) {
        const struct os_question *question = os_questions_at(i);
        if (!is_answerable(question)) continue;
        printf("%2u %s: ", (unsigned)i + 1, question->about);
        fflush(stdout);
        DWORD code = ask(i);
        bool good = code >= OS_ANSWER_CONFIRMS && code <= OS_ANSWER_ANSWERS;
        printf(" -> %lu%s\n", code, good ? "" : " FAILED");
        failures += !good;
    }
    return failures > 0;
}
