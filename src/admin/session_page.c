/* SPDX-License-Identifier: MIT */
/* session_page.c - see session_page.h. While it looks for the first `limit` entries, they are a
 * heap whose root is the last one of them, which the next better entry replaces. */
#include "session_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "number.h"

/* ---- the query ---- */

static uint64_t session_page__bytes(const struct weir_session_info *session)
{
    return session->bytes_in + session->bytes_out;
}

static uint64_t session_page__messages(const struct weir_session_info *session)
{
    return session->messages_in + session->messages_out;
}

static uint64_t session_page__pause(const struct weir_session_info *session)
{
    return (uint64_t)session->pause;
}

/* Keys: members of struct weir_session_info, sums of them, and short names for some. */
static const struct session_page__key {
    const char *name;
    size_t offset; /* of a uint64_t; unused if compute() is not null */
    uint64_t (*compute)(const struct weir_session_info *session);
} session_page__keys[] = {
#define MEMBER(name, member)                                   \
    {                                                          \
        name, offsetof(struct weir_session_info, member), NULL \
    }
    MEMBER("id", id),
    {"bytes", 0, session_page__bytes},
    {"messages", 0, session_page__messages},
    {"pause", 0, session_page__pause},
    MEMBER("queue", queued_bytes),
    MEMBER("age", age_ms),
    MEMBER("bytes_in", bytes_in),
    MEMBER("bytes_out", bytes_out),
    MEMBER("messages_in", messages_in),
    MEMBER("messages_out", messages_out),
    MEMBER("queued_bytes", queued_bytes),
    MEMBER("unread_bytes", unread_bytes),
    MEMBER("partial_bytes", partial_bytes),
    MEMBER("paused_ms", paused_ms),
    MEMBER("age_ms", age_ms),
    MEMBER("received_ago_ms", received_ago_ms),
    MEMBER("sent_ago_ms", sent_ago_ms),
    MEMBER("deadline_ms", deadline_ms),
#undef MEMBER
};

#define SESSION_PAGE__KEYS_COUNT (sizeof session_page__keys / sizeof session_page__keys[0])

static bool session_page__read_sort(const char *name, size_t *sort)
{
    for (*sort = 0; *sort < SESSION_PAGE__KEYS_COUNT; ++*sort)
        if (strcmp(session_page__keys[*sort].name, name) == 0) return true;
    return false;
}

/* Reads hexadecimal digits. Returns their end; null: there are none, or too many. */
static const char *session_page__read_hex(const char *text, uint64_t *number)
{
    const char *at = text;

    for (*number = 0; escape_hex_digit(*at) >= 0; at++)
        *number = *number << 4 | (uint64_t)escape_hex_digit(*at);
    return at > text && at <= text + 16 ? at : NULL;
}

static bool session_page__read_cursor(const char *text, struct session_page_query *query)
{
    const char *rest = session_page__read_hex(text, &query->after_key);

    query->has_cursor = true;
    if (!rest || *rest != '-') return false;
    rest = session_page__read_hex(rest + 1, &query->after_id);
    return rest && *rest == '\0';
}

static bool session_page__read_limit(const char *text, uint32_t *limit)
{
    uint64_t number;
    size_t length = strlen(text);

    if (length == 0 || number_digits(text, length, SESSION_PAGE_LIMIT_MAX, &number) != length)
        return false;
    *limit = (uint32_t)number;
    return number > 0;
}

static bool session_page__read_order(const char *text, bool *is_ascending)
{
    *is_ascending = strcmp(text, "asc") == 0;
    return *is_ascending || strcmp(text, "desc") == 0;
}

const char *session_page_read(const struct target *target, struct session_page_query *query)
{
    const char *sort = target_value(target, "sort"), *order = target_value(target, "order");
    const char *limit = target_value(target, "limit"), *after = target_value(target, "after");
    const char *filter = target_value(target, "filter");

    *query =
        (struct session_page_query){.limit = SESSION_PAGE_LIMIT, .filter = filter ? filter : ""};
    if (!session_page__read_sort(sort ? sort : "bytes", &query->sort))
        return "sort must be bytes, queue, age or another number of a session";
    if (order && !session_page__read_order(order, &query->is_ascending))
        return "order must be asc or desc";
    if (limit && !session_page__read_limit(limit, &query->limit))
        return "limit must be a number from 1 to 1000";
    if (after && !session_page__read_cursor(after, query))
        return "after must be the \"next\" of another page";
    return NULL;
}

/* ---- the filter ---- */

static bool session_page__passes(const struct weir_session_info *session, const char *filter)
{
    char text[WEIR_ADDRESS_TEXT_BYTES];

    if (filter[0] == '\0') return true;
    if (strstr(weir_session_state_text(session->state), filter) ||
        strstr(weir_pause_text(session->pause), filter) || strstr(session->codec, filter) ||
        strstr(session->handler, filter))
        return true;
    if (strstr(weir_address_text(&session->peer, text, sizeof text), filter)) return true;
    snprintf(text, sizeof text, "%016" PRIx64, session->id);
    return strstr(text, filter) != NULL;
}

/* ---- the selection ---- */

static uint64_t session_page__key(const struct session_page_query *query,
                                  const struct weir_session_info *session)
{
    const struct session_page__key *key = &session_page__keys[query->sort];
    uint64_t value = key->compute
                         ? key->compute(session)
                         : *(const uint64_t *)(const void *)((const char *)session + key->offset);

    return query->is_ascending ? ~value : value;
}

/* Returns whether an entry comes before another one. */
static bool session_page__precedes(const struct session_page_entry *a,
                                   const struct session_page_entry *b)
{
    return a->key != b->key ? a->key > b->key : a->session->id < b->session->id;
}

static bool session_page__is_behind(const struct session_page_query *query,
                                    const struct session_page_entry *entry)
{
    if (!query->has_cursor) return true;
    return entry->key != query->after_key ? entry->key < query->after_key
                                          : entry->session->id > query->after_id;
}

static void session_page__swap(struct session_page_entry *a, struct session_page_entry *b)
{
    struct session_page_entry entry = *a;

    *a = *b;
    *b = entry;
}

static void session_page__sift_up(struct session_page_entry *entries, size_t at)
{
    while (at > 0 && session_page__precedes(&entries[(at - 1) / 2], &entries[at])) {
        session_page__swap(&entries[at], &entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void session_page__sift_down(struct session_page_entry *entries, size_t count)
{
    size_t at = 0;

    for (;;) {
        size_t last = at, left = 2 * at + 1;
        for (size_t child = left; child < left + 2 && child < count; child++)
            if (session_page__precedes(&entries[last], &entries[child])) last = child;
        if (last == at) return;
        session_page__swap(&entries[at], &entries[last]);
        at = last;
    }
}

static void session_page__add(struct session_page *page, size_t limit,
                              const struct session_page_entry *entry)
{
    if (page->count < limit) {
        page->entries[page->count] = *entry;
        session_page__sift_up(page->entries, page->count++);
        return;
    }
    page->has_next = true;
    if (!session_page__precedes(entry, &page->entries[0])) return;
    page->entries[0] = *entry;
    session_page__sift_down(page->entries, page->count);
}

static int session_page__compare(const void *a, const void *b)
{
    return session_page__precedes(a, b) ? -1 : session_page__precedes(b, a) ? 1 : 0;
}

void session_page_select(const struct scan *scan, const struct session_page_query *query,
                         struct session_page *page)
{
    page->count = 0;
    page->total = 0;
    page->has_next = false;
    for (size_t i = 0; i < scan->sessions_count; i++) {
        struct session_page_entry entry = {.session = &scan->sessions[i]};
        if (!session_page__passes(entry.session, query->filter)) continue;
        page->total++;
        entry.key = session_page__key(query, entry.session);
        if (session_page__is_behind(query, &entry)) session_page__add(page, query->limit, &entry);
    }
    qsort(page->entries, page->count, sizeof page->entries[0], session_page__compare);
}

void session_page_cursor(const struct session_page *page, char text[SESSION_PAGE_CURSOR_BYTES])
{
    const struct session_page_entry *last = &page->entries[page->count - 1];

    snprintf(text, SESSION_PAGE_CURSOR_BYTES, "%" PRIx64 "-%016" PRIx64, last->key,
             last->session->id);
}
