/* SPDX-License-Identifier: MIT */
/* module.h - loads handlers and codecs from files: `--handler ./mine.so`. */
#ifndef CLI_MODULE_H
#define CLI_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/weir.h>

/* Returns whether the name of a handler is a file: it has a slash, or ends in .so or .dll. */
bool module_is_file(const char *handler);

/* Loads a module, checks that this program can use it, and fills in *module. The module stays
 * loaded. Returns false if not: `diagnostic` says in one line what is wrong, and what to do. */
bool module_load(const char *path, struct weir_module *module, char *diagnostic, size_t size);

#endif
