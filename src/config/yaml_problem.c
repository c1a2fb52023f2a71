/* SPDX-License-Identifier: MIT */
/* yaml_problem.c - explanations of libyaml's messages. A message without one is shown as it is. */
#include "yaml_problem.h"

#include <stdio.h>
#include <string.h>

/* By the text that libyaml's message contains. */
static const struct {
    const char *part, *explanation;
} yaml_problem__texts[] = {
    {"mapping values are not allowed",
     "a second \": \" in this line, or a key that is indented more than the keys before it; put a "
     "text that contains \": \" into quotes, and indent the keys of one section equally"},
    {"could not find expected ':'",
     "a line without \"key: value\"; write a colon and a blank after the key"},
    {"did not find expected key",
     "a key is expected here; indent the keys of one section equally, and put a text that begins "
     "with [, {, \" or ' into quotes as a whole: \"[::]:7000\""},
    {"did not find expected '-' indicator",
     "an item of a list is expected here; begin each item with \"- \", all indented equally"},
    {"block sequence entries are not allowed",
     "a list cannot begin here; write each \"- \" item in a line of its own below the key"},
    {"did not find expected ',' or ']'",
     "a list in [ ] is not closed; write commas between its items, and ] after the last one"},
    {"did not find expected ',' or '}'",
     "a section in { } is not closed; write commas between its keys, and } after the last one"},
    {"did not find expected node content",
     "a value is expected here; put a text that begins with [, {, :, \" or ' into quotes as a "
     "whole: \"[::]:7000\""},
    {"out of memory", "out of memory"},
    {"cannot start any token",
     "this character cannot begin a text (@, ` and % need quotes, and a tab is no indentation); "
     "put the text into quotes"},
    {"found unexpected end of stream",
     "a quote is not closed; write the same quote after the text, in the same line"},
    {"found unexpected document indicator",
     "a quote is not closed; write the same quote after the text, in the same line"},
    {"unknown escape character",
     "\\ begins an escape in double quotes that YAML does not know; write \\\\ for it, or use "
     "single quotes"},
    {"control characters are not allowed",
     "a control character; write the file as plain text, and \\x07 in double quotes for a byte"},
    {"UTF-8", "bytes that are not UTF-8; save the file as UTF-8"},
    {"did not find expected <document start>",
     "text after the end of the configuration; indent it as the lines before, or remove \"...\""},
    {"did not find expected alphabetic or numeric character",
     "* begins an alias and & an anchor in YAML, which are not used here; put the text into "
     "quotes"},
};

char *yaml_problem_text(const char *problem, char *text, size_t size)
{
    for (size_t i = 0; i < sizeof yaml_problem__texts / sizeof yaml_problem__texts[0]; i++) {
        if (!strstr(problem, yaml_problem__texts[i].part)) continue;
        snprintf(text, size, "%s", yaml_problem__texts[i].explanation);
        return text;
    }
    snprintf(text, size, "not valid YAML: %s; compare this line with the examples of %s", problem,
             "docs/configuration.md");
    return text;
}

struct settings_position yaml_problem_position(const struct yaml_source *source, size_t offset)
{
    struct settings_position position = {.line = 1, .column = 1};

    for (size_t i = 0; i < offset && i < source->length; i++) {
        unsigned char byte = (unsigned char)source->bytes[i];
        if (byte == '\n') {
            position.line++;
            position.column = 1;
        } else if ((byte & 0xc0) != 0x80) { /* not the second or later byte of a character */
            position.column++;
        }
    }
    return position;
}

size_t yaml_problem_report_tabs(const struct yaml_source *source)
{
    const char *at = source->bytes, *end = at + source->length;
    size_t found = 0;

    for (unsigned line = 1; at < end; line++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at)), *first = at;
        if (!line_end) line_end = end;
        while (first < line_end && *first == ' ') first++;
        if (first < line_end && *first == '\t') {
            struct settings_position position = {.line = line,
                                                 .column = (unsigned)(first - at) + 1};
            source->report(source->user, position, "a tab in the indentation; write blanks");
            found++;
        }
        at = line_end + (line_end < end);
    }
    return found;
}
