/* SPDX-License-Identifier: MIT */
/* sample_table.h - replaces Windows's function table, so that examples/rio_sample runs without
 * Registered I/O: the compiler includes this file first, and it redirects the sample's WSAIoctl.
 *
 * Receives wait in a list for datagrams. Requests posted with RIO_DEFER start at their commit. A
 * thread polls the socket and sends the notification.
 */
#ifndef WINDOWS_SAMPLE_TABLE_H
#define WINDOWS_SAMPLE_TABLE_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include <stdbool.h>
#include <string.h>

#include "rio_table.h"

#define SAMPLE__MAX 512u

struct sample__list {
    struct sample__request {
        char *bytes, *address;
        uint32_t length;
        uint64_t context;
        bool started;
    } of[SAMPLE__MAX];
    uint32_t count;
};

static struct {
    SRWLOCK lock;
    SOCKET socket;
    struct rio_notification notification;
    struct sample__list receives;
    struct rio_result results[2 * SAMPLE__MAX];
    uint32_t results_count;
    bool armed;
    char *memory[2 * SAMPLE__MAX + 1]; /* by registration */
    uint32_t memory_count;
} sample;

static void sample__complete(uint64_t context, int32_t status, uint32_t bytes)
{
    sample.results[sample.results_count++] = (struct rio_result){status, bytes, 0, context};
}

static struct sample__request sample__request_of(const struct rio_piece *data,
                                                 const struct rio_piece *address, void *context)
{
    return (struct sample__request){data ? sample.memory[(uintptr_t)data->id] + data->offset : NULL,
                                    sample.memory[(uintptr_t)address->id] + address->offset,
                                    data ? data->length : 0, (uintptr_t)context, false};
}

static int RIO_CALL sample__receive(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                    const struct rio_piece *local, const struct rio_piece *remote,
                                    const struct rio_piece *control, const struct rio_piece *flags,
                                    uint32_t how, void *context)
{
    struct sample__list *list = &sample.receives;

    (void)rq, (void)count, (void)local, (void)control, (void)flags;
    AcquireSRWLockExclusive(&sample.lock);
    if (how & RIO_COMMIT_ONLY)
        for (uint32_t i = 0; i < list->count; i++) list->of[i].started = true;
    else
        list->of[list->count++] = sample__request_of(data, remote, context);
    ReleaseSRWLockExclusive(&sample.lock);
    return 1;
}

static int RIO_CALL sample__send(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                 const struct rio_piece *local, const struct rio_piece *remote,
                                 const struct rio_piece *control, const struct rio_piece *flags,
                                 uint32_t how, void *context)
{
    static struct sample__list list; /* deferred */

    (void)rq, (void)count, (void)local, (void)control, (void)flags;
    if (!(how & RIO_COMMIT_ONLY)) {
        list.of[list.count++] = sample__request_of(data, remote, context);
        return 1;
    }
    AcquireSRWLockExclusive(&sample.lock);
    for (uint32_t i = 0; i < list.count; i++) {
        struct sample__request *request = &list.of[i];
        int sent = sendto(sample.socket, request->bytes, (int)request->length, 0,
                          (struct sockaddr *)(void *)request->address, 28);
        sample__complete(request->context, sent < 0 ? WSAGetLastError() : 0, request->length);
    }
    list.count = 0;
    ReleaseSRWLockExclusive(&sample.lock);
    return 1;
}

/* Reads the received datagrams into the started receives; when the socket is closed, all receives
 * complete with the error. */
static void sample__poll(void)
{
    struct sample__list *list = &sample.receives;

    while (list->count > 0 && list->of[0].started) {
        struct sample__request *request = &list->of[0];
        int length = 28;
        int got = recvfrom(sample.socket, request->bytes, (int)request->length, 0,
                           (struct sockaddr *)(void *)request->address, &length);
        if (got < 0 && WSAGetLastError() == WSAEWOULDBLOCK) return;
        sample__complete(request->context, got < 0 ? WSAGetLastError() : 0, (uint32_t)got);
        memmove(&list->of[0], &list->of[1], --list->count * sizeof list->of[0]);
    }
}

static void sample__notify_waiter(void)
{
    if (!sample.armed || sample.results_count == 0) return;
    sample.armed = false;
    PostQueuedCompletionStatus(sample.notification.port.port, 0,
                               (ULONG_PTR)sample.notification.port.key,
                               sample.notification.port.overlapped);
}

static DWORD WINAPI sample__poll_thread(void *forever)
{
    do {
        WSAPOLLFD poll = {.fd = sample.socket, .events = POLLRDNORM};
        WSAPoll(&poll, 1, 1);
        AcquireSRWLockExclusive(&sample.lock);
        sample__poll();
        sample__notify_waiter();
        ReleaseSRWLockExclusive(&sample.lock);
    } while (forever);
    return 0;
}

static int RIO_CALL sample__notify(rio_cq cq)
{
    (void)cq;
    AcquireSRWLockExclusive(&sample.lock);
    int error = sample.armed ? WSAEALREADY : 0;
    sample.armed = true;
    ReleaseSRWLockExclusive(&sample.lock);
    return error;
}

static uint32_t RIO_CALL sample__dequeue(rio_cq cq, struct rio_result *results, uint32_t max)
{
    (void)cq;
    AcquireSRWLockExclusive(&sample.lock);
    uint32_t count = sample.results_count < max ? sample.results_count : max;
    memcpy(results, sample.results, count * sizeof *results);
    sample.results_count -= count;
    memmove(sample.results, sample.results + count, sample.results_count * sizeof *results);
    ReleaseSRWLockExclusive(&sample.lock);
    return count;
}

static rio_cq RIO_CALL sample__create_cq(uint32_t size, const struct rio_notification *notification)
{
    (void)size;
    sample.notification = *notification;
    return (rio_cq)(void *)&sample;
}

static rio_rq RIO_CALL sample__create_rq(uintptr_t socket, uint32_t a, uint32_t b, uint32_t c,
                                         uint32_t d, rio_cq e, rio_cq f, void *context)
{
    u_long on = 1;

    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)context;
    sample.socket = (SOCKET)socket;
    ioctlsocket(sample.socket, (long)FIONBIO, &on);
    CloseHandle(CreateThread(NULL, 0, sample__poll_thread, &sample, 0, NULL));
    return (rio_rq)(void *)&sample.socket;
}

static rio_buffer_id RIO_CALL sample__register(void *bytes, uint32_t length)
{
    (void)length;
    sample.memory[++sample.memory_count] = bytes;
    return (rio_buffer_id)(uintptr_t)sample.memory_count;
}

static void RIO_CALL sample__deregister(rio_buffer_id id)
{
    sample.memory[(uintptr_t)id] = NULL;
}

static void RIO_CALL sample__close_cq(rio_cq cq)
{
    (void)cq;
}

static int WSAAPI sample_ioctl(SOCKET socket, DWORD code, void *in, DWORD in_bytes, void *into,
                               DWORD into_bytes, DWORD *bytes, void *overlapped, void *routine)
{
    const struct rio_table table = {.size = sizeof table,
                                    .receive_ex = sample__receive,
                                    .send_ex = sample__send,
                                    .close_cq = sample__close_cq,
                                    .create_cq = sample__create_cq,
                                    .create_rq = sample__create_rq,
                                    .dequeue = sample__dequeue,
                                    .deregister = sample__deregister,
                                    .notify = sample__notify,
                                    .register_buffer = sample__register};

    (void)socket, (void)in, (void)in_bytes, (void)overlapped, (void)routine;
    if (code == RIO_TABLE_IOCTL) memcpy(into, &table, into_bytes);
    *bytes = into_bytes;
    return 0;
}

#define WSAIoctl sample_ioctl

#endif
