/* SPDX-License-Identifier: MIT */
/* win_listen_error.c - fills in the error of a listener or UDP socket that cannot open, with a hint
 * for each Windows error. Keeps no reference to its arguments. */
#include "win_listen_error.h"

#include <stdio.h>

#include "error_fill.h"
#include "error_winsock.h"
#include "win_error.h"

enum weir_code win_listen_error(const struct net_listen_options *options, bool stream, int os_error,
                                struct weir_error *error)
{
    char address[NET_ADDRESS_TEXT_BYTES], subject[96], hint[160] = "";
    enum weir_code code = error_winsock_code(os_error);

    net_address_text(&options->address, address, sizeof address);
    snprintf(subject, sizeof subject, "%s %s", stream ? "tcp" : "udp", address);
    /* bind() returns WSAEACCES for a port that another program holds with SO_EXCLUSIVEADDRUSE, and
     * for a port that the system reserves. */
    if (os_error == WIN_EACCES) code = WEIR_ADDRESS_IN_USE;
    if (code == WEIR_ADDRESS_IN_USE)
        snprintf(hint, sizeof hint,
                 "find its owner with 'netstat -ano | findstr :%u', or take another port",
                 options->address.port);
    else if (code == WEIR_ADDRESS_UNAVAILABLE)
        snprintf(hint, sizeof hint, "see this machine's addresses with 'ipconfig'");
    else if (code == WEIR_NO_FILES || code == WEIR_NO_BUFFERS)
        snprintf(hint, sizeof hint,
                 "close other programs, or restart Windows if that does not help");
    else if (code == WEIR_UNSUPPORTED)
        snprintf(hint, sizeof hint, "see 'Errors' in docs/windows.md");
    return error_fill(error, code, os_error, "listen on", subject, NULL, hint);
}
