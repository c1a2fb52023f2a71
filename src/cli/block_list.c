/* SPDX-License-Identifier: MIT */
/* block_list.c - parses blocks one by one, so that a diagnostic can name the option, the file and
 * the line. */
#include "block_list.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <weir/address.h>

#include "input.h"

#define BLOCK_LIST__SEPARATORS ", \t\r\n"
#define BLOCK_LIST__FILE_BYTES_MAX ((size_t)16 << 20)

/* Returns whether the text is a number of at most `max`. */
static bool block_list__is_prefix(const char *text, size_t length, unsigned max)
{
    unsigned value = 0;

    if (length == 0 || length > 3) return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return value <= max;
}

/* Returns whether the text is an address without a port, with an optional prefix length:
 * "10.0.0.0/8", "::1". */
static bool block_list__is_block(const char *text, size_t length)
{
    char text_with_port[WEIR_ADDRESS_TEXT_BYTES];
    struct weir_address address;
    const char *slash = memchr(text, '/', length);
    size_t host = slash ? (size_t)(slash - text) : length;
    bool six = memchr(text, ':', host) != NULL;

    if (host == 0 || host > sizeof text_with_port - 8 || text[0] == '[' || text[0] == '*')
        return false;
    snprintf(text_with_port, sizeof text_with_port, six ? "[%.*s]:1" : "%.*s:1", (int)host, text);
    return weir_address_parse(text_with_port, &address) &&
           (!slash || block_list__is_prefix(slash + 1, length - host - 1, six ? 128 : 32));
}

/* Appends the blocks in `length` bytes of text at `to`. Returns the end of them. Diagnostics begin
 * with `where`. */
static char *block_list__copy(char *to, const char *text, size_t length, const char *where,
                              struct diagnostics *diagnostics)
{
    const char *end = text + length;

    while (text < end) {
        size_t block = 0;
        while (text + block < end && !strchr(BLOCK_LIST__SEPARATORS, text[block])) block++;
        if (block > 0 && block_list__is_block(text, block)) {
            memcpy(to, text, block);
            to += block;
            *to++ = ',';
            *to++ = ' ';
        } else if (block > 0) {
            diagnostics_add(diagnostics,
                            "%s: %.*s: write a block such as 10.0.0.0/8, 2001:db8::/32 or ::1",
                            where, block > 60 ? 60 : (int)block, text);
        }
        text += block + 1;
    }
    return to;
}

/* Allocates memory for the list and for blocks from `length` bytes of text, and copies the list.
 * *to is set to its end. Returns null and adds a diagnostic if memory is exhausted. */
static char *block_list__room(const char *list, size_t length, char **to, const char *option,
                              struct arena *arena, struct diagnostics *diagnostics)
{
    size_t used = list ? strlen(list) : 0;
    char *room = arena_alloc(arena, used + 2 + 2 * length + 3);

    if (!room) {
        diagnostics_add(diagnostics, "--%s: out of memory", option);
        return NULL;
    }
    *to = room;
    if (used == 0) return room;
    memcpy(room, list, used);
    memcpy(room + used, ", ", 2);
    *to += used + 2;
    return room;
}

/* Removes the last separator and stores the list. An empty list stays null. */
static void block_list__end(const char **list, char *room, char *to)
{
    if (to == room) return;
    to[-2] = '\0';
    *list = room;
}

void block_list_add(const char **list, const char *option, const char *text, struct arena *arena,
                    struct diagnostics *diagnostics)
{
    char where[48], *to, *room;

    snprintf(where, sizeof where, "--%s", option);
    if (text[strspn(text, BLOCK_LIST__SEPARATORS)] == '\0') {
        diagnostics_add(diagnostics, "%s: write a block such as 10.0.0.0/8, 2001:db8::/32 or ::1",
                        where);
        return;
    }
    room = block_list__room(*list, strlen(text), &to, option, arena, diagnostics);
    if (!room) return;
    to = block_list__copy(to, text, strlen(text), where, diagnostics);
    block_list__end(list, room, to);
}

/* ---- files ---- */

/* Reads a whole file. Returns null and adds a diagnostic if it cannot be read. */
static char *block_list__read(const char *option, const char *path, size_t *length,
                              struct arena *arena, struct diagnostics *diagnostics)
{
    char why[DIAGNOSTICS_LINE_BYTES];
    char *bytes = input_read_file(path, BLOCK_LIST__FILE_BYTES_MAX, length, arena, why, sizeof why);

    if (!bytes) diagnostics_add_unreadable(diagnostics, "--%s %.150s: %s", option, path, why);
    return bytes;
}

void block_list_add_file(const char **list, const char *option, const char *path,
                         struct arena *arena, struct diagnostics *diagnostics)
{
    char where[240], *to, *room;
    size_t length = 0;
    unsigned number = 1;
    const char *text = block_list__read(option, path, &length, arena, diagnostics);

    if (!text) return;
    room = block_list__room(*list, length, &to, option, arena, diagnostics);
    if (!room) return;
    for (const char *line = text; line < text + length; number++) {
        size_t used = 0, whole = 0;
        while (line + whole < text + length && line[whole] != '\n') whole++;
        while (used < whole && line[used] != '#') used++;
        snprintf(where, sizeof where, "--%s %.150s, line %u", option, path, number);
        to = block_list__copy(to, line, used, where, diagnostics);
        line += whole + 1;
    }
    /* An empty allow-list would look like no list, which allows every client. */
    if (to == room && strncmp(option, "allow", 5) == 0)
        diagnostics_add(diagnostics, "--%s %.150s: the file contains no block; write one per line",
                        option, path);
    block_list__end(list, room, to);
}
