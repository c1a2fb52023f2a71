/* SPDX-License-Identifier: MIT */
/* linux_socket.c - opens sockets and converts addresses, for every Linux transport. */
#include "linux_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "address.h"
#include "address_loopback.h"
#include "check.h"
#include "error_fill.h"
#include "interface.h"
#include "memory.h"
#include "thread_local.h"

/* ---- addresses ---- */

struct net_address linux_address_of(const union linux_sockaddr *sockaddr)
{
    if (sockaddr->any.sa_family == AF_INET)
        return address_of_v4(ntohl(sockaddr->v4.sin_addr.s_addr), ntohs(sockaddr->v4.sin_port));
    struct net_address address = {.scope = sockaddr->v6.sin6_scope_id,
                                  .port = ntohs(sockaddr->v6.sin6_port)};
    memcpy(address.ip, &sockaddr->v6.sin6_addr, sizeof address.ip);
    return address;
}

struct net_address linux_peer_of(const union linux_sockaddr *sockaddr)
{
    if (sockaddr->any.sa_family == AF_UNIX) return (struct net_address){0};
    return linux_address_of(sockaddr);
}

socklen_t linux_sockaddr_of(const struct net_address *address, bool v4_socket,
                            union linux_sockaddr *sockaddr)
{
    memset(sockaddr, 0, sizeof *sockaddr);
    if (v4_socket) {
        sockaddr->v4.sin_family = AF_INET;
        sockaddr->v4.sin_port = htons(address->port);
        memcpy(&sockaddr->v4.sin_addr, address->ip + 12, 4);
        return sizeof sockaddr->v4;
    }
    sockaddr->v6.sin6_family = AF_INET6;
    sockaddr->v6.sin6_port = htons(address->port);
    sockaddr->v6.sin6_scope_id = address->scope;
    memcpy(&sockaddr->v6.sin6_addr, address->ip, 16);
    return sizeof sockaddr->v6;
}

bool linux_local_address(int fd, struct net_address *address)
{
    union linux_sockaddr sockaddr;
    socklen_t length = sizeof sockaddr;

    memset(&sockaddr, 0, sizeof sockaddr);
    if (getsockname(fd, &sockaddr.any, &length) != 0) return false;
    *address = linux_peer_of(&sockaddr);
    return true;
}

struct net_address linux_local_address_or_none(int fd)
{
    struct net_address address = {.port = 0};

    linux_local_address(fd, &address);
    return address;
}

bool linux_peer_address(int fd, struct net_address *peer)
{
    union linux_sockaddr sockaddr;
    socklen_t length = sizeof sockaddr;

    memset(&sockaddr, 0, sizeof sockaddr);
    if (getpeername(fd, &sockaddr.any, &length) != 0) return false;
    *peer = linux_peer_of(&sockaddr);
    return true;
}

#define LINUX_SOCKET__LOCAL_MAX 256
#define LINUX_SOCKET__REFRESH_NS UINT64_C(1000000000)

/* Fills `local` with the addresses of this machine. Returns their number, or -1 if the system
 * cannot tell: getifaddrs needs a descriptor. */
static int linux_socket__list_local(struct net_address *local)
{
    struct ifaddrs *interfaces = NULL;
    int count = 0;

    if (getifaddrs(&interfaces) != 0) return -1;
    for (struct ifaddrs *at = interfaces; at && count < LINUX_SOCKET__LOCAL_MAX;
         at = at->ifa_next) {
        if (!at->ifa_addr) continue;
        if (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6) continue;
        local[count++] = linux_address_of((const union linux_sockaddr *)(const void *)at->ifa_addr);
    }
    freeifaddrs(interfaces);
    return count;
}

bool linux_is_local_ip(const struct net_address *address, uint64_t now_ns)
{
    static THREAD_LOCAL struct net_address local[LINUX_SOCKET__LOCAL_MAX];
    static THREAD_LOCAL int local_count;
    static THREAD_LOCAL uint64_t refresh_at_ns;

    if (address_is_loopback(address)) return true;
    if (now_ns >= refresh_at_ns) {
        local_count = linux_socket__list_local(local);
        refresh_at_ns = local_count < 0 ? 0 : now_ns + LINUX_SOCKET__REFRESH_NS;
    }
    /* Better to leave one datagram unanswered than to answer one in a loop forever. */
    if (local_count < 0) return true;
    for (int i = 0; i < local_count; i++)
        if (memcmp(local[i].ip, address->ip, sizeof address->ip) == 0) return true;
    return local_count == LINUX_SOCKET__LOCAL_MAX; /* there can be more: assume it is local */
}

/* ---- connections ---- */

void linux_close_stream(int fd, bool resets)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0}; /* socket(7): close sends RST */

    if (resets) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

void linux_disconnect(int fd)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};

    /* Some kernels refuse it while another thread is blocked in a call on the socket (EBUSY). */
    if (connect(fd, &none, sizeof none) != 0) shutdown(fd, SHUT_RDWR);
}

void linux_close_listener(int fd, struct linux_bound *bound)
{
    linux_unix_remove(bound->file);
    bound->file = NULL;
    close(fd);
}

/* The system counts a FIN of TCP as one byte, in both numbers. In the Unix domain it counts only
 * what the peer has not read yet. */
struct net_progress linux_progress(int fd, bool finished, uint32_t unsent_bytes)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    int queued = 0;

    /* Old kernels fill in less. */
    bool is_unix =
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 && errno == EOPNOTSUPP;
    ioctl(fd, SIOCOUTQ, &queued);
    uint64_t undelivered = queued > 0 ? (uint64_t)queued : 0;
    if (is_unix)
        return (struct net_progress){.acknowledged_bytes = 0 - undelivered - unsent_bytes,
                                     .undelivered_bytes = undelivered};
    bool fin_acknowledged = finished && undelivered == 0;
    return (struct net_progress){
        .acknowledged_bytes = info.tcpi_bytes_acked - (fin_acknowledged ? 1 : 0),
        .undelivered_bytes = undelivered - (finished && undelivered > 0 ? 1 : 0),
    };
}

/* ---- errors ---- */

bool linux_is_scarce(int os_error)
{
    return os_error == EMFILE || os_error == ENFILE || os_error == ENOMEM || os_error == ENOBUFS;
}

/* The errors of the new connection that accept reports, accept(2). */
bool linux_is_connection_lost(int os_error)
{
    static const int lost[] = {ECONNABORTED, EPROTO,       ENOPROTOOPT, EOPNOTSUPP, ENETDOWN,
                               ENETUNREACH,  EHOSTUNREACH, EHOSTDOWN,   ENONET,     ETIMEDOUT};

    for (size_t i = 0; i < weir_count_of(lost); i++)
        if (lost[i] == os_error) return true;
    return false;
}

bool linux_passes(int os_error)
{
    return os_error == ENOBUFS || os_error == ENOMEM || os_error == EINTR;
}

bool linux_is_listener_lost(int os_error)
{
    return os_error == EBADF || os_error == EINVAL || os_error == ENOTSOCK || os_error == EFAULT;
}

static bool linux_socket__is_link_local(const struct net_address *address)
{
    return address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
}

static bool linux_socket__is_privileged(uint16_t port)
{
    return port > 0 && port < 1024;
}

/* Writes what a user can do about an address that cannot be opened. */
static void linux_socket__hint(const struct net_address *address, bool stream, int os_error,
                               char *hint, size_t size)
{
    enum weir_code code = error_code_of_os(os_error);

    if (code == WEIR_ADDRESS_IN_USE)
        snprintf(hint, size, "find its owner with 'ss -l%cnp sport = :%u', or take another port",
                 stream ? 't' : 'u', address->port);
    else if (code == WEIR_ADDRESS_UNAVAILABLE)
        snprintf(hint, size, "see this machine's addresses with 'ip address'");
    else if (os_error == EACCES && linux_socket__is_privileged(address->port))
        snprintf(hint, size,
                 "ports below 1024 need root or CAP_NET_BIND_SERVICE; take a higher one");
    else if (os_error == ENODEV)
        snprintf(hint, size, "%s", interface_hint());
    else if (address->scope == 0 && linux_socket__is_link_local(address))
        snprintf(hint, size, "a link-local address needs its interface: [fe80::1%%eth0]:%u",
                 address->port);
    else
        snprintf(hint, size, "%s", error_os_hint(os_error));
}

/* Fills `error` for an address that cannot be opened. */
static enum weir_code linux_socket__fail(const struct net_listen_options *options, bool stream,
                                         int os_error, struct weir_error *error)
{
    char address[NET_ADDRESS_TEXT_BYTES], subject[96], hint[160];
    const char *reason = os_error == ENODEV ? "there is no such interface" : NULL;

    net_address_text(&options->address, address, sizeof address);
    snprintf(subject, sizeof subject, "%s %s", stream ? "tcp" : "udp", address);
    linux_socket__hint(&options->address, stream, os_error, hint, sizeof hint);
    return error_fill(error, error_code_of_os(os_error), os_error, "listen on", subject, reason,
                      hint);
}

/* ---- opening ---- */

#define LINUX_SOCKET__BIND_TRIES 50
#define LINUX_SOCKET__BIND_PAUSE_MS 20

/* Closes the descriptor after a failure. Returns -1 with the errno of that failure. */
static int linux_socket__close(int fd)
{
    int os_error = errno;

    close(fd);
    errno = os_error;
    return -1;
}

static int linux_socket__try(const struct net_address *address, int type, bool v4, bool share,
                             bool reuse)
{
    union linux_sockaddr sockaddr;
    socklen_t length = linux_sockaddr_of(address, v4, &sockaddr);
    const int on = 1, off = 0;
    int fd = socket(v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);

    if (fd < 0) return -1;
    /* SO_REUSEADDR lets a restarted server bind beside the TIME_WAIT of its former self; on UDP it
     * would let strangers share the port. */
    bool good = (!reuse || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0) &&
                (!share || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
                (v4 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
                bind(fd, &sockaddr.any, length) == 0;
    return good ? fd : linux_socket__close(fd);
}

/* Binds, in IPv6 if the system has it. Returns -1 with errno. */
static int linux_socket__bind(const struct net_address *address, int type, bool *v4, bool share)
{
    bool stream = (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM;

    *v4 = address_is_v4(address);
    int fd = linux_socket__try(address, type, *v4, share, stream);
    if (fd < 0 && errno == EAFNOSUPPORT && !*v4 && address_is_any(address)) {
        struct net_address any_v4 = address_of_v4(0, address->port);
        *v4 = true;
        fd = linux_socket__try(&any_v4, type, true, share, stream);
    }
    return fd;
}

/* Sets *bound to the address with the actual port. */
static int linux_socket__open_once(const struct net_listen_options *options, int type, bool *v4,
                                   struct net_address *bound)
{
    struct net_address address = options->address;

    if (options->share == NET_SHARE_FIRST) {
        /* SO_REUSEPORT would silently share the port with a stranger of the same user, and on UDP
         * even port 0 may find such a one: an exclusive bind finds out. */
        int probe = linux_socket__bind(&address, type, v4, false);
        if (probe < 0) return -1;
        if (!linux_local_address(probe, bound)) return linux_socket__close(probe);
        address.port = bound->port;
        close(probe);
    }
    int fd = linux_socket__bind(&address, type, v4, options->share != NET_SHARE_NOT);
    return fd < 0 || linux_local_address(fd, bound) ? fd : linux_socket__close(fd);
}

/* The kernel ends a killed server's io_uring, and with it the sockets, some milliseconds after
 * the process, and some hundreds on a busy machine: an immediate restart must not fail for that. A
 * stranger's port stays taken all the while. */
static int linux_socket__open(const struct net_listen_options *options, int type, bool *v4,
                              struct net_address *bound)
{
    for (int tries = 1;; tries++) {
        int fd = linux_socket__open_once(options, type, v4, bound);
        if (fd >= 0 || errno != EADDRINUSE || tries == LINUX_SOCKET__BIND_TRIES) return fd;
        poll(NULL, 0, LINUX_SOCKET__BIND_PAUSE_MS);
    }
}

/* The system counts in whole seconds. If it fails, dead peers are noticed later. */
void linux_keep_alive(int fd, uint32_t keepalive_ms)
{
    const int on = keepalive_ms > 0, probes = NET_KEEPALIVE_PROBES;
    int idle_s = (int)((keepalive_ms + 999u) / 1000u);
    int between_s = (idle_s + probes - 1) / probes;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (!on) return;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof between_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

/* SO_SNDBUF and SO_RCVBUF count twice the bytes that are passed, and switch the system's tuning
 * off. */
static void linux_socket__limit_buffer(int fd, int name, uint32_t max_bytes)
{
    int bytes = (int)(max_bytes / 2);

    if (max_bytes > 0) setsockopt(fd, SOL_SOCKET, name, &bytes, sizeof bytes);
}

/* Before listen(): the receive buffer determines the window scale of each connection. If the system
 * refuses, its own limits apply (net.ipv4.tcp_wmem, net.ipv4.tcp_rmem). */
static void linux_socket__limit_memory(int fd, const struct net_options *accepted)
{
    const uint32_t unsent_bytes = accepted->stream_unsent_max_bytes;

    linux_socket__limit_buffer(fd, SO_SNDBUF, accepted->stream_send_max_bytes);
    linux_socket__limit_buffer(fd, SO_RCVBUF, accepted->stream_receive_max_bytes);
    if (unsent_bytes > 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
}

/* All are inherited by what a listener accepts. Without TCP_NODELAY only speed is lost; without
 * SO_OOBINLINE urgent bytes would be taken out of the stream (RFC 6093 section 5). */
static void linux_socket__set_stream(int fd, const struct net_options *options)
{
    const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
    linux_keep_alive(fd, options->keepalive_ms);
    linux_socket__limit_memory(fd, options);
}

/* Duplicates an inherited socket, and sets *bound to its address. Its mode belongs to all of its
 * duplicates, and an accepting request of io_uring would not wait if it were nonblocking. Returns
 * -1 with errno. */
static int linux_socket__inherit(const struct net_listen_options *options, bool nonblocking,
                                 struct net_address *bound)
{
    int fd = fcntl((int)options->inherited, F_DUPFD_CLOEXEC, 0);

    weir_check(options->share == NET_SHARE_NOT);
    if (fd < 0) return -1;
    int flags = fcntl(fd, F_GETFL);
    int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    bool good = flags >= 0 && (wanted == flags || fcntl(fd, F_SETFL, wanted) == 0) &&
                linux_local_address(fd, bound);
    return good ? fd : linux_socket__close(fd);
}

static bool linux_socket__is_v4(int fd)
{
    int domain = 0;
    socklen_t length = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_INET;
}

static enum weir_code linux_socket__inherit_listener(const struct net_listen_options *options,
                                                     bool nonblocking,
                                                     const struct net_options *accepted, int *fd,
                                                     struct linux_bound *bound,
                                                     struct weir_error *error)
{
    *fd = linux_socket__inherit(options, nonblocking, &bound->address);
    if (*fd >= 0) {
        if (!options->unix_path) linux_socket__set_stream(*fd, accepted);
        return WEIR_OK;
    }
    if (options->unix_path)
        return linux_unix_fail("listen on", options->unix_path, errno, NULL, NULL, error);
    return linux_socket__fail(options, true, errno, error);
}

enum weir_code linux_listen(const struct net_listen_options *options, bool nonblocking,
                            const struct net_options *accepted, int *fd, struct linux_bound *bound,
                            struct weir_error *error)
{
    bool v4;

    *bound = (struct linux_bound){.file = NULL};
    if (options->inherited != 0)
        return linux_socket__inherit_listener(options, nonblocking, accepted, fd, bound, error);
    if (options->unix_path) return linux_unix_listen(options, nonblocking, fd, &bound->file, error);

    *fd = linux_socket__open(options, SOCK_STREAM | (nonblocking ? SOCK_NONBLOCK : 0), &v4,
                             &bound->address);
    if (*fd < 0) return linux_socket__fail(options, true, errno, error);
    linux_socket__set_stream(*fd, accepted);
    if (listen(*fd, (int)options->backlog) == 0) return WEIR_OK;
    linux_socket__close(*fd);
    return linux_socket__fail(options, true, errno, error);
}

/* ---- connecting ---- */

static enum weir_code linux_socket__fail_connect(const struct net_connect_options *options,
                                                 int os_error, struct weir_error *error)
{
    char address[NET_ADDRESS_TEXT_BYTES], subject[96];

    if (options->unix_path)
        return linux_unix_fail("connect to", options->unix_path, os_error, NULL, NULL, error);
    net_address_text(&options->address, address, sizeof address);
    snprintf(subject, sizeof subject, "tcp %s", address);
    return error_fill(error, error_code_of_os(os_error), os_error, "connect to", subject, NULL,
                      error_os_hint(os_error));
}

/* Fills in the destination. Returns the family of its socket; AF_UNSPEC: the path is invalid. */
static int linux_socket__destination(const struct net_connect_options *options,
                                     struct linux_destination *to)
{
    bool v4 = address_is_v4(&options->address);

    if (options->unix_path) {
        to->length = linux_unix_sockaddr(options->unix_path, &to->sockaddr.path);
        return to->length > 0 ? AF_UNIX : AF_UNSPEC;
    }
    to->address = options->address;
    to->length = linux_sockaddr_of(&options->address, v4, &to->sockaddr.ip);
    return v4 ? AF_INET : AF_INET6;
}

enum weir_code linux_open_connect(const struct net_connect_options *options, bool nonblocking,
                                  const struct net_options *opened, int *fd,
                                  struct linux_destination **to, struct weir_error *error)
{
    struct linux_destination *made = memory_alloc(sizeof *made);

    if (!made) return linux_socket__fail_connect(options, ENOMEM, error);
    int family = linux_socket__destination(options, made);
    if (family == AF_UNSPEC) {
        memory_free(made);
        return linux_socket__fail_connect(options, ENAMETOOLONG, error);
    }
    *fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
    if (*fd < 0) {
        int os_error = errno;
        memory_free(made);
        return linux_socket__fail_connect(options, os_error, error);
    }
    if (family != AF_UNIX) linux_socket__set_stream(*fd, opened);
    *to = made;
    return WEIR_OK;
}

enum weir_code linux_connect_code(int os_error)
{
    return os_error == ENOENT ? WEIR_UNREACHABLE : error_code_of_os(os_error);
}

bool linux_is_connected(int fd, const struct net_address *to, struct net_address *local)
{
    *local = linux_local_address_or_none(fd);
    return local->port == 0 || !address_equals(local, to);
}

enum weir_code linux_bind(const struct net_listen_options *options, int *fd, bool *v4_socket,
                          struct net_address *bound, struct weir_error *error)
{
    if (options->inherited != 0) {
        *fd = linux_socket__inherit(options, true, bound);
        *v4_socket = *fd >= 0 && linux_socket__is_v4(*fd);
    } else {
        *fd = linux_socket__open(options, SOCK_DGRAM | SOCK_NONBLOCK, v4_socket, bound);
    }
    return *fd < 0 ? linux_socket__fail(options, false, errno, error) : WEIR_OK;
}
