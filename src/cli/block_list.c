/* SPDX-License-Identifier: MIT */
/* block_list.c - parses blocks one by one, so that a diagnostic can name the option, the file and
 * the line. */
#include "block_list.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <weir/address.h>

#include "escape.h"
#include "text_file.h"

#define BLOCK_LIST__SEPARATORS ", \t\r\n"

/* Checks a block. Adds a diagnostic, which begins with `where`, if it is not one. */
static bool block_list__check(const char *text, size_t length, const char *where,
                              struct diagnostics *diagnostics)
{
    char word[WEIR_ADDRESS_TEXT_BYTES], escaped[160];
    struct weir_address_block block;
    struct weir_error error;

    snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : (int)sizeof word,
             text);
    if (weir_address_block_read(word, &block, &error) == WEIR_OK) return true;
    /* Invisible characters are the cause where the text looks right. */
    escape_text((const uint8_t *)text, length < 60 ? length : 60, escaped, sizeof escaped);
    diagnostics_add(diagnostics, "%s: %s: %s; %s", where, escaped, error.reason, error.hint);
    return false;
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
        if (block > 0 && block_list__check(text, block, where, diagnostics)) {
            memcpy(to, text, block);
            to += block;
            *to++ = ',';
            *to++ = ' ';
        }
        text += block + 1;
    }
    return to;
}

/* Allocates memory for the list and for blocks from `length` bytes of text, and copies the list.
 * *to is set to its end. Returns null and adds a diagnostic if memory is exhausted. */
static char *block_list__room(const char *list, size_t length, char **to, const char *label,
                              struct arena *arena, struct diagnostics *diagnostics)
{
    size_t used = list ? strlen(list) : 0;
    char *room = arena_alloc(arena, used + 2 + 2 * length + 3);

    if (!room) {
        diagnostics_add(diagnostics, "%s: out of memory", label);
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

void block_list_add(const char **list, const char *label, const char *text, struct arena *arena,
                    struct diagnostics *diagnostics)
{
    char *to, *room;

    if (text[strspn(text, BLOCK_LIST__SEPARATORS)] == '\0') {
        diagnostics_add(diagnostics, "%s: write a block such as 10.0.0.0/8, 2001:db8::/32 or ::1",
                        label);
        return;
    }
    room = block_list__room(*list, strlen(text), &to, label, arena, diagnostics);
    if (!room) return;
    to = block_list__copy(to, text, strlen(text), label, diagnostics);
    block_list__end(list, room, to);
}

/* ---- files ---- */

void block_list_add_file(const char **list, const char *label, const char *path,
                         struct arena *arena, struct diagnostics *diagnostics)
{
    char where[240], *to, *room;
    struct text_file file;
    size_t length, errors = diagnostics->count;

    if (!text_file_read(&file, label, path, arena, diagnostics)) return;
    room = block_list__room(*list, (size_t)(file.end - file.at), &to, label, arena, diagnostics);
    if (!room) return;
    for (const char *line; (line = text_file_line(&file, &length)) != NULL;) {
        const char *comment = memchr(line, '#', length);
        snprintf(where, sizeof where, "%s %.150s, line %u", label, path, file.line);
        to = block_list__copy(to, line, comment ? (size_t)(comment - line) : length, where,
                              diagnostics);
    }
    /* An empty allow-list would look like no list, which allows every client. */
    if (to == room && diagnostics->count == errors && strstr(label, "allow"))
        diagnostics_add(diagnostics, "%s %.150s: the file contains no block; write one per line",
                        label, path);
    block_list__end(list, room, to);
}
