/* SPDX-License-Identifier: MIT */
/* list.h - an intrusive doubly linked list. Members are removed in O(1), and nothing is allocated.
 * A node that is on no list points at itself. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "check.h"

struct list {
    struct list *previous, *next;
};

static inline void list_init(struct list *list)
{
    list->previous = list->next = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

/* Returns whether the node is on a list. */
static inline bool list_has(const struct list *node)
{
    return node->next != node;
}

static inline void list_add_last(struct list *list, struct list *node)
{
    weir_check(!list_has(node));
    node->previous = list->previous;
    node->next = list;
    list->previous->next = node;
    list->previous = node;
}

static inline void list_add_first(struct list *list, struct list *node)
{
    list_add_last(list->next, node); /* before the first node; an empty list is its own next */
}

/* Removes the node from its list. Does nothing if it is on no list. */
static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

/* Removes the first node and returns it. Null: the list is empty. */
static inline struct list *list_take_first(struct list *list)
{
    struct list *first = list->next;

    if (first == list) return NULL;
    list_remove(first);
    return first;
}

/* Moves all nodes of `from` to the end of `list`. */
static inline void list_append_all(struct list *list, struct list *from)
{
    if (list_is_empty(from)) return;
    from->next->previous = list->previous;
    list->previous->next = from->next;
    from->previous->next = list;
    list->previous = from->previous;
    list_init(from);
}

#endif
