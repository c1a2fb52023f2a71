/* SPDX-License-Identifier: MIT */
/* module.c - loads a module, and rejects one that would crash later, with a message for each cause.
 * It cannot check what the module's functions do. */
#include "module.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "os.h"
#include "os_stream.h"

/* The sizes of the first version. The library completes what a module's parts lack, and the module
 * itself is completed here. */
#define MODULE__BYTES_MIN offsetof(struct weir_module, probe)
#define MODULE__HANDLER_BYTES_MIN offsetof(struct weir_handler, on_drain)
#define MODULE__CODEC_BYTES_MIN offsetof(struct weir_codec, encode)
#define MODULE__PROBE_BYTES_MIN offsetof(struct weir_probe, encode)

/* Compares without case, as the file systems of Windows do: MINE.DLL. */
static bool module__ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    if (length <= end_length) return false;
    for (size_t i = 0; i < end_length; i++)
        if (tolower((unsigned char)text[length - end_length + i]) != end[i]) return false;
    return true;
}

bool module_is_file(const char *handler)
{
    return strpbrk(handler, "/\\") || module__ends_in(handler, ".so") ||
           module__ends_in(handler, ".dll");
}

/* ---- contents ---- */

static const char module__unknown_size[] =
    "has a size that no version of weir.h has; write .size = sizeof";
static const char module__newer[] =
    "was built with a newer weir.h; use a newer weir, or build it with this version's weir.h";

/* Returns what is wrong with a part of this size and name; null: nothing. */
static const char *module__wrong_part(size_t size, size_t least, size_t most, const char *name)
{
    if (size < least) return module__unknown_size;
    if (size > most) return module__newer;
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

/* Copies the module's members, as many as its version has; the others are null. */
static bool module__read(const struct weir_module *given, struct weir_module *module,
                         const char *path, char *diagnostic, size_t size)
{
    memset(module, 0, sizeof *module);
    if (given->abi != WEIR_ABI_VERSION) {
        snprintf(diagnostic, size,
                 "--handler %s: it was built for ABI version %u of weir, and this is version %d; "
                 "build it again with this version's weir.h",
                 path, given->abi, WEIR_ABI_VERSION);
        return false;
    }
    if (given->size < MODULE__BYTES_MIN || given->size > sizeof *module) {
        snprintf(diagnostic, size, "--handler %s: it %s", path,
                 given->size < MODULE__BYTES_MIN ? module__unknown_size : module__newer);
        return false;
    }
    memcpy(module, given, given->size);
    return true;
}

static bool module__check(const struct weir_module *module, const char *path, char *diagnostic,
                          size_t size)
{
    const struct weir_handler *handler = module->handler;
    const char *wrong;

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
    os_source file;

    if (os_open_source(path, &file) != 0) return false;
    os_close_source(file);
    return true;
}

/* Loads and checks the file of this path, which contains a slash. Messages have the other path, as
 * the user wrote it. */
static bool module__load_file(const char *file, const char *displayed, struct weir_module *module,
                              char *diagnostic, size_t size)
{
    char why[400] = "";

    if (!module__is_there(file)) {
        snprintf(diagnostic, size,
                 "--handler %s: there is no such file, or it cannot be read; a built-in handler's "
                 "name has no slash and no ending",
                 displayed);
        return false;
    }
    const struct weir_module *loaded = os_load(file, "weir_module", why, sizeof why);
    if (!loaded)
        snprintf(diagnostic, size,
                 "--handler %s: no module can be loaded from it: %s; a module is a shared library "
                 "of this system that finds all it needs, and ends with WEIR_MODULE() of weir.h",
                 displayed, why);
    return loaded && module__read(loaded, module, displayed, diagnostic, size) &&
           module__check(module, displayed, diagnostic, size);
}

bool module_load(const char *path, struct weir_module *module, char *diagnostic, size_t size)
{
    struct arena names = {0};
    /* Without a slash the system would search its own library folders. */
    const char *file = arena_format(&names, "%s%s", strpbrk(path, "/\\") ? "" : "./", path);
    bool is_good = false;

    if (file)
        is_good = module__load_file(file, path, module, diagnostic, size);
    else
        snprintf(diagnostic, size, "--handler %s: out of memory", path);
    arena_free(&names);
    return is_good;
}
