/* SPDX-License-Identifier: MIT */
/* mailbox.c - letters between threads, under a lock that is held for a few lines. */
#include "mailbox.h"

#include "check.h"

bool mailbox_init(struct mailbox *mailbox)
{
    mailbox->lock = lock_open();
    mailbox->net = NULL;
    mailbox->first = mailbox->count = 0;
    return mailbox->lock != NULL;
}

void mailbox_free(struct mailbox *mailbox)
{
    weir_check(!mailbox->net);
    weir_check(mailbox->count == 0);
    lock_free(mailbox->lock);
    mailbox->lock = NULL;
}

void mailbox_open(struct mailbox *mailbox, struct net *net)
{
    lock_take(mailbox->lock);
    mailbox->net = net;
    lock_give_back(mailbox->lock);
}

bool mailbox_shut(struct mailbox *mailbox)
{
    lock_take(mailbox->lock);
    bool empty = mailbox->count == 0;
    if (empty) mailbox->net = NULL;
    lock_give_back(mailbox->lock);
    return empty;
}

bool mailbox_post(struct mailbox *mailbox, const struct mailbox_letter *letter)
{
    lock_take(mailbox->lock);
    bool taken = mailbox->net && mailbox->count < MAILBOX_LETTERS_MAX;
    if (taken) {
        mailbox->letters[(mailbox->first + mailbox->count) % MAILBOX_LETTERS_MAX] = *letter;
        mailbox->count++;
        net_wake(mailbox->net); /* under the lock: the net lives as long as the mailbox is open */
    }
    lock_give_back(mailbox->lock);
    return taken;
}

void mailbox_wake(struct mailbox *mailbox)
{
    lock_take(mailbox->lock);
    if (mailbox->net) net_wake(mailbox->net);
    lock_give_back(mailbox->lock);
}

bool mailbox_take(struct mailbox *mailbox, struct mailbox_letter *letter)
{
    lock_take(mailbox->lock);
    bool any = mailbox->count > 0;
    if (any) {
        *letter = mailbox->letters[mailbox->first];
        mailbox->first = (mailbox->first + 1) % MAILBOX_LETTERS_MAX;
        mailbox->count--;
    }
    lock_give_back(mailbox->lock);
    return any;
}
