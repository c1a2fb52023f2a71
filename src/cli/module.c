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

/* The sizes of the first version. No sizeof gives a smaller size. */
#define MODULE__HANDLER_BYTES_MIN \
    (offsetof(struct weir_handler, on_drain) + sizeof(void (*)(struct weir_session *)))
#define MODULE__CODEC_BYTES_MIN (offsetof(struct weir_codec, encode) + sizeof(void (*)(void)))
#define MODULE__PROBE_BYTES_MIN (offsetof(struct weir_probe, encode) + sizeof(void (*)(void)))

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
    os_source file;

    if (os_open_source(path, &file) != 0) return false;
    os_close_source(file);
    return true;
}

/* Loads and checks the file of this path, which contains a slash. Messages have the other path, as
 * the user wrote it. */
static const struct weir_module *module__load_file(const char *file, const char *displayed,
                                                   char *diagnostic, size_t size)
{
    char why[400] = "";

    if (!module__is_there(file)) {
        snprintf(diagnostic, size,
                 "--handler %s: there is no such file, or it cannot be read; a built-in handler's "
                 "name has no slash and no ending",
                 displayed);
        return NULL;
    }
    const struct weir_module *module = os_load(file, "weir_module", why, sizeof why);
    if (!module)
        snprintf(diagnostic, size,
                 "--handler %s: no module can be loaded from it: %s; a module is a shared library "
                 "of this system that finds all it needs, and ends with WEIR_MODULE() of weir.h",
                 displayed, why);
    else if (!module__check(module, displayed, diagnostic, size))
        module = NULL;
    return module;
}

const struct weir_module *module_load(const char *path, char *diagnostic, size_t size)
{
    struct arena names = {0};
    /* Without a slash the system would search its own library folders. */
    const char *file = arena_format(&names, "%s%s", strpbrk(path, "/\\") ? "" : "./", path);
    const struct weir_module *module = NULL;

    if (file)
        module = module__load_file(file, path, diagnostic, size);
    else
        snprintf(diagnostic, size, "--handler %s: out of memory", path);
    arena_free(&names);
    return module;
}
