/* SPDX-License-Identifier: MIT */
/* os_doctor_windows.c - what Windows says of its processors, memory and IPv6. It has no limits of
 * the other kinds that a program could read. */
#include "os_doctor.h"

#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

static void os_doctor__ask_ipv6(struct doctor_facts *facts)
{
    WSADATA data;
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) return;
    SOCKET six = socket(AF_INET6, SOCK_STREAM, 0);
    facts->has_ipv6 = six != INVALID_SOCKET &&
                      bind(six, (const struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (six != INVALID_SOCKET) closesocket(six);
    WSACleanup();
}

void os_doctor_ask(struct doctor_facts *facts)
{
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};

    if (GlobalMemoryStatusEx(&memory)) facts->memory_available_bytes = memory.ullAvailPhys;
    facts->processors = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    facts->processors_quota_percent = DOCTOR_UNLIMITED;
    os_doctor__ask_ipv6(facts);
}
