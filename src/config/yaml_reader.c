/* SPDX-License-Identifier: MIT */
/* yaml_reader.c - builds the tree from libyaml's events.
 *
 *  *      event   ->   a mistake?   ->   key or value of the innermost map, or item of the list
 *
 *  * Libyaml reads only the part of the file that it needs for the next event, so a file that is
 * nested too deeply or too long is rejected before it costs memory or time. */
#include "yaml_reader.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "yaml_problem.h"

#define YAML_READER__TEXT_BYTES 400

/* A file that is being read. */
struct yaml_reader {
    const struct yaml_source *source;
    yaml_parser_t parser;
    struct settings_node *parents[YAML_READER_DEPTH_MAX];
    size_t depth; /* of `parents` */
    struct settings_node *root;
    size_t nodes_count, documents_count;
    size_t muted_depth; /* of maps and lists that are skipped; 0: none is */
    /* The key whose value follows, if has_key is set; null: the value is skipped. */
    const char *key;
    struct settings_position key_position;
    bool has_key;
    unsigned broken_line; /* in which a text of several lines ended; 0: none did */
    bool is_done;
};

static struct settings_position yaml_reader__position(const yaml_mark_t *mark)
{
    return (struct settings_position){.line = (unsigned)mark->line + 1,
                                      .column = (unsigned)mark->column + 1};
}

static void yaml_reader__report(const struct yaml_reader *reader, const yaml_mark_t *mark,
                                const char *text)
{
    reader->source->report(reader->source->user, yaml_reader__position(mark), text);
}

/* Reports a mistake that ends the reading. */
static void yaml_reader__give_up(struct yaml_reader *reader, const yaml_mark_t *mark,
                                 const char *text)
{
    yaml_reader__report(reader, mark, text);
    reader->is_done = true;
}

static void *yaml_reader__alloc(struct yaml_reader *reader, const yaml_mark_t *mark, size_t bytes)
{
    void *memory = reader->source->alloc(reader->source->user, bytes);

    if (!memory) yaml_reader__give_up(reader, mark, "out of memory");
    return memory;
}

/* ---- the tree ---- */

static bool yaml_reader__expects_key(const struct yaml_reader *reader)
{
    return reader->depth > 0 && reader->parents[reader->depth - 1]->kind == SETTINGS_MAP &&
           !reader->has_key;
}

/* Adds a value where it belongs. Returns null if it is skipped, or after giving up. */
static struct settings_node *yaml_reader__add(struct yaml_reader *reader, enum settings_kind kind,
                                              const yaml_mark_t *mark)
{
    struct settings_node *parent = reader->depth > 0 ? reader->parents[reader->depth - 1] : NULL;
    bool is_skipped = reader->has_key && !reader->key;

    if (is_skipped) {
        reader->has_key = false;
        return NULL;
    }
    if (++reader->nodes_count > YAML_READER_NODES_MAX) {
        yaml_reader__give_up(reader, mark,
                             "too many values; put long lists into files, such as deny-file");
        return NULL;
    }
    struct settings_node *node = yaml_reader__alloc(reader, mark, sizeof *node);
    if (!node) return NULL;
    node->kind = kind;
    node->position = yaml_reader__position(mark);
    if (reader->has_key) {
        node->key = reader->key;
        node->key_position = reader->key_position;
        reader->has_key = false;
    }
    if (parent)
        settings_tree_add(parent, node);
    else
        reader->root = node;
    return node;
}

/* Skips the map or list that begins, with everything in it. */
static void yaml_reader__mute(struct yaml_reader *reader)
{
    reader->muted_depth = 1;
}

/* ---- what every node can have too much of ---- */

/* Reports an anchor or a tag, which are then ignored. */
static void yaml_reader__check_marks(const struct yaml_reader *reader, const yaml_char_t *anchor,
                                     const yaml_char_t *tag, const yaml_mark_t *mark)
{
    if (anchor)
        yaml_reader__report(reader, mark,
                            "an anchor (&); write the values again where they are needed, or put a "
                            "text that begins with & into quotes");
    if (tag)
        yaml_reader__report(reader, mark,
                            "a tag (!); write the value without it, or put a text that begins with "
                            "! into quotes");
}

static const char *yaml_reader__wrong_scalar(const yaml_event_t *event)
{
    bool is_block = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                    event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;

    if (is_block || event->start_mark.line != event->end_mark.line)
        return "a text of several lines; write it in one line, with \\n in double quotes for a "
               "newline, and indent the keys of one section equally";
    if (memchr(event->data.scalar.value, '\0', event->data.scalar.length))
        return "a NUL byte, which no setting contains; remove \\0";
    return NULL;
}

/* Returns the scalar's text; null after reporting a mistake. */
static const char *yaml_reader__text(struct yaml_reader *reader, const yaml_event_t *event)
{
    size_t length = event->data.scalar.length;
    const char *wrong = yaml_reader__wrong_scalar(event);

    yaml_reader__check_marks(reader, event->data.scalar.anchor, event->data.scalar.tag,
                             &event->start_mark);
    if (event->end_mark.line > event->start_mark.line)
        reader->broken_line = (unsigned)event->end_mark.line + 1;
    if (wrong) {
        yaml_reader__report(reader, &event->start_mark, wrong);
        return NULL;
    }
    char *text = yaml_reader__alloc(reader, &event->start_mark, length + 1);
    if (text) memcpy(text, event->data.scalar.value, length);
    return text;
}

/* ---- keys ---- */

/* Returns whether the key is good. */
static bool yaml_reader__check_key(struct yaml_reader *reader, const char *key,
                                   const yaml_event_t *event)
{
    const struct settings_node *map = reader->parents[reader->depth - 1];
    const struct settings_node *earlier = settings_tree_find(map, key);
    char text[YAML_READER__TEXT_BYTES] = "";

    if (map->count >= YAML_READER_KEYS_MAX)
        yaml_reader__give_up(reader, &event->start_mark, "too many keys in one section");
    else if (strcmp(key, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        snprintf(text, sizeof text, "a merge key (<<); write the keys here instead");
    else if (key[0] == '\0')
        snprintf(text, sizeof text, "a key without a name; write one before the colon");
    else if (earlier)
        snprintf(text, sizeof text, "%.100s is already in line %u; keep one of the two", key,
                 earlier->key_position.line);
    if (text[0] != '\0') yaml_reader__report(reader, &event->start_mark, text);
    return text[0] == '\0' && !reader->is_done;
}

static void yaml_reader__take_key(struct yaml_reader *reader, const yaml_event_t *event)
{
    const char *key = yaml_reader__text(reader, event);

    if (reader->is_done) return;
    if (key && !yaml_reader__check_key(reader, key, event)) key = NULL;
    reader->key = key;
    reader->key_position = yaml_reader__position(&event->start_mark);
    reader->has_key = true;
}

/* The key is not a text: it and its value are skipped. */
static void yaml_reader__refuse_key(struct yaml_reader *reader, const yaml_event_t *event,
                                    const char *text)
{
    yaml_reader__report(reader, &event->start_mark, text);
    reader->key = NULL;
    reader->has_key = true;
}

/* ---- values ---- */

static void yaml_reader__take_scalar(struct yaml_reader *reader, const yaml_event_t *event)
{
    if (yaml_reader__expects_key(reader)) {
        yaml_reader__take_key(reader, event);
        return;
    }
    const char *text = yaml_reader__text(reader, event);
    if (reader->is_done) return;
    struct settings_node *node =
        yaml_reader__add(reader, text ? SETTINGS_TEXT : SETTINGS_BAD, &event->start_mark);
    if (!node) return;
    node->text = text;
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

static void yaml_reader__take_alias(struct yaml_reader *reader, const yaml_event_t *event)
{
    static const char text[] = "an alias (*); write the values again, or put a text that begins "
                               "with * into quotes";

    if (yaml_reader__expects_key(reader)) {
        yaml_reader__refuse_key(reader, event, text);
        return;
    }
    yaml_reader__report(reader, &event->start_mark, text);
    yaml_reader__add(reader, SETTINGS_BAD, &event->start_mark);
}

/* A map or list begins. */
static void yaml_reader__descend(struct yaml_reader *reader, enum settings_kind kind,
                                 const yaml_event_t *event)
{
    if (yaml_reader__expects_key(reader)) {
        yaml_reader__refuse_key(reader, event, "this key is not a text; write a name");
        yaml_reader__mute(reader);
        return;
    }
    bool is_deep = reader->depth == YAML_READER_DEPTH_MAX;
    if (is_deep)
        yaml_reader__report(reader, &event->start_mark,
                            "sections and lists are nested too deeply; no setting is deeper than "
                            "four levels");
    struct settings_node *node =
        yaml_reader__add(reader, is_deep ? SETTINGS_BAD : kind, &event->start_mark);
    if (is_deep || !node)
        yaml_reader__mute(reader);
    else
        reader->parents[reader->depth++] = node;
}

/* A map or list ends. */
static void yaml_reader__ascend(struct yaml_reader *reader)
{
    reader->depth--;
    reader->has_key = false;
}

/* ---- documents and events ---- */

static void yaml_reader__begin_document(struct yaml_reader *reader, const yaml_event_t *event)
{
    bool has_directives = event->data.document_start.version_directive ||
                          event->data.document_start.tag_directives.start !=
                              event->data.document_start.tag_directives.end;

    if (has_directives)
        yaml_reader__report(reader, &event->start_mark,
                            "a directive (%) precedes this line; remove it");
    if (++reader->documents_count > 1)
        yaml_reader__give_up(reader, &event->start_mark,
                             "a second document begins; one file is one configuration, so remove "
                             "this line (---) and what follows");
}

static void yaml_reader__take(struct yaml_reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT: yaml_reader__begin_document(reader, event); break;
    case YAML_STREAM_END_EVENT: reader->is_done = true; break;
    case YAML_ALIAS_EVENT: yaml_reader__take_alias(reader, event); break;
    case YAML_SCALAR_EVENT: yaml_reader__take_scalar(reader, event); break;
    case YAML_SEQUENCE_START_EVENT:
        yaml_reader__check_marks(reader, event->data.sequence_start.anchor,
                                 event->data.sequence_start.tag, &event->start_mark);
        yaml_reader__descend(reader, SETTINGS_LIST, event);
        break;
    case YAML_MAPPING_START_EVENT:
        yaml_reader__check_marks(reader, event->data.mapping_start.anchor,
                                 event->data.mapping_start.tag, &event->start_mark);
        yaml_reader__descend(reader, SETTINGS_MAP, event);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: yaml_reader__ascend(reader); break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: break;
    }
}

/* Counts the levels of what is skipped. Libyaml's time grows with the square of the depth, so a
 * file that is nested much too deeply is not read further. */
static void yaml_reader__skip(struct yaml_reader *reader, const yaml_event_t *event)
{
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
        reader->muted_depth++;
    if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT)
        reader->muted_depth--;
    if (reader->muted_depth > YAML_READER_DEPTH_MAX) reader->is_done = true;
}

static void yaml_reader__report_syntax(struct yaml_reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "out of memory";
    struct settings_position position = yaml_reader__position(&parser->problem_mark);
    char text[YAML_READER__TEXT_BYTES];

    reader->is_done = true;
    if (parser->error == YAML_READER_ERROR)
        position = yaml_problem_position(reader->source, parser->problem_offset);
    /* "[::]:7000" begins a list: the text was meant, so the list is not reported, too. */
    if (reader->depth > 0 && reader->parents[reader->depth - 1]->position.line == position.line)
        reader->parents[reader->depth - 1]->kind = SETTINGS_BAD;
    if (position.line == reader->broken_line && strstr(problem, "mapping values"))
        return; /* the text of several lines was reported */
    reader->source->report(reader->source->user, position,
                           yaml_problem_text(problem, text, sizeof text));
}

static void yaml_reader__read_events(struct yaml_reader *reader)
{
    yaml_event_t event;

    while (!reader->is_done) {
        if (!yaml_parser_parse(&reader->parser, &event)) {
            yaml_reader__report_syntax(reader);
            return;
        }
        if (reader->muted_depth > 0)
            yaml_reader__skip(reader, &event);
        else
            yaml_reader__take(reader, &event);
        yaml_event_delete(&event);
    }
}

/* Returns the root if it is a map. An empty file, or one with comments alone, becomes one. */
static struct settings_node *yaml_reader__root(struct yaml_reader *reader)
{
    static const yaml_mark_t start;

    if (!reader->root && reader->documents_count == 0 && !reader->parser.error)
        return yaml_reader__add(reader, SETTINGS_MAP, &start);
    if (!reader->root || reader->root->kind == SETTINGS_MAP) return reader->root;
    if (settings_tree_is_empty(reader->root)) {
        reader->root->kind = SETTINGS_MAP;
        return reader->root;
    }
    if (reader->root->kind != SETTINGS_BAD)
        reader->source->report(reader->source->user, reader->root->position,
                               "the file is no list of settings; write \"key: value\" in each "
                               "line, such as \"workers: 2\"");
    return NULL;
}

struct settings_node *yaml_reader_read(const struct yaml_source *source)
{
    struct yaml_reader reader = {.source = source};

    if (source->length > YAML_READER_BYTES_MAX) {
        source->report(source->user, (struct settings_position){.line = 0},
                       "the file has more than 1 MiB; put long lists into files, such as "
                       "deny-file");
        return NULL;
    }
    if (yaml_problem_report_tabs(source) > 0) return NULL;
    if (!yaml_parser_initialize(&reader.parser)) {
        source->report(source->user, (struct settings_position){.line = 0}, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)source->bytes,
                                 source->length);
    yaml_reader__read_events(&reader);
    struct settings_node *root = yaml_reader__root(&reader);
    yaml_parser_delete(&reader.parser);
    return root;
}
