/* SPDX-License-Identifier: MIT */
/* sandbox.c - see sandbox.h. */
#include "sandbox.h"

#include <stdio.h>
#include <string.h>

#include "module.h"
#include "os_sandbox.h"

#define SANDBOX__PATHS_MAX 1024

/* Folders in which only the named file becomes readable: the others there are not weir's. */
static const char *const sandbox__shared[] = {"/",        "/etc",     "/home", "/root", "/tmp",
                                              "/usr",     "/var",     "/run",  "/dev",  "/proc",
                                              "/var/tmp", "/dev/shm", "/opt",  "/srv"};

struct sandbox_plan {
    struct os_sandbox_path paths[SANDBOX__PATHS_MAX];
    size_t count;
    struct arena arena; /* of the paths */
    bool is_full;       /* a path was left out */
};

static void sandbox__add(struct sandbox_plan *plan, const char *path, enum os_sandbox_access access)
{
    if (path && plan->count < SANDBOX__PATHS_MAX)
        plan->paths[plan->count++] = (struct os_sandbox_path){.path = path, .access = access};
    else
        plan->is_full = true;
}

/* Returns the folder of a file; null: no memory. */
static const char *sandbox__folder(struct sandbox_plan *plan, const char *file, size_t length)
{
    while (length > 0 && file[length - 1] != '/') length--;
    while (length > 1 && file[length - 1] == '/') length--;
    return length == 0 ? "." : arena_copy(&plan->arena, file, length);
}

static bool sandbox__is_shared(const char *folder)
{
    for (size_t i = 0; i < sizeof sandbox__shared / sizeof *sandbox__shared; i++)
        if (strcmp(folder, sandbox__shared[i]) == 0) return true;
    return false;
}

/* Adds a file of `length` bytes of `path`, with its folder if that is not shared. Null: none. */
static void sandbox__add_file(struct sandbox_plan *plan, const char *path, size_t length,
                              enum os_sandbox_access access)
{
    if (!path || length == 0) return;
    const char *folder = sandbox__folder(plan, path, length);
    bool is_written = access == OS_SANDBOX_WRITE;
    /* A written file is made in its folder, whichever that is. */
    if (folder && (is_written || !sandbox__is_shared(folder))) sandbox__add(plan, folder, access);
    sandbox__add(plan, arena_copy(&plan->arena, path, length), access);
}

static void sandbox__add_read(struct sandbox_plan *plan, const char *path)
{
    sandbox__add_file(plan, path, path ? strlen(path) : 0, OS_SANDBOX_READ);
}

static void sandbox__add_written(struct sandbox_plan *plan, const char *path)
{
    sandbox__add_file(plan, path, path ? strlen(path) : 0, OS_SANDBOX_WRITE);
}

static void sandbox__add_tls(struct sandbox_plan *plan, const struct weir_tls *tls)
{
    sandbox__add_read(plan, tls->certificate);
    sandbox__add_read(plan, tls->key);
    sandbox__add_read(plan, tls->certificate2);
    sandbox__add_read(plan, tls->key2);
    sandbox__add_read(plan, tls->client_ca);
    for (size_t i = 0; i < tls->hosts_count; i++) {
        sandbox__add_read(plan, tls->hosts[i].certificate);
        sandbox__add_read(plan, tls->hosts[i].key);
    }
}

/* Adds the file of a Unix-domain socket, if the address is one. Null: none. */
static void sandbox__add_socket(struct sandbox_plan *plan, const char *address)
{
    if (address && strncmp(address, "unix:", 5) == 0 && address[5] != '@')
        sandbox__add_written(plan, address + 5);
}

/* Adds the module of a listener, without its arguments, and its Unix-domain socket. */
static void sandbox__add_listener(struct sandbox_plan *plan, const struct weir_listen *listen,
                                  const struct options_own *own)
{
    sandbox__add_read(plan, own->websocket_page);
    if (listen->handler && module_is_file(listen->handler))
        sandbox__add_file(plan, listen->handler, strcspn(listen->handler, "?"), OS_SANDBOX_READ);
    sandbox__add_socket(plan, listen->address);
}

static void sandbox__plan(struct sandbox_plan *plan, const struct options *options)
{
    sandbox__add_written(plan, options->log_file);
    sandbox__add_written(plan, options->port_file);
    sandbox__add_read(plan, options->websocket_page);
    sandbox__add_read(plan, options->admin_token_file);
    sandbox__add_socket(plan, options->admin);
    sandbox__add_read(plan, options->config_file);
    sandbox__add_read(plan, options->cluster.credentials);
    sandbox__add_read(plan, options->cluster.tls_ca);
    for (size_t i = 0; i < options->list_files_count; i++)
        sandbox__add_read(plan, options->list_files[i]);
    for (size_t i = 0; i < options->tls_count; i++) sandbox__add_tls(plan, &options->tls[i].tls);
    for (size_t i = 0; i < options->listeners_count; i++)
        sandbox__add_listener(plan, &options->listeners[i], &options->own[i]);
}

/* Completes a step that the system may have refused. */
static bool sandbox__end(const struct options *options, bool is_good, const char *done, char *line,
                         size_t size, const struct weir_error *error)
{
    char text[512];

    if (is_good)
        snprintf(line, size, "%s", done);
    else if (options->sandbox == SANDBOX_AUTO)
        snprintf(line, size, "--sandbox auto goes on without this protection: %s",
                 weir_error_text(error, text, sizeof text));
    return is_good || options->sandbox == SANDBOX_AUTO;
}

bool sandbox_prepare(const struct options *options, char *line, size_t size,
                     struct weir_error *error)
{
    static struct sandbox_plan plan; /* too large for the stack */

    line[0] = '\0';
    if (options->user && !os_sandbox_find_user(options->user, error)) return false;
    if (options->sandbox == SANDBOX_OFF) return true;
    sandbox__plan(&plan, options);
    bool is_good = !plan.is_full && os_sandbox_files(plan.paths, plan.count, error);
    if (plan.is_full) {
        *error = (struct weir_error){.code = WEIR_NO_MEMORY, .operation = "limit the files"};
        snprintf(error->hint, sizeof error->hint, "name fewer files, or use --sandbox off");
    }
    arena_free(&plan.arena);
    return sandbox__end(options, is_good,
                        "sandbox: files outside of the configuration are forbidden (Landlock)",
                        line, size, error);
}

bool sandbox_limit_calls(const struct options *options, char *line, size_t size,
                         struct weir_error *error)
{
    line[0] = '\0';
    if (options->sandbox == SANDBOX_OFF) return true;
    return sandbox__end(options, os_sandbox_calls(error),
                        "sandbox: programs, new rings and administration are forbidden (seccomp)",
                        line, size, error);
}

bool sandbox_drop_user(const struct options *options, char *line, size_t size,
                       struct weir_error *error)
{
    line[0] = '\0';
    if (options->user) return os_sandbox_become_user(options->user, error);
    if (os_sandbox_is_root())
        snprintf(line, size,
                 "weir runs as root: a fault in a handler then owns this machine; name a user with "
                 "--user, or start weir as one");
    return true;
}
