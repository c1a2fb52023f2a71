/* SPDX-License-Identifier: MIT */
/* error_winsock.c - a table of Windows error numbers with name and portable code, and a table that
 * maps Win32 and NTSTATUS numbers to Winsock numbers. */
#include "error_winsock.h"

#include <stdio.h>

struct error_winsock__entry {
    int number;
    enum weir_code code;
    const char *name;
};

static const struct error_winsock__entry error_winsock__entries[] = {
    {5, WEIR_DENIED, "ERROR_ACCESS_DENIED"},
    {8, WEIR_NO_MEMORY, "ERROR_NOT_ENOUGH_MEMORY"},
    {14, WEIR_NO_MEMORY, "ERROR_OUTOFMEMORY"},
    {24, WEIR_NO_FILES, "EMFILE"}, /* of the C library: the simulated transport has no other */
    {87, WEIR_INVALID, "ERROR_INVALID_PARAMETER"},
    {234, WEIR_TOO_LARGE, "ERROR_MORE_DATA"},
    {995, WEIR_CANCELLED, "WSA_OPERATION_ABORTED"},
    {997, WEIR_SYSTEM, "WSA_IO_PENDING"},
    {1455, WEIR_NO_MEMORY, "ERROR_COMMITMENT_LIMIT"},
    {10004, WEIR_CANCELLED, "WSAEINTR"},
    {10013, WEIR_DENIED, "WSAEACCES"},
    {10014, WEIR_SYSTEM, "WSAEFAULT"},
    {10022, WEIR_INVALID, "WSAEINVAL"},
    {10024, WEIR_NO_FILES, "WSAEMFILE"},
    {10035, WEIR_SYSTEM, "WSAEWOULDBLOCK"},
    {10037, WEIR_SYSTEM, "WSAEALREADY"},
    {10038, WEIR_SYSTEM, "WSAENOTSOCK"},
    {10040, WEIR_TOO_LARGE, "WSAEMSGSIZE"},
    {10042, WEIR_UNSUPPORTED, "WSAENOPROTOOPT"},
    {10043, WEIR_UNSUPPORTED, "WSAEPROTONOSUPPORT"},
    {10044, WEIR_UNSUPPORTED, "WSAESOCKTNOSUPPORT"},
    {10045, WEIR_UNSUPPORTED, "WSAEOPNOTSUPP"},
    {10047, WEIR_UNSUPPORTED, "WSAEAFNOSUPPORT"},
    {10048, WEIR_ADDRESS_IN_USE, "WSAEADDRINUSE"},
    {10049, WEIR_ADDRESS_UNAVAILABLE, "WSAEADDRNOTAVAIL"},
    {10050, WEIR_UNREACHABLE, "WSAENETDOWN"},
    {10051, WEIR_UNREACHABLE, "WSAENETUNREACH"},
    {10052, WEIR_RESET, "WSAENETRESET"},
    {10053, WEIR_RESET, "WSAECONNABORTED"},
    {10054, WEIR_RESET, "WSAECONNRESET"},
    {10055, WEIR_NO_BUFFERS, "WSAENOBUFS"},
    {10057, WEIR_RESET, "WSAENOTCONN"},
    {10058, WEIR_RESET, "WSAESHUTDOWN"},
    {10059, WEIR_NO_ROOM, "WSAETOOMANYREFS"},
    {10060, WEIR_TIMED_OUT, "WSAETIMEDOUT"},
    {10061, WEIR_REFUSED, "WSAECONNREFUSED"},
    {10064, WEIR_UNREACHABLE, "WSAEHOSTDOWN"},
    {10065, WEIR_UNREACHABLE, "WSAEHOSTUNREACH"},
    {10067, WEIR_NO_ROOM, "WSAEPROCLIM"},
    {10091, WEIR_SYSTEM, "WSASYSNOTREADY"},
    {10092, WEIR_UNSUPPORTED, "WSAVERNOTSUPPORTED"},
    {10093, WEIR_SYSTEM, "WSANOTINITIALISED"},
};

static const struct {
    uint32_t status;
    int number;
} error_winsock__same[] = {
    /* Win32: winerror.h */
    {4, 10024},    /* ERROR_TOO_MANY_OPEN_FILES */
    {6, 995},      /* ERROR_INVALID_HANDLE: the socket was closed under the request */
    {59, 10054},   /* ERROR_UNEXP_NET_ERR */
    {64, 10054},   /* ERROR_NETNAME_DELETED */
    {121, 10060},  /* ERROR_SEM_TIMEOUT */
    {676, 995},    /* ERROR_HANDLES_CLOSED */
    {1225, 10061}, /* ERROR_CONNECTION_REFUSED */
    {1229, 10057}, /* ERROR_CONNECTION_INVALID */
    {1231, 10051}, /* ERROR_NETWORK_UNREACHABLE */
    {1232, 10065}, /* ERROR_HOST_UNREACHABLE */
    {1233, 10065}, /* ERROR_PROTOCOL_UNREACHABLE */
    {1234, 10054}, /* ERROR_PORT_UNREACHABLE: as Winsock reports it */
    {1235, 995},   /* ERROR_REQUEST_ABORTED */
    {1236, 10053}, /* ERROR_CONNECTION_ABORTED */
    {1450, 10055}, /* ERROR_NO_SYSTEM_RESOURCES */
    {1453, 10055}, /* ERROR_WORKING_SET_QUOTA */
    {1816, 10055}, /* ERROR_NOT_ENOUGH_QUOTA */
    /* NTSTATUS: ntstatus.h */
    {0x80000005, 10040}, /* STATUS_BUFFER_OVERFLOW */
    {0x8000000A, 995},   /* STATUS_HANDLES_CLOSED */
    {0xC0000008, 995},   /* STATUS_INVALID_HANDLE */
    {0xC0000017, 10055}, /* STATUS_NO_MEMORY */
    {0xC0000022, 10013}, /* STATUS_ACCESS_DENIED */
    {0xC0000024, 995},   /* STATUS_OBJECT_TYPE_MISMATCH: the handle was reused for another object */
    {0xC0000044, 10055}, /* STATUS_QUOTA_EXCEEDED */
    {0xC000009A, 10055}, /* STATUS_INSUFFICIENT_RESOURCES */
    {0xC00000B5, 10060}, /* STATUS_IO_TIMEOUT */
    {0xC00000C4, 10054}, /* STATUS_UNEXPECTED_NETWORK_ERROR */
    {0xC0000120, 995},   /* STATUS_CANCELLED */
    {0xC000013B, 10053}, /* STATUS_LOCAL_DISCONNECT */
    {0xC000013C, 10054}, /* STATUS_REMOTE_DISCONNECT */
    {0xC0000140, 10054}, /* STATUS_INVALID_CONNECTION */
    {0xC000020C, 10054}, /* STATUS_CONNECTION_DISCONNECTED */
    {0xC000020D, 10054}, /* STATUS_CONNECTION_RESET */
    {0xC0000236, 10061}, /* STATUS_CONNECTION_REFUSED */
    {0xC000023C, 10051}, /* STATUS_NETWORK_UNREACHABLE */
    {0xC000023D, 10065}, /* STATUS_HOST_UNREACHABLE */
    {0xC000023E, 10054}, /* STATUS_PROTOCOL_UNREACHABLE */
    {0xC000023F, 10054}, /* STATUS_PORT_UNREACHABLE */
    {0xC0000240, 10053}, /* STATUS_REQUEST_ABORTED */
    {0xC0000241, 10053}, /* STATUS_CONNECTION_ABORTED */
};

int error_winsock_of_status(int32_t status)
{
    for (size_t i = 0; i < sizeof error_winsock__same / sizeof error_winsock__same[0]; i++)
        if (error_winsock__same[i].status == (uint32_t)status) return error_winsock__same[i].number;
    return status;
}

static const struct error_winsock__entry *error_winsock__find(int os_error)
{
    int number = error_winsock_of_status(os_error);

    for (size_t i = 0; i < sizeof error_winsock__entries / sizeof error_winsock__entries[0]; i++)
        if (error_winsock__entries[i].number == number) return &error_winsock__entries[i];
    return NULL;
}

enum weir_code error_winsock_code(int os_error)
{
    const struct error_winsock__entry *entry = error_winsock__find(os_error);

    if (os_error == 0) return WEIR_OK;
    return entry ? entry->code : WEIR_SYSTEM;
}

const char *error_winsock_name(int os_error, char *text, size_t size)
{
    const struct error_winsock__entry *entry = error_winsock__find(os_error);

    if (entry && entry->number == os_error)
        snprintf(text, size, "%s (%d)", entry->name, os_error);
    else if (os_error < 0)
        snprintf(text, size, "NTSTATUS 0x%08X", (unsigned)os_error);
    else
        snprintf(text, size, "Windows error %d", os_error);
    return text;
}
