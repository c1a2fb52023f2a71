/* SPDX-License-Identifier: MIT */
/* text_file.c - reads a text file that a user wrote. Other encodings than UTF-8 are named once,
 * instead of an error for each line. */
#include "text_file.h"

#include <stdint.h>
#include <string.h>

#include "input.h"

static const char text_file__mark[] = "\xef\xbb\xbf"; /* the byte order mark in UTF-8 */

/* Returns the encoding of bytes that are neither UTF-8 nor ASCII text; null: they can be. Without a
 * mark, UTF-16 shows in the NUL byte of its first ASCII character. */
static const char *text_file__foreign(const char *bytes, size_t length)
{
    static const struct {
        const char *name, *front;
        size_t length;
    } encodings[] = {
        {"UTF-32", "\xff\xfe\0\0", 4},
        {"UTF-32", "\0\0\xfe\xff", 4},
        {"UTF-16", "\xff\xfe", 2},
        {"UTF-16", "\xfe\xff", 2},
    };

    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (length >= encodings[i].length &&
            memcmp(bytes, encodings[i].front, encodings[i].length) == 0)
            return encodings[i].name;
    bool has_nul = length >= 2 && (bytes[0] == '\0') != (bytes[1] == '\0');
    return has_nul && length % 2 == 0 ? "UTF-16" : NULL;
}

/* Adds a diagnostic and returns false if the bytes are not text. */
static bool text_file__check(const char *bytes, size_t length, const char *label, const char *path,
                             struct diagnostics *diagnostics)
{
    const char *encoding = text_file__foreign(bytes, length);
    struct text_file lines = {.at = bytes, .end = bytes + length};
    size_t line_length;

    if (encoding) {
        diagnostics_add(diagnostics,
                        "%s %.150s: the file is %s; save it as UTF-8 (PowerShell: Set-Content "
                        "-Encoding utf8)",
                        label, path, encoding);
        return false;
    }
    if (!memchr(bytes, '\0', length)) return true;
    for (const char *line; (line = text_file_line(&lines, &line_length)) != NULL;)
        if (memchr(line, '\0', line_length)) break;
    diagnostics_add(diagnostics,
                    "%s %.150s, line %u: a NUL byte; write the file as plain text, in UTF-8", label,
                    path, lines.line);
    return false;
}

bool text_file_read(struct text_file *file, const char *label, const char *path,
                    struct arena *arena, struct diagnostics *diagnostics)
{
    char why[DIAGNOSTICS_LINE_BYTES];
    size_t length = 0;
    const char *bytes = input_read_file(path, TEXT_FILE_BYTES_MAX, &length, arena, why, sizeof why);

    *file = (struct text_file){.line = 0};
    if (!bytes) {
        diagnostics_add_unreadable(diagnostics, "%s %.150s: %s", label, path, why);
        return false;
    }
    file->at = bytes;
    file->end = bytes + length;
    return text_file__check(bytes, length, label, path, diagnostics);
}

/* The mark can precede each line: files can be concatenated. */
void text_file_skip_mark(struct text_file *file)
{
    const size_t mark = sizeof text_file__mark - 1;

    if ((size_t)(file->end - file->at) >= mark && memcmp(file->at, text_file__mark, mark) == 0)
        file->at += mark;
}

const char *text_file_line(struct text_file *file, size_t *length)
{
    const char *line, *at;

    if (file->at == file->end) return NULL;
    file->line++;
    text_file_skip_mark(file);
    line = at = file->at;
    while (at < file->end && *at != '\n' && *at != '\r') at++;
    *length = (size_t)(at - line);
    if (file->end - at >= 2 && at[0] == '\r' && at[1] == '\n') at++;
    file->at = at == file->end ? at : at + 1;
    return line;
}
