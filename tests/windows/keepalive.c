/* SPDX-License-Identifier: MIT */
/* keepalive.c - the keep-alive options of a stream on this Windows are those that net.h states. */
#include <stdint.h>
#include <stdio.h>

#include "win_native.h"

#include "net.h"

/* Of TCP, in seconds and probes; mingw-w64 10 lacks their names. */
enum { KEEPIDLE = 3, KEEPCNT = 16, KEEPINTVL = 17 };

static int option(win_socket socket, int level, int name)
{
    int value = -1, length = sizeof value;

    if (getsockopt(socket, level, name, (char *)&value, &length) != 0) return -1;
    return value;
}

static int differs(const char *what, int got, int wanted)
{
    if (got == wanted) return 0;
    printf("%s: %d instead of %d\n", what, got, wanted);
    return 1;
}

int main(void)
{
    win_socket opened;
    WSADATA loaded;

    if (WSAStartup(MAKEWORD(2, 2), &loaded) != 0 ||
        win_socket_open(true, true, false, &opened) != 0)
        return 2;
    if (option(opened, IPPROTO_TCP, KEEPCNT) < 0) {
        printf("skipped: this Windows cannot set the number of probes\n");
        return 77;
    }
    win_socket_stream_options(opened, 60000);
    int wrong = differs("SO_KEEPALIVE", option(opened, SOL_SOCKET, SO_KEEPALIVE) != 0, 1);
    wrong += differs("TCP_KEEPIDLE", option(opened, IPPROTO_TCP, KEEPIDLE), 60);
    wrong += differs("TCP_KEEPINTVL", option(opened, IPPROTO_TCP, KEEPINTVL), 15);
    wrong += differs("TCP_KEEPCNT", option(opened, IPPROTO_TCP, KEEPCNT), NET_KEEPALIVE_PROBES);
    closesocket(opened);
    return wrong;
}
