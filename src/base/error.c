/* SPDX-License-Identifier: MIT */
/* error.c - texts of codes, and the one-line text of an error. */
#include <weir/error.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "error_fill.h"

static const char *const error__texts[WEIR_CODES_COUNT] = {
    [WEIR_OK] = "ok",
    [WEIR_INVALID] = "invalid",
    [WEIR_UNSUPPORTED] = "not supported here",
    [WEIR_DENIED] = "not permitted",
    [WEIR_ADDRESS_IN_USE] = "address in use",
    [WEIR_ADDRESS_UNAVAILABLE] = "no interface has this address",
    [WEIR_NO_MEMORY] = "out of memory",
    [WEIR_NO_FILES] = "out of file descriptors",
    [WEIR_NO_BUFFERS] = "out of buffers",
    [WEIR_QUEUE_FULL] = "send queue full",
    [WEIR_REPLY_LIMIT] = "above the reply limit",
    [WEIR_MAILBOX_FULL] = "mailbox full",
    [WEIR_NO_ROOM] = "full",
    [WEIR_RESET] = "connection reset",
    [WEIR_TIMED_OUT] = "timed out",
    [WEIR_UNREACHABLE] = "unreachable",
    [WEIR_REFUSED] = "connection refused",
    [WEIR_TOO_LARGE] = "too large",
    [WEIR_CANCELLED] = "cancelled",
    [WEIR_GONE] = "no session of that id",
    [WEIR_SYSTEM] = "system error",
    [WEIR_NAME_TAKEN] = "another session holds the name",
    [WEIR_HANDSHAKE] = "handshake failed",
};

const char *weir_code_text(enum weir_code code)
{
    return (unsigned)code < WEIR_CODES_COUNT ? error__texts[code] : "unknown";
}

enum weir_code error_fill(struct weir_error *error, enum weir_code code, int os_error,
                          const char *operation, const char *subject, const char *reason,
                          const char *hint)
{
    weir_check(code != WEIR_OK);
    if (!error) return code;
    memset(error, 0, sizeof *error);
    error->code = code;
    error->os_error = os_error;
    snprintf(error->operation, sizeof error->operation, "%s", operation);
    snprintf(error->subject, sizeof error->subject, "%s", subject ? subject : "");
    snprintf(error->reason, sizeof error->reason, "%s", reason ? reason : "");
    snprintf(error->hint, sizeof error->hint, "%s", hint ? hint : "");
    return code;
}

char *error_hint_and(const char *hint, int os_error, char *text, size_t size)
{
    const char *more = error_os_hint(os_error);

    snprintf(text, size, "%s%s%s", hint, more[0] ? "; " : "", more);
    return text;
}

char *weir_error_text(const struct weir_error *error, char *text, size_t size)
{
    char os_part[64] = "", name[48];

    if (error->os_error != 0) {
        const char *os_name = error_os_name(error->os_error, name, sizeof name);
        bool has_brackets = strchr(os_name, '(') != NULL; /* a name with its number: Windows */
        snprintf(os_part, sizeof os_part, has_brackets ? ", %s" : " (%s)", os_name);
    }
    snprintf(text, size, "cannot %s%s%s: %s%s%s%s", error->operation, error->subject[0] ? " " : "",
             error->subject, error->reason[0] ? error->reason : weir_code_text(error->code),
             os_part, error->hint[0] ? "; " : "", error->hint);
    return text;
}
