/* SPDX-License-Identifier: MIT */
/* linux_unix.h - Unix-domain stream sockets: listeners with their files, and destinations. A path
 * that begins with '@' is a name in the abstract namespace, which has no file. */
#ifndef NET_LINUX_UNIX_H
#define NET_LINUX_UNIX_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net.h"

/* The file of a listener; the listener owns it. */
struct linux_unix_file;

/* Opens a listener, close-on-exec, and sets *file; null: it has none. The file of a listener that
 * has ended is replaced. A live one is WEIR_ADDRESS_IN_USE, and so is any other kind of file. */
enum weir_code linux_unix_listen(const struct net_listen_options *options, bool nonblocking,
                                 int *fd, struct linux_unix_file **file, struct weir_error *error);

/* Removes the file, unless another one has its path by now, and frees `file`, which may be null.
 * Before the socket is closed. */
void linux_unix_remove(struct linux_unix_file *file);

/* Fills in the system's form of a path. Returns its length; 0 if the path is empty or too long. */
socklen_t linux_unix_sockaddr(const char *path, struct sockaddr_un *sockaddr);

/* Fills in the error of a path that cannot be used. Returns its code. */
enum weir_code linux_unix_fail(const char *operation, const char *path, int os_error,
                               const char *reason, const char *hint, struct weir_error *error);

#endif
