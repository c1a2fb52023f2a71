/* SPDX-License-Identifier: MIT */
/* group_routes.c - see group_routes.h. */
#include "group_routes.h"

#include <stdlib.h>
#include <string.h>

#include "admin_state.h"
#include "heap.h"
#include "json.h"
#include "number.h"

#define GROUP_ROUTES__LIMIT 100u
#define GROUP_ROUTES__LIMIT_MAX 1000u

static bool group_routes__read_limit(const char *text, size_t *limit)
{
    size_t length = text ? strlen(text) : 0;
    uint64_t number;

    *limit = GROUP_ROUTES__LIMIT;
    if (!text) return true;
    if (length == 0 || number_digits(text, length, GROUP_ROUTES__LIMIT_MAX, &number) != length)
        return false;
    *limit = (size_t)number;
    return number > 0;
}

static uint64_t group_routes__dropped(const struct scan_group *group)
{
    return group->dropped_full + group->dropped_closed + group->dropped_not_framed +
           group->dropped_no_memory + group->dropped_reply + group->dropped_late;
}

/* Groups that drop the most come first, then large ones, then by name. */
static int group_routes__compare(const void *a, const void *b)
{
    const struct scan_group *one = *(const struct scan_group *const *)a;
    const struct scan_group *other = *(const struct scan_group *const *)b;
    uint64_t one_dropped = group_routes__dropped(one), other_dropped = group_routes__dropped(other);

    if (one_dropped != other_dropped) return one_dropped > other_dropped ? -1 : 1;
    if (one->members != other->members) return one->members > other->members ? -1 : 1;
    return strcmp(one->name, other->name);
}

static void group_routes__write(struct json *json, const struct scan_group *group)
{
    json_begin_object(json, NULL);
    json_text(json, "name", group->name);
    json_u64(json, "members", group->members);
    json_u64(json, "congested", group->congested);
    json_u64(json, "offered", group->offered);
    json_u64(json, "delivered", group->delivered);
    json_u64(json, "dropped_full", group->dropped_full);
    json_u64(json, "dropped_closed", group->dropped_closed);
    json_u64(json, "dropped_not_framed", group->dropped_not_framed);
    json_u64(json, "dropped_no_memory", group->dropped_no_memory);
    json_u64(json, "dropped_reply", group->dropped_reply);
    json_u64(json, "dropped_late", group->dropped_late);
    json_end_object(json);
}

static void group_routes__answer_scan(struct visit *visit, const struct scan *scan, size_t limit)
{
    const struct scan_group **order = heap_alloc((scan->groups_count + 1) * sizeof *order);
    struct body body = {0};
    struct json json = {.body = &body};

    if (!order) {
        visit_answer_text(visit, 503, "out of memory");
        return;
    }
    for (size_t i = 0; i < scan->groups_count; i++) order[i] = &scan->groups[i];
    qsort(order, scan->groups_count, sizeof *order, group_routes__compare);
    json_begin_object(&json, NULL);
    json_begin_array(&json, "groups");
    for (size_t i = 0; i < scan->groups_count && i < limit; i++)
        group_routes__write(&json, order[i]);
    json_end_array(&json);
    json_u64(&json, "total", scan->groups_count);
    json_bool(&json, "incomplete", scan->lacks_groups);
    json_end_object(&json);
    heap_free(order);
    visit_answer_body(visit, "application/json", &body);
}

static void group_routes__answer(struct visit *visit, bool is_late)
{
    const struct scan *scan = visit->admin->scans.last;
    size_t limit;

    if (!group_routes__read_limit(target_value(&visit->target, "limit"), &limit))
        visit_answer_text(visit, 400, "limit must be a number from 1 to 1000");
    else if (is_late || !scan)
        visit_refuse(visit, 503, "Retry-After: 1\r\n",
                     "the groups cannot be listed: a worker does not answer, or memory is short");
    else
        group_routes__answer_scan(visit, scan, limit);
}

void group_routes_list(struct visit *visit)
{
    struct admin *admin = visit->admin;

    if (!scans_ask(&admin->scans, admin->own, atomic_load(&admin->observed)) &&
        admin->scans.running)
        visit_wait(visit, &admin->scans.waiting, SCAN_WAIT_MS, group_routes__answer);
    else
        group_routes__answer(visit, false);
}
