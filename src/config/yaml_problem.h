/* SPDX-License-Identifier: MIT */
/* yaml_problem.h - explains the syntax errors of libyaml for the author of a configuration. */
#ifndef CONFIG_YAML_PROBLEM_H
#define CONFIG_YAML_PROBLEM_H

#include <stddef.h>

#include "settings_tree.h"
#include "yaml_reader.h"

/* Writes what to write instead after libyaml's message `problem`. Returns `text`. */
char *yaml_problem_text(const char *problem, char *text, size_t size);

/* Returns the line and column of a byte of the file. */
struct settings_position yaml_problem_position(const struct yaml_source *source, size_t offset);

/* Reports every line that is indented by a tab. Returns how many there are. */
size_t yaml_problem_report_tabs(const struct yaml_source *source);

#endif
