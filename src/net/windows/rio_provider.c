/* SPDX-License-Identifier: MIT */
/* rio_provider.c - loads Windows's own function table once per process and checks that it is
 * complete. The table is static and is never freed. */
#include "rio_provider.h"

#include <string.h>

#include "error_fill.h"
#include "error_winsock.h"
#include "win_error.h"

static const struct win_system *rio_provider__system;
static struct rio_table rio_provider__table;

static void rio_provider__close_socket(rio_rq queue, win_socket socket)
{
    (void)queue; /* closing the socket ends it */
    rio_provider__system->socket_close(socket);
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

enum weir_code rio_provider_native(const struct win_system *system,
                                   const struct rio_provider **provider, struct weir_error *error)
{
    struct rio_table table;
    uint32_t bytes = 0;

    *provider = &rio_provider__native;
    if (rio_provider__system == system) return WEIR_OK; /* one table serves every worker */
    memset(&table, 0, sizeof table);
    table.size = sizeof table;
    int os_error = system->load_rio(&table, &bytes);
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
