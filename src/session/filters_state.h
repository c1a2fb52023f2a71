/* SPDX-License-Identifier: MIT */
/* filters_state.h - the filters of one session, and what the filters of one worker share.
 *
 *      received -> [ wire ] -> filter that transforms -> [ plain ] -> filters that open -> codec
 *
 * Owner: the session. filters.c opens and frees it, filters_in.c runs the received bytes through
 * it, filters_out.c the sent ones. */
#ifndef SESSION_FILTERS_STATE_H
#define SESSION_FILTERS_STATE_H

#include "address.h"
#include "filter.h"
#include "net.h"
#include "service.h"

/* One filter of a session. */
struct filters_one {
    struct filter *filter; /* a reference */
    void *state;           /* null: no byte has come for it yet */
    size_t held_bytes;     /* of the state, as charged */
};

struct filters {
    struct filters_one chain[SERVICE_FILTERS_MAX];
    uint8_t count;
    uint8_t at;               /* the filter that opens; `count`: all are open */
    uint8_t transform;        /* the filter that transforms, if one does; else `count` */
    uint8_t goodbyes_left;    /* the filters below it have not said goodbye */
    struct net_buffer *wire;  /* received and not used, oldest first */
    struct net_buffer *plain; /* made by the filter that transforms, for one that opens; or null */
    /* The last of the wire bytes at the front of the send queue; null: it has only plain ones, or
     * no filter transforms. */
    struct net_buffer *wire_last;
    uint64_t wake_ms;       /* when a filter wants to respond without input; UINT64_MAX: never */
    uint32_t held_bytes;    /* of this struct and of all states */
    uint32_t opening_bytes; /* that were used before all filters were open */
    uint64_t began_ns;      /* when the opening began */
    uint32_t began_ms;      /* the same, for its deadline */
    struct net_address via; /* is_proxied: the address of the socket */
    bool is_upgrade;        /* the filter that opens began in a session that was open */
    bool is_outbound;       /* the session is the client: its filters begin to speak */
    bool is_proxied;        /* a filter names the client: the socket's address has no limits */
    bool is_counted;        /* is_proxied: the client was named and admitted */
    bool serves;            /* a filter serves the client itself */
    bool has_served;        /* a filter served the client itself, and ended the session */
    bool must_look;         /* is_upgrade: look for plain text that was injected */
    bool must_feed;         /* the filter that opens is called without input */
    bool again;             /* the filter that transforms has more plain bytes */
    bool end_waits;         /* a filter has reported the end of the stream, behind `plain` */
    bool responds;          /* a filter has `respond` */
    bool must_respond;      /* messages were decoded since the filters responded last */
    bool fin_waits;         /* the peer's FIN has come, behind `wire` */
    bool seal_waits;        /* plain bytes cannot be sealed before more input has come */
    bool needs_buffer;      /* the pool was empty */
    bool passes;            /* all are open, and received bytes pass none any longer */
};

/* What the sessions of one worker share. */
struct filters_worker {
    struct filter_worker filter;
    struct net_buffer *spare; /* for what a filter originates; null: taken when it is needed */
    uint8_t scratch[];        /* one buffer's bytes */
};

/* Whether every filter is open. */
static inline bool filters_are_open(const struct filters *filters)
{
    return filters->at == filters->count;
}

/* Whether a session that was open waits for a filter: its messages do, too. */
static inline bool filters_are_upgrading(const struct filters *filters)
{
    return filters->is_upgrade && !filters_are_open(filters);
}

/* Whether the filter that transforms is open: it stands between the filters after it and the
 * socket. */
static inline bool filters_transform(const struct filters *filters)
{
    return filters->transform < filters->at;
}

#endif
