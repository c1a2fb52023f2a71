/* SPDX-License-Identifier: MIT */
/* admission.h - limits at accept: which connections and datagrams are let in, by address, by rate
 * and by number. */
#ifndef SESSION_ADMISSION_H
#define SESSION_ADMISSION_H

#include <stdbool.h>

#include <weir/weir.h>

#include "address_counts.h"
#include "address_list.h"
#include "atomic.h"
#include "log_limited.h"

struct service;
struct weir_session;
struct worker;

enum admission_rejection {
    ADMISSION_DENIED,  /* by `allow` or `deny` */
    ADMISSION_RATE,    /* by accept_rate_max */
    ADMISSION_FULL,    /* by sessions_max, of the server or of the listener */
    ADMISSION_ADDRESS, /* by sessions_per_address_max */
    ADMISSION_FAILED,  /* a session could not be created */
    ADMISSION_COUNT
};

/* Shared by all workers. Used once per connection, never per message. */
struct admission_limits {
    struct address_list allow, deny;      /* as the server was opened; see worker.allow */
    struct address_counts address_counts; /* open if sessions_per_address_max was ever not 0 */
    _Atomic uint64_t accepts;             /* the token bucket of accept_rate_max */
    _Atomic uint32_t sessions_open;       /* in all workers */
};

/* Of one worker. */
struct admission {
    struct log_limited rejections[ADMISSION_COUNT], lost;
};

/* Whether `allow` and `deny` let the address in. */
bool admission_allows(const struct worker *worker, const struct net_address *peer);

/* Counts a connection against every limit, also that of its service. Returns false, after counting
 * a rejection, if one is exceeded. */
bool admission_admit(struct worker *worker, const struct service *service,
                     const struct net_address *peer);

/* Does the same for a connection that a proxy forwards: the limits on addresses do not apply to the
 * proxy. */
bool admission_admit_proxied(struct worker *worker, const struct service *service,
                             const struct net_address *proxy);

/* The proxy has named the client of an admitted connection: counts it against the limits on
 * addresses. Returns false, after counting a rejection, if one is exceeded. */
bool admission_admit_client(struct worker *worker, const struct net_address *client);

/* Whether sessions_per_address_max limits the connections of this service now. An address that was
 * admitted then counts. */
bool admission_counts(const struct worker *worker, const struct service *service);

/* Other settings apply: lets the address of the session count if it now has a limit. */
void admission_renew(struct weir_session *session);

/* Counts an outbound connection against sessions_max, the only limit that applies to it. Returns
 * false if it is reached. The second function undoes it. */
bool admission_admit_outbound(struct worker *worker);
void admission_release_outbound(struct worker *worker);

/* Undoes admission_admit(), or admission_admit_proxied() and admission_admit_client(), when the
 * connection has ended. `peer`: the address that counts; null: none does. */
void admission_release(struct worker *worker, const struct service *service,
                       const struct net_address *peer);

/* Counts connections that were lost before they became sessions, as `refused_failed` and against
 * accept_rate_max. Their addresses are not known. */
void admission_lost(struct worker *worker, uint32_t count);

/* Counts `count` rejections (more than one for a batch of datagrams), and logs at a limited rate.
 */
void admission_reject(struct worker *worker, enum admission_rejection rejection,
                      const struct net_address *peer, uint64_t count);

#endif
