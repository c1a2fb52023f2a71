/* SPDX-License-Identifier: MIT */
/* ip_text.h - parses IP addresses, without a port or an interface. */
#ifndef TEXT_IP_TEXT_H
#define TEXT_IP_TEXT_H

#include <stdint.h>

/* Parse the address at the front of a text: four numbers, or the groups of RFC 4291. Return where
 * the address ends; null: there is none, and *ip is unspecified. */
const char *ip_text_read_v4(const char *text, uint8_t ip[4]);
const char *ip_text_read_v6(const char *text, uint8_t ip[16]);

#endif
