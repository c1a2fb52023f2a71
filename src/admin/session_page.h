/* SPDX-License-Identifier: MIT */
/* session_page.h - selects one page of the sessions of a scan: filtered, sorted and cut. It needs
 * memory for the page alone, and time in proportion to the sessions. */
#ifndef ADMIN_SESSION_PAGE_H
#define ADMIN_SESSION_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scan.h"
#include "target.h"

#define SESSION_PAGE_LIMIT 100u /* sessions of a page without another limit */
#define SESSION_PAGE_LIMIT_MAX 1000u
#define SESSION_PAGE_CURSOR_BYTES 40

/* One session of a page. Pages are sorted by descending key, and equal keys by ascending id. */
struct session_page_entry {
    uint64_t key;
    const struct weir_session_info *session;
};

struct session_page_query {
    size_t sort; /* which key; session_page_read() sets it */
    bool is_ascending;
    uint32_t limit;
    const char *filter; /* text that a session's peer, handler, ... contains; "": all sessions */
    bool has_cursor;
    uint64_t after_key, after_id; /* the page begins behind this entry; valid if has_cursor */
};

struct session_page {
    struct session_page_entry entries[SESSION_PAGE_LIMIT_MAX];
    size_t count;
    uint64_t total; /* sessions that the filter lets pass */
    bool has_next;  /* other pages follow */
};

/* Reads ?sort=KEY&order=asc|desc&limit=N&after=CURSOR&filter=TEXT. Returns null, or what is wrong.
 * query->filter points into the target. */
const char *session_page_read(const struct target *target, struct session_page_query *query);

/* Selects a page. */
void session_page_select(const struct scan *scan, const struct session_page_query *query,
                         struct session_page *page);

/* Writes the cursor with which the next page begins. */
void session_page_cursor(const struct session_page *page, char text[SESSION_PAGE_CURSOR_BYTES]);

#endif
