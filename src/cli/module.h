/* SPDX-License-Identifier: MIT */
/* module.h - loads handlers and codecs from files: `--handler ./mine.so`. */
#ifndef CLI_MODULE_H
#define CLI_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/weir.h>

/* Returns whether the name of a handler is a file: it has a slash, or ends in .so or .dll. */
bool module_is_file(const char *handler);

/* Loads a module and checks that this program can use it. The module stays loaded. Null:
 * `diagnostic` says in one line what is wrong, and what to do. */
const struct weir_module *module_load(const char *path, char *diagnostic, size_t size);

#endif
