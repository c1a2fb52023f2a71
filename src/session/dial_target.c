/* SPDX-License-Identifier: MIT */
/* dial_target.c - reads the address of an outbound connection. */
#include "dial_target.h"

#include <string.h>

#include "error_fill.h"
#include "host_port.h"

#define DIAL_TARGET__UNIX "unix:"

static enum weir_code dial_target__wrong(const char *text, const char *reason, const char *hint,
                                         struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, "connect to", text, reason, hint);
}

static enum weir_code dial_target__read_path(const char *text, struct dial_target *target,
                                             struct weir_error *error)
{
    const char *path = text + strlen(DIAL_TARGET__UNIX);
    size_t length = strlen(path);

    if (length == 0)
        return dial_target__wrong(text, "the path is missing", "write unix:/run/server.sock",
                                  error);
    if (length > WEIR_ADDRESS_PATH_BYTES_MAX)
        return dial_target__wrong(text, "the path is too long", "use a shorter one", error);
    memcpy(target->path, path, length);
    return WEIR_OK;
}

/* Reads a numeric address strictly: the system's resolver also accepts 127.1, and reads 010.0.0.1
 * as octal. */
static enum weir_code dial_target__read_ip(const char *text, struct dial_target *target,
                                           struct weir_error *error)
{
    struct weir_error wrong;
    enum weir_code code = net_address_read(text, &target->address, &wrong);

    if (code != WEIR_OK)
        return error_fill(error, code, wrong.os_error, "connect to", text, wrong.reason,
                          wrong.hint);
    if (target->address.ip[0] == 0xfe && (target->address.ip[1] & 0xc0) == 0x80 &&
        target->address.scope == 0)
        return dial_target__wrong(text, "a link-local address needs its interface",
                                  "write [fe80::1%eth0]:PORT", error);
    return WEIR_OK;
}

static enum weir_code dial_target__read_name(const char *text, const struct host_port *parts,
                                             struct dial_target *target, struct weir_error *error)
{
    if (parts->host_length > HOST_NAME_BYTES_MAX)
        return dial_target__wrong(text, "the host's name is too long",
                                  "a name has at most 255 characters", error);
    if (parts->host_length == 1 && parts->host[0] == '*')
        return dial_target__wrong(text, "* is no host to connect to",
                                  "write HOST:PORT, or PORT alone for this machine", error);
    memcpy(target->name, parts->host, parts->host_length);
    target->address.port = parts->port;
    return WEIR_OK;
}

enum weir_code dial_target_read(const char *text, struct dial_target *target,
                                struct weir_error *error)
{
    struct host_port parts;

    memset(target, 0, sizeof *target);
    if (strncmp(text, DIAL_TARGET__UNIX, strlen(DIAL_TARGET__UNIX)) == 0)
        return dial_target__read_path(text, target, error);
    enum host_port_problem problem = host_port_split(text, &parts);
    if (problem != HOST_PORT_OK)
        return dial_target__wrong(text, host_port_reason(problem), host_port_hint(problem), error);
    if (parts.port == 0)
        return dial_target__wrong(text, "nothing listens on port 0", "write the port of the server",
                                  error);
    if (!parts.host) {
        parts.host = "localhost";
        parts.host_length = strlen(parts.host);
    } else if (parts.in_brackets || host_port_is_numeric(parts.host, parts.host_length)) {
        return dial_target__read_ip(text, target, error);
    }
    return dial_target__read_name(text, &parts, target, error);
}
