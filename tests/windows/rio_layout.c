/* SPDX-License-Identifier: MIT */
/* rio_layout.c - compares our declarations of Registered I/O with those of the Windows SDK.
 *
 * Nothing in this file runs: it compiles, or the compiler names the difference. If the SDK has no
 * Registered I/O (mingw-w64 10 has only one flag of it), the first half compiles to nothing; a
 * macro that only mswsockdef.h defines decides this. A compile-time check cannot compare the
 * table's GUID: Windows rejects a wrong one at run time.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>

#include <stddef.h>
#include <stdint.h>

#include "rio_table.h"
#include "win_error.h"
#include "win_sockaddr.h"

#define SAME_SIZE(theirs, ours) _Static_assert(sizeof(theirs) == sizeof(ours), #theirs)
#define SAME_OFFSET(theirs, their_member, ours, our_member)                                    \
    _Static_assert(offsetof(theirs, their_member) == offsetof(ours, our_member) &&             \
                       sizeof(((theirs *)0)->their_member) == sizeof(((ours *)0)->our_member), \
                   #theirs "." #their_member)
#define SAME_VALUE(theirs, ours) _Static_assert((theirs) == (ours), #theirs)

#ifdef RIO_INVALID_CQ

SAME_SIZE(RIO_BUFFERID, rio_buffer_id);
SAME_SIZE(RIO_CQ, rio_cq);
SAME_SIZE(RIO_RQ, rio_rq);
SAME_SIZE(BOOL, rio_bool);
SAME_SIZE(SOCKET, uintptr_t);

SAME_SIZE(RIORESULT, struct rio_result);
SAME_OFFSET(RIORESULT, Status, struct rio_result, status);
SAME_OFFSET(RIORESULT, BytesTransferred, struct rio_result, bytes);
SAME_OFFSET(RIORESULT, SocketContext, struct rio_result, socket_context);
SAME_OFFSET(RIORESULT, RequestContext, struct rio_result, request_context);

SAME_SIZE(RIO_BUF, struct rio_piece);
SAME_OFFSET(RIO_BUF, BufferId, struct rio_piece, id);
SAME_OFFSET(RIO_BUF, Offset, struct rio_piece, offset);
SAME_OFFSET(RIO_BUF, Length, struct rio_piece, length);

SAME_SIZE(RIO_NOTIFICATION_COMPLETION, struct rio_notification);
SAME_OFFSET(RIO_NOTIFICATION_COMPLETION, Type, struct rio_notification, type);
SAME_OFFSET(RIO_NOTIFICATION_COMPLETION, Event.EventHandle, struct rio_notification, event.handle);
SAME_OFFSET(RIO_NOTIFICATION_COMPLETION, Event.NotifyReset, struct rio_notification, event.reset);
SAME_OFFSET(RIO_NOTIFICATION_COMPLETION, Iocp.IocpHandle, struct rio_notification, port.port);
SAME_OFFSET(RIO_NOTIFICATION_COMPLETION, Iocp.CompletionKey, struct rio_notification, port.key);
SAME_OFFSET(RIO_NOTIFICATION_COMPLETION, Iocp.Overlapped, struct rio_notification, port.overlapped);

#define SAME_FUNCTION(theirs, ours) \
    SAME_OFFSET(RIO_EXTENSION_FUNCTION_TABLE, theirs, struct rio_table, ours)

SAME_SIZE(RIO_EXTENSION_FUNCTION_TABLE, struct rio_table);
SAME_FUNCTION(cbSize, size);
SAME_FUNCTION(RIOReceive, receive);
SAME_FUNCTION(RIOReceiveEx, receive_ex);
SAME_FUNCTION(RIOSend, send);
SAME_FUNCTION(RIOSendEx, send_ex);
SAME_FUNCTION(RIOCloseCompletionQueue, close_cq);
SAME_FUNCTION(RIOCreateCompletionQueue, create_cq);
SAME_FUNCTION(RIOCreateRequestQueue, create_rq);
SAME_FUNCTION(RIODequeueCompletion, dequeue);
SAME_FUNCTION(RIODeregisterBuffer, deregister);
SAME_FUNCTION(RIONotify, notify);
SAME_FUNCTION(RIORegisterBuffer, register_buffer);
SAME_FUNCTION(RIOResizeCompletionQueue, resize_cq);
SAME_FUNCTION(RIOResizeRequestQueue, resize_rq);

SAME_VALUE(SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, RIO_TABLE_IOCTL);
SAME_VALUE(RIO_MSG_DONT_NOTIFY, RIO_DONT_NOTIFY);
SAME_VALUE(RIO_MSG_DEFER, RIO_DEFER);
SAME_VALUE(RIO_MSG_WAITALL, RIO_WAITALL);
SAME_VALUE(RIO_MSG_COMMIT_ONLY, RIO_COMMIT_ONLY);
SAME_VALUE(RIO_MAX_CQ_SIZE, RIO_CQ_SIZE_MAX);
SAME_VALUE(RIO_CORRUPT_CQ, RIO_CQ_CORRUPT);
SAME_VALUE(RIO_EVENT_COMPLETION, RIO_NOTIFY_BY_EVENT);
SAME_VALUE(RIO_IOCP_COMPLETION, RIO_NOTIFY_BY_PORT);

/* The first control message of a RIO_CMSG_BUFFER: after its ULONG, at the alignment of control
 * messages. */
SAME_SIZE(RIO_CMSG_BUFFER, ULONG);
_Static_assert(sizeof(RIO_CMSG_BUFFER) <= _Alignof(WSACMSGHDR) &&
                   _Alignof(WSACMSGHDR) == WIN_CONTROL_BASE_BYTES,
               "RIO_CMSG_BASE_SIZE");

#ifdef _MSC_VER
/* Only Microsoft's compiler accepts pointers in constant expressions. */
SAME_VALUE((uintptr_t)RIO_INVALID_BUFFERID, 0xFFFFFFFFu);
SAME_VALUE((uintptr_t)RIO_INVALID_CQ, 0u);
SAME_VALUE((uintptr_t)RIO_INVALID_RQ, 0u);
#endif

#endif

/* ---- declarations in every SDK ---- */

SAME_SIZE(SOCKADDR_INET, struct win_sockaddr);
SAME_OFFSET(SOCKADDR_INET, si_family, struct win_sockaddr, family);
SAME_OFFSET(SOCKADDR_INET, Ipv4.sin_port, struct win_sockaddr, port);
SAME_OFFSET(SOCKADDR_INET, Ipv4.sin_addr, struct win_sockaddr, v4_or_flow);
SAME_OFFSET(SOCKADDR_INET, Ipv6.sin6_port, struct win_sockaddr, port);
SAME_OFFSET(SOCKADDR_INET, Ipv6.sin6_flowinfo, struct win_sockaddr, v4_or_flow);
SAME_OFFSET(SOCKADDR_INET, Ipv6.sin6_addr, struct win_sockaddr, v6);
SAME_OFFSET(SOCKADDR_INET, Ipv6.sin6_scope_id, struct win_sockaddr, scope);
SAME_VALUE(AF_INET, WIN_AF_INET);
SAME_VALUE(AF_INET6, WIN_AF_INET6);

/* Constants that files without the SDK define as numbers. */
SAME_VALUE(WSA_FLAG_OVERLAPPED, 0x01);
SAME_VALUE(WSA_FLAG_NO_HANDLE_INHERIT, 0x80);
SAME_VALUE(WSA_FLAG_REGISTERED_IO, 0x100);
SAME_VALUE(SO_UPDATE_ACCEPT_CONTEXT, 0x700B);
SAME_VALUE(SIO_GET_EXTENSION_FUNCTION_POINTER, 0xC8000006);
SAME_VALUE(SIO_UDP_CONNRESET, 0x9800000C);
#ifdef SIO_UDP_NETRESET
SAME_VALUE(SIO_UDP_NETRESET, 0x9800000F);
#endif
#ifdef UDP_SEND_MSG_SIZE
SAME_VALUE(UDP_SEND_MSG_SIZE, 2);
#endif
#ifdef UDP_RECV_MAX_COALESCED_SIZE
SAME_VALUE(UDP_RECV_MAX_COALESCED_SIZE, 3);
#endif
#ifdef UDP_COALESCED_INFO
SAME_VALUE(UDP_COALESCED_INFO, 3);
#endif

SAME_VALUE(ERROR_NETNAME_DELETED, WIN_NETNAME_DELETED);
SAME_VALUE(ERROR_MORE_DATA, WIN_MORE_DATA);
SAME_VALUE(WAIT_TIMEOUT, WIN_WAIT_TIMEOUT);
SAME_VALUE(WSA_OPERATION_ABORTED, WIN_OPERATION_ABORTED);
SAME_VALUE(WSA_IO_PENDING, WIN_IO_PENDING);
SAME_VALUE(WSAEINTR, WIN_EINTR);
SAME_VALUE(WSAEACCES, WIN_EACCES);
SAME_VALUE(WSAEFAULT, WIN_EFAULT);
SAME_VALUE(WSAEINVAL, WIN_EINVAL);
SAME_VALUE(WSAEMFILE, WIN_EMFILE);
SAME_VALUE(WSAEALREADY, WIN_EALREADY);
SAME_VALUE(WSAENOTSOCK, WIN_ENOTSOCK);
SAME_VALUE(WSAEMSGSIZE, WIN_EMSGSIZE);
SAME_VALUE(WSAEOPNOTSUPP, WIN_EOPNOTSUPP);
SAME_VALUE(WSAEAFNOSUPPORT, WIN_EAFNOSUPPORT);
SAME_VALUE(WSAEADDRINUSE, WIN_EADDRINUSE);
SAME_VALUE(WSAEADDRNOTAVAIL, WIN_EADDRNOTAVAIL);
SAME_VALUE(WSAENETDOWN, WIN_ENETDOWN);
SAME_VALUE(WSAENETUNREACH, WIN_ENETUNREACH);
SAME_VALUE(WSAENETRESET, WIN_ENETRESET);
SAME_VALUE(WSAECONNABORTED, WIN_ECONNABORTED);
SAME_VALUE(WSAECONNRESET, WIN_ECONNRESET);
SAME_VALUE(WSAENOBUFS, WIN_ENOBUFS);
SAME_VALUE(WSAENOTCONN, WIN_ENOTCONN);
SAME_VALUE(WSAESHUTDOWN, WIN_ESHUTDOWN);
SAME_VALUE(WSAETOOMANYREFS, WIN_ETOOMANYREFS);
SAME_VALUE(WSAETIMEDOUT, WIN_ETIMEDOUT);
SAME_VALUE(WSAECONNREFUSED, WIN_ECONNREFUSED);
SAME_VALUE(WSAEHOSTUNREACH, WIN_EHOSTUNREACH);
