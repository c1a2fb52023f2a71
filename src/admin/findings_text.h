/* SPDX-License-Identifier: MIT */
/* findings_text.h - the parts of a finding's sentences, and the room for a finding. */
#ifndef ADMIN_FINDINGS_TEXT_H
#define ADMIN_FINDINGS_TEXT_H

#include <stdbool.h>

#include "findings.h"

#define FINDINGS_WORD_BYTES (WEIR_ADDRESS_TEXT_BYTES + 40)

/* Text by value, for use as an argument of snprintf(). */
struct findings_word {
    char text[FINDINGS_WORD_BYTES];
};

#if defined(__clang__)
#define FINDINGS_FORMAT(at) __attribute__((format(printf, at, at + 1)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
#define FINDINGS_FORMAT(at) __attribute__((format(gnu_printf, at, at + 1)))
#else
#define FINDINGS_FORMAT(at)
#endif

/* What a rule knows before it writes its sentences. */
struct findings_head {
    const char *id;
    enum findings_severity severity;
    const char *setting;
    const char *advice;
};

/* Returns what snprintf() would write. */
struct findings_word findings_word(const char *format, ...) FINDINGS_FORMAT(1);

/* Returns the address without the port: "203.0.113.9"; of IPv6 its network: "2001:db8::/64". */
struct findings_word findings_network(const struct weir_address *address);

/* Returns a name that can contain any bytes, escaped and cut to a readable length. */
struct findings_word findings_name(const char *name, size_t length);

/* Returns " 3 other sessions are in the same state.", or "" if `others` is 0. `what` is "session",
 * `state` "in the same state". */
struct findings_word findings_others(uint64_t others, const char *what, const char *state);

/* Adds a finding, whose text and evidence the caller then writes. Never null. */
struct finding *findings_add(struct findings *findings, const struct findings_head *head);

/* Write the sentences as snprintf() does, without control characters. */
void findings_say(struct finding *finding, const char *format, ...) FINDINGS_FORMAT(2);
void findings_prove(struct finding *finding, const char *format, ...) FINDINGS_FORMAT(2);

#endif
