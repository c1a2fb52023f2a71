/* SPDX-License-Identifier: MIT */
/* interface.h - names and indexes of network interfaces, for the scope of link-local addresses
 * (RFC 4007 section 11). One of interface_linux.c and interface_windows.c is compiled. */
#ifndef BASE_INTERFACE_H
#define BASE_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the index of the interface with this name. 0: *os_error is 0 if there is no such
 * interface, otherwise the system's error. Thread: any. */
uint32_t interface_index(const char *name, int *os_error);

/* Writes the name of an interface for "%NAME" in an address. Returns false if it has no such name:
 * write its index then. Thread: any. */
bool interface_name(uint32_t index, char *name, size_t size);

/* Returns how a user lists the interfaces: "see them with 'ip link'". */
const char *interface_hint(void);

#endif
