/* SPDX-License-Identifier: MIT */
/* filter.c - what all kinds of filters have in common: references, contexts of workers, output. */
#include "filter.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

/* ---- references ---- */

void filter_init(struct filter *filter, const struct filter_kind *kind,
                 void (*free)(struct filter *filter))
{
    weir_check(kind->open && kind->feed && kind->held_bytes && kind->release);
    weir_check(!kind->transforms || (kind->seal && kind->seal_max));
    filter->kind = kind;
    filter->free = free;
    atomic_store_explicit(&filter->references, 1, memory_order_relaxed);
}

struct filter *filter_ref(struct filter *filter)
{
    uint32_t before = atomic_fetch_add_explicit(&filter->references, 1, memory_order_relaxed);

    weir_check(before > 0);
    return filter;
}

void filter_unref(struct filter *filter)
{
    if (!filter) return;
    /* Everything that other threads did with the filter precedes its end. */
    uint32_t before = atomic_fetch_sub_explicit(&filter->references, 1, memory_order_acq_rel);
    weir_check(before > 0);
    if (before == 1 && filter->free) filter->free(filter);
}

/* ---- workers ---- */

void *filter_worker_context(struct filter_worker *worker, const struct filter_kind *kind)
{
    struct filter_context *at = worker->contexts;

    weir_check(kind->open_worker && kind->free_worker);
    while (at->kind && at->kind != kind) {
        at++;
        weir_check(at < worker->contexts + FILTER_KINDS_MAX);
    }
    if (at->kind) return at->context;
    void *context = kind->open_worker();
    if (context) *at = (struct filter_context){kind, context};
    return context;
}

void filter_worker_free(struct filter_worker *worker)
{
    for (uint32_t i = 0; i < FILTER_KINDS_MAX; i++) {
        struct filter_context *at = &worker->contexts[i];
        if (at->kind) at->kind->free_worker(at->context);
        *at = (struct filter_context){NULL, NULL};
    }
}

/* ---- output ---- */

bool filter_output_add(struct filter_output *output, const void *bytes, size_t length)
{
    weir_check(output->length <= output->max);
    if (length > filter_output_room(output)) return false;
    if (length > 0) memcpy(output->bytes + output->length, bytes, length);
    output->length += length;
    return true;
}

enum filter_result filter_fail(struct filter_error *error, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(error->text, sizeof error->text, format, values);
    va_end(values);
    return FILTER_BAD;
}
