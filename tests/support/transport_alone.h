/* SPDX-License-Identifier: MIT */
/* transport_alone.h - a transport whose single listener serves all workers, for tests with threads.
 */
#ifndef SUPPORT_TRANSPORT_ALONE_H
#define SUPPORT_TRANSPORT_ALONE_H

/* Returns the transport's name; the transport can be opened after this call. */
const char *transport_alone_name(void);

#endif
