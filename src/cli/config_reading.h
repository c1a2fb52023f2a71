/* SPDX-License-Identifier: MIT */
/* config_reading.h - what the readers of a configuration file's sections share. */
#ifndef CLI_CONFIG_READING_H
#define CLI_CONFIG_READING_H

#include "options.h"
#include "settings_tree.h"

/* A configuration file that is being read into options. */
struct config_reading {
    struct options *options;
    struct option_reading *command_line; /* already read: its options replace the file's */
    struct diagnostics *diagnostics;
    const char *file;   /* its name, as the user wrote it */
    const char *folder; /* ends with a slash, or is "" */
};

/* A section that is being read: its keys, and where their values belong. */
struct config_section {
    const struct option_table *table;
    const char *prefix; /* of its keys in the table: "limits"; "": of the whole file */
    const char *title;  /* the prefix in diagnostics, "tls.game" */
    void *target;       /* the struct of the table's members */
    size_t offset;      /* of `target` in that struct */
    /* Reads an OPTION_ACTION. `is_replaced`: the command line has it, so only check it. */
    void (*act)(struct config_reading *reading, const struct config_section *section,
                const struct option *option, const struct settings_node *node, bool is_replaced);
    /* Returns whether the command line replaces the option; null: never. */
    bool (*is_replaced)(const struct config_reading *reading, const struct option *option);
};

/* Reads all keys of a map by the section's table. Reports unknown ones. */
void config_section_read(struct config_reading *reading, const struct config_section *section,
                         const struct settings_node *map);

/* Returns the option of a key, "limits" and "idle-timeout"; null: there is none. */
const struct option *config_section_find(const struct config_section *section, const char *key);

/* Sets the place of the next diagnostics to that of the node. */
void config_enter(struct config_reading *reading, const struct settings_node *node);

/* Writes the full name of the option's key: "tls.game.min". Returns `label`. */
char *config_label(const struct config_section *section, const struct option *option, char *label,
                   size_t size);

/* Stores one value. Reports a wrong one. `is_replaced`: only checks it. */
void config_value_read(struct config_reading *reading, const struct config_section *section,
                       const struct option *option, const struct settings_node *node,
                       bool is_replaced);

/* Calls `take` for a text, or for each text of a list. Reports everything else. */
void config_value_each(struct config_reading *reading, const char *label,
                       const struct settings_node *node,
                       void (*take)(struct config_reading *reading, const char *label,
                                    const char *text, void *argument),
                       void *argument);

/* Returns a file's name relative to the folder of the configuration file; an absolute name, and a
 * handler's name without a slash, stay. Null after reporting that memory is exhausted. */
const char *config_path(struct config_reading *reading, const char *name);

/* Reports an unknown key: with the nearest known one, or the section where it belongs. */
void config_unknown_key(struct config_reading *reading, const struct config_section *section,
                        const struct settings_node *node);

/* Read the section tls, and the list listen. */
void config_tls_read(struct config_reading *reading, const struct settings_node *node);
void config_listen_read(struct config_reading *reading, const struct settings_node *node);

/* A listener that is being read. */
struct config_listen {
    struct weir_listen listen;
    struct options_own own;
};

extern const struct option_table config_listen_table; /* of listener.def, for that struct */

#endif
