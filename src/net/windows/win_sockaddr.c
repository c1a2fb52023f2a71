/* SPDX-License-Identifier: MIT */
/* win_sockaddr.c - encodes and decodes Windows's socket addresses and control messages. The caller
 * owns all memory. */
#include "win_sockaddr.h"

#include <stddef.h>
#include <string.h>

#include "address.h"

/* ---- addresses ---- */

struct net_address win_address_of(const struct win_sockaddr *sockaddr)
{
    uint16_t port = (uint16_t)(sockaddr->port[0] << 8 | sockaddr->port[1]);
    const uint8_t *v4 = sockaddr->v4_or_flow;

    if (sockaddr->family == WIN_AF_INET)
        return address_of_v4(
            (uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 | (uint32_t)v4[2] << 8 | v4[3], port);
    struct net_address address = {.scope = sockaddr->scope, .port = port};
    memcpy(address.ip, sockaddr->v6, sizeof address.ip);
    return address;
}

uint32_t win_sockaddr_of(const struct net_address *address, bool v4_socket,
                         struct win_sockaddr *sockaddr)
{
    memset(sockaddr, 0, sizeof *sockaddr);
    sockaddr->port[0] = (uint8_t)(address->port >> 8);
    sockaddr->port[1] = (uint8_t)address->port;
    if (v4_socket) {
        sockaddr->family = WIN_AF_INET;
        memcpy(sockaddr->v4_or_flow, address->ip + 12, 4);
        return 16; /* sizeof(struct sockaddr_in) */
    }
    sockaddr->family = WIN_AF_INET6;
    memcpy(sockaddr->v6, address->ip, 16);
    sockaddr->scope = address->scope;
    return sizeof *sockaddr;
}

/* ---- control messages ---- */

#define WIN_SOCKADDR__LEVEL_IP 0
#define WIN_SOCKADDR__LEVEL_IP6 41
#define WIN_SOCKADDR__PKTINFO 19 /* IP_PKTINFO and IPV6_PKTINFO alike */

/* WSACMSGHDR. Its data starts at the next multiple of 8, the next message at the next multiple of
 * a pointer's size. */
struct win_sockaddr__header {
    size_t length;
    int32_t level;
    int32_t type;
};

struct win_sockaddr__info4 { /* IN_PKTINFO */
    uint8_t ip[4];
    uint32_t interface_index;
};

struct win_sockaddr__info6 { /* IN6_PKTINFO */
    uint8_t ip[16];
    uint32_t interface_index;
};

#define WIN_SOCKADDR__DATA ((sizeof(struct win_sockaddr__header) + 7) & ~(size_t)7)
#define WIN_SOCKADDR__ALIGN(bytes) (((bytes) + sizeof(void *) - 1) & ~(sizeof(void *) - 1))

static uint32_t win_sockaddr__put(uint8_t *control, int32_t level, const void *data, size_t bytes)
{
    const struct win_sockaddr__header header = {WIN_SOCKADDR__DATA + bytes, level,
                                                WIN_SOCKADDR__PKTINFO};
    uint32_t total =
        (uint32_t)(WIN_CONTROL_BASE_BYTES + WIN_SOCKADDR__ALIGN(WIN_SOCKADDR__DATA + bytes));

    memset(control, 0, total);
    memcpy(control, &total, sizeof total);
    memcpy(control + WIN_CONTROL_BASE_BYTES, &header, sizeof header);
    memcpy(control + WIN_CONTROL_BASE_BYTES + WIN_SOCKADDR__DATA, data, bytes);
    return total;
}

uint32_t win_control_put_local(uint8_t *control, bool v4_socket, const struct net_address *local)
{
    if (!address_is_answerable(local)) return 0;
    if (v4_socket || address_is_v4(local)) {
        struct win_sockaddr__info4 info = {{0}, 0};
        memcpy(info.ip, local->ip + 12, 4);
        return win_sockaddr__put(control, WIN_SOCKADDR__LEVEL_IP, &info, sizeof info);
    }
    struct win_sockaddr__info6 info = {{0}, local->scope};
    memcpy(info.ip, local->ip, 16);
    return win_sockaddr__put(control, WIN_SOCKADDR__LEVEL_IP6, &info, sizeof info);
}

/* Reads the address of one message. Returns false if the message has no address. */
static bool win_sockaddr__read(const struct win_sockaddr__header *header, const uint8_t *data,
                               size_t bytes, uint16_t port, struct net_address *local)
{
    if (header->type != WIN_SOCKADDR__PKTINFO) return false;
    if (header->level == WIN_SOCKADDR__LEVEL_IP && bytes >= 4) {
        *local = address_of_v4((uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 |
                                   (uint32_t)data[2] << 8 | data[3],
                               port);
        return true;
    }
    if (header->level != WIN_SOCKADDR__LEVEL_IP6 || bytes < 16) return false;
    *local = (struct net_address){.port = port};
    memcpy(local->ip, data, 16);
    bool link_local = data[0] == 0xfe && (data[1] & 0xc0) == 0x80;
    if (link_local && bytes >= sizeof(struct win_sockaddr__info6))
        memcpy(&local->scope, data + offsetof(struct win_sockaddr__info6, interface_index),
               sizeof local->scope);
    return true;
}

bool win_control_local(const uint8_t *control, uint32_t bytes_max, uint16_t port,
                       struct net_address *local)
{
    struct win_sockaddr__header header;
    uint32_t total;
    size_t at = WIN_CONTROL_BASE_BYTES;

    memcpy(&total, control, sizeof total);
    if (total > bytes_max) return false;
    while (at + sizeof header <= total) {
        memcpy(&header, control + at, sizeof header);
        if (header.length < WIN_SOCKADDR__DATA || header.length > total - at) return false;
        if (win_sockaddr__read(&header, control + at + WIN_SOCKADDR__DATA,
                               header.length - WIN_SOCKADDR__DATA, port, local))
            return true;
        at += WIN_SOCKADDR__ALIGN(header.length);
    }
    return false;
}
