/* SPDX-License-Identifier: MIT */
/* win_error.h - the Winsock and Win32 error numbers that the transport acts upon, under names of
 * our own, so that what acts upon them compiles where no Windows header is. */
#ifndef NET_WINDOWS_WIN_ERROR_H
#define NET_WINDOWS_WIN_ERROR_H

enum win_error {
    WIN_NETNAME_DELETED = 64,
    WIN_MORE_DATA = 234,
    WIN_WAIT_TIMEOUT = 258,
    WIN_OPERATION_ABORTED = 995,
    WIN_IO_PENDING = 997,
    WIN_EINTR = 10004,
    WIN_EACCES = 10013,
    WIN_EFAULT = 10014,
    WIN_EINVAL = 10022,
    WIN_EMFILE = 10024,
    WIN_EALREADY = 10037,
    WIN_ENOTSOCK = 10038,
    WIN_EMSGSIZE = 10040,
    WIN_EOPNOTSUPP = 10045,
    WIN_EAFNOSUPPORT = 10047,
    WIN_EADDRINUSE = 10048,
    WIN_EADDRNOTAVAIL = 10049,
    WIN_ENETDOWN = 10050,
    WIN_ENETUNREACH = 10051,
    WIN_ENETRESET = 10052,
    WIN_ECONNABORTED = 10053,
    WIN_ECONNRESET = 10054,
    WIN_ENOBUFS = 10055,
    WIN_ENOTCONN = 10057,
    WIN_ESHUTDOWN = 10058,
    WIN_ETOOMANYREFS = 10059,
    WIN_ETIMEDOUT = 10060,
    WIN_ECONNREFUSED = 10061,
    WIN_EHOSTUNREACH = 10065,
};

#endif
