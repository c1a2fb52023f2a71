/* SPDX-License-Identifier: MIT */
/* rio_table.h - declares Registered I/O: the function table, its types and constants.
 *
 * The names are weir's, since toolchains differ: mingw-w64 10 declares nothing of RIO, the Windows
 * SDK everything. Values and layouts are Windows's. They are asserted below, and against the SDK in
 * tests/windows/rio_layout.c. Source: the SDK's mswsock.h and mswsockdef.h as documented at
 * learn.microsoft.com under "Registered I/O". The file includes no Windows header, so the code
 * above the table also compiles on other systems, over a simulated Windows in memory.
 *
 * Ownership: every handle belongs to the worker that created it. A request queue ends with its
 * socket; a completion queue and a registration are released by close_cq and deregister.
 */
#ifndef NET_WINDOWS_RIO_TABLE_H
#define NET_WINDOWS_RIO_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* The calling convention of the table: __stdcall where that differs from the C one. */
#if defined(_WIN32) && !defined(_WIN64)
#define RIO_CALL __stdcall
#else
#define RIO_CALL
#endif

typedef int rio_bool;

/* Opaque handles; never dereferenced. */
typedef struct rio_opaque_buffer *rio_buffer_id;
typedef struct rio_opaque_cq *rio_cq;
typedef struct rio_opaque_rq *rio_rq;

#define RIO_NO_BUFFER ((rio_buffer_id)(uintptr_t)0xFFFFFFFFu) /* not all ones on 64 bits */
#define RIO_NO_CQ ((rio_cq)0)
#define RIO_NO_RQ ((rio_rq)0)
#define RIO_CQ_SIZE_MAX 0x08000000u
#define RIO_CQ_CORRUPT 0xFFFFFFFFu /* dequeue: the queue is corrupt and unusable */

/* Flags of a request. */
#define RIO_DONT_NOTIFY 1u
#define RIO_DEFER 2u
#define RIO_WAITALL 4u
#define RIO_COMMIT_ONLY 8u

#define RIO_NOTIFY_BY_EVENT 1
#define RIO_NOTIFY_BY_PORT 2

/* RIORESULT */
struct rio_result {
    int32_t status;
    uint32_t bytes;
    uint64_t socket_context;
    uint64_t request_context;
};

/* RIO_BUF: a piece of one registration. */
struct rio_piece {
    rio_buffer_id id;
    uint32_t offset;
    uint32_t length;
};

/* RIO_NOTIFICATION_COMPLETION */
struct rio_notification {
    int32_t type;
    union {
        struct {
            void *handle;
            rio_bool reset;
        } event;
        struct {
            void *port;
            void *key;
            void *overlapped;
        } port;
    };
};

/* RIO_EXTENSION_FUNCTION_TABLE, in the same order. */
struct rio_table {
    uint32_t size; /* of this struct in bytes */
    rio_bool(RIO_CALL *receive)(rio_rq queue, const struct rio_piece *data, uint32_t count,
                                uint32_t flags, void *context);
    int(RIO_CALL *receive_ex)(rio_rq queue, const struct rio_piece *data, uint32_t count,
                              const struct rio_piece *local, const struct rio_piece *remote,
                              const struct rio_piece *control, const struct rio_piece *out_flags,
                              uint32_t flags, void *context);
    rio_bool(RIO_CALL *send)(rio_rq queue, const struct rio_piece *data, uint32_t count,
                             uint32_t flags, void *context);
    rio_bool(RIO_CALL *send_ex)(rio_rq queue, const struct rio_piece *data, uint32_t count,
                                const struct rio_piece *local, const struct rio_piece *remote,
                                const struct rio_piece *control, const struct rio_piece *out_flags,
                                uint32_t flags, void *context);
    void(RIO_CALL *close_cq)(rio_cq queue);
    rio_cq(RIO_CALL *create_cq)(uint32_t size, const struct rio_notification *notification);
    rio_rq(RIO_CALL *create_rq)(uintptr_t socket, uint32_t receives_max,
                                uint32_t receive_pieces_max, uint32_t sends_max,
                                uint32_t send_pieces_max, rio_cq receive_cq, rio_cq send_cq,
                                void *socket_context);
    uint32_t(RIO_CALL *dequeue)(rio_cq queue, struct rio_result *results, uint32_t results_max);
    void(RIO_CALL *deregister)(rio_buffer_id id);
    int(RIO_CALL *notify)(rio_cq queue); /* returns its error code */
    rio_buffer_id(RIO_CALL *register_buffer)(void *bytes, uint32_t length);
    rio_bool(RIO_CALL *resize_cq)(rio_cq queue, uint32_t size);
    rio_bool(RIO_CALL *resize_rq)(rio_rq queue, uint32_t receives_max, uint32_t sends_max);
};

_Static_assert(sizeof(struct rio_result) == 24, "RIORESULT");
_Static_assert(offsetof(struct rio_result, bytes) == 4, "RIORESULT");
_Static_assert(offsetof(struct rio_result, socket_context) == 8, "RIORESULT");
_Static_assert(offsetof(struct rio_result, request_context) == 16, "RIORESULT");
_Static_assert(sizeof(struct rio_piece) == sizeof(void *) + 8, "RIO_BUF");
_Static_assert(offsetof(struct rio_piece, offset) == sizeof(void *), "RIO_BUF");
_Static_assert(sizeof(struct rio_notification) == 4 * sizeof(void *),
               "RIO_NOTIFICATION_COMPLETION");
_Static_assert(offsetof(struct rio_notification, port) == sizeof(void *),
               "RIO_NOTIFICATION_COMPLETION");
_Static_assert(sizeof(struct rio_table) == 14 * sizeof(void *), "RIO_EXTENSION_FUNCTION_TABLE");
_Static_assert(offsetof(struct rio_table, receive) == sizeof(void *),
               "RIO_EXTENSION_FUNCTION_TABLE");
_Static_assert(offsetof(struct rio_table, notify) == 10 * sizeof(void *),
               "RIO_EXTENSION_FUNCTION_TABLE");

/* The table's identifier for WSAIoctl(SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER). */
#define RIO_TABLE_IOCTL 0xC8000024u
#define RIO_TABLE_GUID                                     \
    {                                                      \
        0x8509e081, 0x96dd, 0x4005,                        \
        {                                                  \
            0xb1, 0x65, 0x9e, 0x2e, 0xe8, 0xc7, 0x9e, 0x3f \
        }                                                  \
    }

#endif
