/* SPDX-License-Identifier: MIT */
/* rio_provider.c - loads Windows's own function table once per process and checks that it is
 * complete. The table is static and is never freed. */
#include "rio_provider.h"

#include <string.h>

#include "error_fill.h"
#include "error_winsock.h"
#include "win_closing.h"
#include "win_error.h"

static const struct win_system *rio_provider__system;
static struct rio_table rio_provider__table;

static void rio_provider__close_socket(rio_rq queue, win_socket socket)
{
    (void)queue; /* closing the socket ends it */
    closing_close(rio_provider__system, socket);
}

static const struct rio_provider rio_provider__native = {
    .name = "rio",
    .table = &rio_provider__table,
    .close_socket = rio_provider__close_socket,
};

/* A layered provider or another Windows version might leave entries empty. */
static bool rio_provider__has_requests(const struct rio_table *table)
{
    return table->receive && table->receive_ex && table->send && table->send_ex && table->dequeue &&
           table->notify;
}

static bool rio_provider__has_objects(const struct rio_table *table)
{
    return table->create_cq && table->resize_cq && table->close_cq && table->create_rq &&
           table->resize_rq && table->register_buffer && table->deregister;
}

static bool rio_provider__is_complete(const struct rio_table *table, uint32_t bytes)
{
    return bytes >= sizeof *table && table->size >= sizeof *table &&
           rio_provider__has_requests(table) && rio_provider__has_objects(table);
}

/* Opens a socket as the transport does, loads the table of its provider, and closes it. */
static int rio_provider__load_with(const struct win_system *system, bool v4, bool stream,
                                   struct rio_table *table, uint32_t *bytes)
{
    win_socket socket;
    int os_error = system->socket_open(v4, stream, true, &socket);

    if (os_error != 0) return os_error;
    os_error = system->load_rio(socket, table, bytes);
    closing_close(system, socket);
    return os_error;
}

/* Each address family and socket type can have a layered provider of its own, which refuses the
 * flag or the table. Then every listener of that kind would fail, so all kinds are asked (contract
 * G6). A family that this system does not have is left out. */
static int rio_provider__load(const struct win_system *system, struct rio_table *table,
                              uint32_t *bytes)
{
    struct rio_table another;
    uint32_t another_bytes, loaded = 0;
    int os_error = 0;

    for (uint32_t kind = 0; kind < 4; kind++) {
        int failure = rio_provider__load_with(system, (kind & 1) == 0, kind < 2,
                                              loaded == 0 ? table : &another,
                                              loaded == 0 ? bytes : &another_bytes);
        if (failure == 0)
            loaded++;
        else if (failure != WIN_EAFNOSUPPORT)
            return failure;
        else
            os_error = failure;
    }
    return loaded > 0 ? 0 : os_error;
}

enum weir_code rio_provider_native(const struct win_system *system,
                                   const struct rio_provider **provider, struct weir_error *error)
{
    struct rio_table table;
    uint32_t bytes = 0;

    *provider = &rio_provider__native;
    if (rio_provider__system == system) return WEIR_OK; /* one table serves every worker */
    memset(&table, 0, sizeof table);
    table.size = sizeof table;
    int os_error = rio_provider__load(system, &table, &bytes);
    if (os_error != 0)
        return error_fill(error, WEIR_UNSUPPORTED, os_error, "use Registered I/O", NULL,
                          "this system does not have it, or a network filter blocks it",
                          "use --transport iocp, or see docs/windows.md");
    if (!rio_provider__is_complete(&table, bytes))
        return error_fill(error, WEIR_UNSUPPORTED, WIN_EOPNOTSUPP, "use Registered I/O", NULL,
                          "its function table is incomplete",
                          "use --transport iocp, or see docs/windows.md");
    rio_provider__system = system;
    rio_provider__table = table;
    return WEIR_OK;
}
