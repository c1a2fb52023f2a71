/* SPDX-License-Identifier: MIT */
/* option_rows.h - turns each line of a .def file into a struct option. The including file defines
 * OPTIONS_TARGET, the struct that has the members. */
#ifndef CLI_OPTION_ROWS_H
#define CLI_OPTION_ROWS_H

#include <stddef.h>

#include "option.h"

#define OPTIONS_MS_MAX (UINT64_C(24) * 24 * 3600 * 1000) /* 24 days fit into 31 bits */
#define OPTIONS_BYTES_MAX (UINT64_C(3) << 30)
#define OPTIONS_COUNT_MAX 1000000000

#define OPTIONS_MEMBER(member) \
    .offset = offsetof(OPTIONS_TARGET, member), .bytes = sizeof(((OPTIONS_TARGET *)0)->member)

/* clang-format off */
#define OPTIONS_GROUP(title) {.store = OPTION_GROUP, .name = title},
#define OPTIONS_VALUE(n, other, l, unit, a, member, low, high, zero, h) \
    {.store = OPTION_VALUE, .name = n, .alias = other, .letter = l, .argument = a, \
     .rule = {.kind = VALUE_##unit, .off = zero, .least = low, .most = high}, \
     OPTIONS_MEMBER(member), .help = h},
#define OPTIONS_CHOICE(n, a, member, choices, h) \
    {.store = OPTION_VALUE, .name = n, .argument = a, \
     .rule = {.kind = VALUE_WORD, .off = "", .words = choices}, \
     OPTIONS_MEMBER(member), .help = h},
#define OPTIONS_TEXT(n, l, a, member, h) \
    {.store = OPTION_TEXT, .name = n, .letter = l, .argument = a, \
     OPTIONS_MEMBER(member), .help = h},
#define OPTIONS_ESCAPED(n, a, member, h) \
    {.store = OPTION_ESCAPED, .name = n, .argument = a, OPTIONS_MEMBER(member), .help = h},
#define OPTIONS_SWITCH(n, l, member, h) \
    {.store = OPTION_SWITCH, .name = n, .letter = l, .argument = "", \
     OPTIONS_MEMBER(member), .help = h},
#define OPTIONS_ACTION(n, other, l, a, what, h) \
    {.store = OPTION_ACTION, .name = n, .alias = other, .letter = l, .argument = a, \
     .action = OPTIONS__##what, .help = h},

/* The same with a key in the configuration file. */
#define SETTING_LIVE true
#define SETTING_RESTART false
#define SETTING_VALUE(in_file, when, n, other, l, unit, a, member, low, high, zero, h) \
    {.store = OPTION_VALUE, .name = n, .alias = other, .letter = l, .argument = a, \
     .rule = {.kind = VALUE_##unit, .off = zero, .least = low, .most = high}, \
     OPTIONS_MEMBER(member), .help = h, .key = in_file, .is_live = SETTING_##when},
#define SETTING_CHOICE(in_file, when, n, a, member, choices, h) \
    {.store = OPTION_VALUE, .name = n, .argument = a, \
     .rule = {.kind = VALUE_WORD, .off = "", .words = choices}, \
     OPTIONS_MEMBER(member), .help = h, .key = in_file, .is_live = SETTING_##when},
#define SETTING_TEXT(in_file, when, n, l, a, member, h) \
    {.store = OPTION_TEXT, .name = n, .letter = l, .argument = a, \
     OPTIONS_MEMBER(member), .help = h, .key = in_file, .is_live = SETTING_##when},
#define SETTING_ESCAPED(in_file, when, n, a, member, h) \
    {.store = OPTION_ESCAPED, .name = n, .argument = a, \
     OPTIONS_MEMBER(member), .help = h, .key = in_file, .is_live = SETTING_##when},
#define SETTING_SWITCH(in_file, when, n, l, member, h) \
    {.store = OPTION_SWITCH, .name = n, .letter = l, .argument = "", \
     OPTIONS_MEMBER(member), .help = h, .key = in_file, .is_live = SETTING_##when},
#define SETTING_ACTION(in_file, when, n, other, l, a, what, h) \
    {.store = OPTION_ACTION, .name = n, .alias = other, .letter = l, .argument = a, \
     .action = OPTIONS__##what, .help = h, .key = in_file, .is_live = SETTING_##when},
/* clang-format on */

#endif
