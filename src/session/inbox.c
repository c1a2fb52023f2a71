/* SPDX-License-Identifier: MIT */
/* inbox.c - a list of notes under a lock. */
#include "inbox.h"

bool inbox_init(struct inbox *inbox)
{
    list_init(&inbox->notes);
    inbox->is_shut = false;
    inbox->lock = lock_open();
    return inbox->lock != NULL;
}

void inbox_free(struct inbox *inbox)
{
    if (!inbox->lock) return;
    weir_check(list_is_empty(&inbox->notes));
    lock_free(inbox->lock);
    inbox->lock = NULL;
}

void inbox_note_init(struct inbox_note *note, void (*read)(struct inbox_note *note))
{
    list_init(&note->in_inbox);
    note->read = read;
}

bool inbox_post(struct inbox *inbox, struct inbox_note *note)
{
    lock_take(inbox->lock);
    bool is_open = !inbox->is_shut;
    if (is_open && !list_has(&note->in_inbox)) list_add_last(&inbox->notes, &note->in_inbox);
    lock_give_back(inbox->lock);
    return is_open;
}

void inbox_withdraw(struct inbox *inbox, struct inbox_note *note)
{
    lock_take(inbox->lock);
    list_remove(&note->in_inbox);
    lock_give_back(inbox->lock);
}

struct inbox_note *inbox_take(struct inbox *inbox)
{
    lock_take(inbox->lock);
    struct list *first = list_take_first(&inbox->notes);
    lock_give_back(inbox->lock);
    return first ? weir_container_of(first, struct inbox_note, in_inbox) : NULL;
}

bool inbox_shut(struct inbox *inbox)
{
    lock_take(inbox->lock);
    if (list_is_empty(&inbox->notes)) inbox->is_shut = true;
    bool is_shut = inbox->is_shut;
    lock_give_back(inbox->lock);
    return is_shut;
}
