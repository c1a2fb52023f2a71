/* SPDX-License-Identifier: MIT */
/* transport_alone.h - a transport on which one listener serves all workers, for tests with
 * threads. */
#ifndef SUPPORT_TRANSPORT_ALONE_H
#define SUPPORT_TRANSPORT_ALONE_H

/* Its name; ready to be opened once this was called. */
const char *transport_alone_name(void);

#endif
