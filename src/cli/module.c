/* SPDX-License-Identifier: MIT */
/* module.c - loads a module, and rejects one that would crash later, with a message for each cause.
 * It cannot check what the module's functions do. */
#include "module.h"

#include <stdio.h>
#include <string.h>

#include "os.h"

/* The sizes of the first version. No sizeof gives a smaller size. */
#define MODULE__HANDLER_BYTES_MIN \
    (offsetof(struct weir_handler, on_drain) + sizeof(void (*)(struct weir_session *)))
#define MODULE__CODEC_BYTES_MIN (offsetof(struct weir_codec, encode) + sizeof(void (*)(void)))
#define MODULE__PROBE_BYTES_MIN (offsetof(struct weir_probe, encode) + sizeof(void (*)(void)))

static bool module__ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

bool module_is_file(const char *handler)
{
    return strpbrk(handler, "/\\") || module__ends_in(handler, ".so") ||
           module__ends_in(handler, ".dll");
}

/* ---- contents ---- */

/* Returns what is wrong with a part of this size and name; null: nothing. */
static const char *module__wrong_part(size_t size, size_t least, size_t most, const char *name)
{
    if (size < least) return "has a size that no version of weir.h has; write .size = sizeof";
    if (size > most) return "was built with a newer weir.h; build it with this version's";
    if (!name || name[0] == '\0') return "has no name; give it one";
    return NULL;
}

/* Returns what is wrong with the module's codec or probe; null: nothing. */
static const char *module__wrong_codec(const struct weir_module *module)
{
    const struct weir_codec *codec = module->codec;
    const struct weir_probe *probe = module->probe;
    const char *wrong =
        codec ? module__wrong_part(codec->size, MODULE__CODEC_BYTES_MIN, sizeof *codec, codec->name)
              : NULL;

    if (wrong || !probe) return wrong;
    return module__wrong_part(probe->size, MODULE__PROBE_BYTES_MIN, sizeof *probe, probe->name);
}

static bool module__check(const struct weir_module *module, const char *path, char *diagnostic,
                          size_t size)
{
    const struct weir_handler *handler = module->handler;
    const char *wrong;

    if (module->abi != WEIR_ABI_VERSION) {
        snprintf(diagnostic, size,
                 "--handler %s: it was built for ABI version %u of weir, and this is version %d; "
                 "build it again with this version's weir.h",
                 path, module->abi, WEIR_ABI_VERSION);
        return false;
    }
    if (!handler && !module->codec && !module->probe) {
        snprintf(diagnostic, size,
                 "--handler %s: it has neither a handler nor a codec; name one in WEIR_MODULE()",
                 path);
        return false;
    }
    wrong = handler ? module__wrong_part(handler->size, MODULE__HANDLER_BYTES_MIN, sizeof *handler,
                                         handler->name)
                    : NULL;
    if (wrong) {
        snprintf(diagnostic, size, "--handler %s: its handler %s", path, wrong);
        return false;
    }
    wrong = module__wrong_codec(module);
    if (wrong) snprintf(diagnostic, size, "--handler %s: its codec %s", path, wrong);
    return !wrong;
}

/* ---- the file ---- */

/* Systems report a missing file in different words, so this is checked first. */
static bool module__is_there(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file) fclose(file);
    return file != NULL;
}

const struct weir_module *module_load(const char *path, char *diagnostic, size_t size)
{
    char file[512], why[400] = "";
    const struct weir_module *module;

    /* Without a slash the system would search its own library folders. */
    snprintf(file, sizeof file, "%s%s", strpbrk(path, "/\\") ? "" : "./", path);
    if (!module__is_there(file)) {
        snprintf(diagnostic, size,
                 "--handler %s: there is no such file, or it cannot be read; a built-in handler's "
                 "name has no slash and no ending",
                 path);
        return NULL;
    }
    module = os_load(file, "weir_module", why, sizeof why);
    if (!module)
        snprintf(diagnostic, size,
                 "--handler %s: no module can be loaded from it: %s; a module is a shared library "
                 "of this system that finds all it needs, and ends with WEIR_MODULE() of weir.h",
                 path, why);
    else if (!module__check(module, path, diagnostic, size))
        module = NULL;
    return module;
}
