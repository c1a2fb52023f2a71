/* SPDX-License-Identifier: MIT */
/* pause.h - counts and logs NET_PAUSED, the same for listeners, UDP sockets and connections. */
#ifndef SESSION_PAUSE_H
#define SESSION_PAUSE_H

struct net_event;
struct net_address;
struct worker;

/* Counts a pause under its cause, and logs it at a limited rate if the system caused it. `subject`
 * names the socket: "tcp 127.0.0.1:5050". */
void pause_report(struct worker *worker, const struct net_event *event, const char *subject);

/* As pause_report(), for a connection. */
void pause_report_client(struct worker *worker, const struct net_event *event,
                         const struct net_address *peer);

#endif
