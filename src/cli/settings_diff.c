/* SPDX-License-Identifier: MIT */
/* settings_diff.c - the column RESTART of options.def and listener.def, compared. */
#include "settings_diff.h"

#include <stdio.h>
#include <string.h>

#include "config_reading.h"
#include "options_table.h"

#define SETTINGS_DIFF__VALUE_BYTES 160

/* A comparison. */
struct settings_diff__work {
    settings_diff_fn *report;
    void *user;
};

static bool settings_diff__is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Names a listener as a user would. Returns `text`. */
static const char *settings_diff__listener(const struct options *options, size_t index, char *text,
                                           size_t size)
{
    const struct weir_listen *listen = &options->listeners[index];

    if (options->own[index].name)
        snprintf(text, size, "listen %.60s", options->own[index].name);
    else
        snprintf(text, size, "listen %s %.100s", listen->proto == WEIR_TCP ? "tcp" : "udp",
                 listen->address);
    return text;
}

size_t settings_diff_match(const struct options *options, size_t index, const struct options *other)
{
    const struct weir_listen *listen = &options->listeners[index];
    const char *name = options->own[index].name;

    for (size_t i = 0; i < other->listeners_count; i++)
        if (name && settings_diff__is_same(name, other->own[i].name)) return i;
    for (size_t i = 0; i < other->listeners_count; i++)
        if ((!name || !other->own[i].name) && other->listeners[i].proto == listen->proto &&
            strcmp(other->listeners[i].address, listen->address) == 0)
            return i;
    return SETTINGS_DIFF_NONE;
}

/* Reports the rows of a table that differ between two structs. `title` precedes the keys. */
static void settings_diff__rows(const struct settings_diff__work *work,
                                const struct option_table *table, const void *running,
                                const void *next, const char *title)
{
    char in_use[SETTINGS_DIFF__VALUE_BYTES], new_value[SETTINGS_DIFF__VALUE_BYTES], key[240];

    for (size_t i = 0; i < table->count; i++) {
        const struct option *option = &table->options[i];
        if (!option->key || option->is_live) continue;
        option_text(option, running, in_use, sizeof in_use);
        option_text(option, next, new_value, sizeof new_value);
        if (strcmp(in_use, new_value) == 0) continue;
        snprintf(key, sizeof key, "%s%s", title, title[0] ? option->name : option->key);
        work->report(work->user, key, in_use, new_value);
    }
}

/* Returns the listener as listener.def describes it, with the handler as it was written. */
static struct config_listen settings_diff__written(const struct options *options, size_t index)
{
    struct config_listen written = {.listen = options->listeners[index],
                                    .own = options->own[index]};

    written.listen.handler = written.own.handler;
    return written;
}

static void settings_diff__listeners(const struct settings_diff__work *work,
                                     const struct options *running, const struct options *next)
{
    char name[160], title[170];

    for (size_t i = 0; i < running->listeners_count; i++) {
        size_t match = settings_diff_match(running, i, next);
        settings_diff__listener(running, i, name, sizeof name);
        if (match == SETTINGS_DIFF_NONE) {
            work->report(work->user, name, "open", "none");
            continue;
        }
        const struct config_listen old = settings_diff__written(running, i);
        const struct config_listen new = settings_diff__written(next, match);
        snprintf(title, sizeof title, "%s: ", name);
        settings_diff__rows(work, &config_listen_table, &old, &new, title);
    }
    for (size_t i = 0; i < next->listeners_count; i++)
        if (settings_diff_match(next, i, running) == SETTINGS_DIFF_NONE)
            work->report(work->user, settings_diff__listener(next, i, name, sizeof name), "none",
                         "open");
}

void settings_diff(const struct options *running, const struct options *next,
                   settings_diff_fn *report, void *user)
{
    const struct settings_diff__work work = {report, user};

    settings_diff__rows(&work, &options_table, running, next, "");
    settings_diff__listeners(&work, running, next);
}
