/* SPDX-License-Identifier: MIT */
/* broken.c - modules that weir rejects; the macro BROKEN_... selects the defect. */
#include <weir/weir.h>

#ifndef BROKEN_SIZE
#define BROKEN_SIZE sizeof(struct weir_handler)
#endif

#if !defined(BROKEN_EMPTY) && !defined(BROKEN_SYMBOL) && !defined(BROKEN_CODEC) && \
    !defined(BROKEN_PROBE)
static const struct weir_handler handler = {
    .size = BROKEN_SIZE,
#ifndef BROKEN_NAME
    .name = "broken",
#endif
};
#endif

#if defined(BROKEN_SYMBOL)
WEIR_MODULE_EXPORT extern const struct weir_module weir_modul;
const struct weir_module weir_modul = {WEIR_ABI_VERSION, sizeof weir_modul, NULL, NULL, NULL};
#elif defined(BROKEN_ABI)
WEIR_MODULE_EXPORT extern const struct weir_module weir_module;
const struct weir_module weir_module = {WEIR_ABI_VERSION + 1, sizeof weir_module, &handler, NULL,
                                        NULL};
#elif defined(BROKEN_MODULE_SIZE)
WEIR_MODULE_EXPORT extern const struct weir_module weir_module;
const struct weir_module weir_module = {WEIR_ABI_VERSION, BROKEN_MODULE_SIZE, &handler, NULL, NULL};
#elif defined(BROKEN_EMPTY)
WEIR_MODULE(NULL, NULL);
#elif defined(BROKEN_CODEC)
static const struct weir_codec codec = {.name = "broken"};
WEIR_MODULE(NULL, &codec);
#elif defined(BROKEN_PROBE)
static const struct weir_probe probe = {.size = sizeof(struct weir_probe) + 8, .name = "broken"};
WEIR_MODULE_PROBE(NULL, &probe);
#else
WEIR_MODULE(&handler, NULL);
#endif
