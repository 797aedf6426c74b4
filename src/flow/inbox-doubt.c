/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Messages without a message id. Two that say the same may be one that was delivered twice, or an order that was given
 * twice, and meant: neither is dropped. But whoever gets the second is to know that it may be the first once more. So
 * it is marked as taken where that can be:
 *
 *   - the link was lost within UNHEARD_USEC after the first was stored, so that the hub may not have heard of it; or
 *     the daemon was started anew since, and nobody knows when;
 *   - and the second comes with the next link, before the hub has had AGAIN_USEC to deliver what it had to.
 *
 * Each first one stands for one second one.
 */

#include "flow/inbox-core.h"

#define UNHEARD_USEC (30 * USEC_PER_MIN) /* so late a dead link is found out, with the longest keepalive */
#define AGAIN_USEC   (10 * USEC_PER_MIN) /* twice as long as a hub locks a message at most */

bool inbox_doubt_is_on(const Inbox *x)
{
        return clock_boot(x->clock) < x->doubt_until;
}

InboxDoubt *inbox_find_doubt(const Inbox *x, const InboxKey *key)
{
        for (size_t i = 0; i < x->index.n; i++) {
                InboxEntry *e = x->index.entries[i];

                if (e->doubt.open && inbox_key_resembles(&e->key, key))
                        return &e->doubt;
        }
        for (size_t i = x->memory.n; i-- > 0;) {
                InboxDone *done = &x->memory.done[i];

                if (done->doubt.open && inbox_key_resembles(&done->key, key))
                        return &done->doubt;
        }
        return NULL;
}

static void close_all(Inbox *x)
{
        for (size_t i = 0; i < x->index.n; i++)
                x->index.entries[i]->doubt.open = false;
        for (size_t i = 0; i < x->memory.n; i++)
                x->memory.done[i].doubt.open = false;
}

/* Of a hub that must not deliver, time tells nothing. */
void inbox_doubt_reckon(Inbox *x)
{
        usec_t now = clock_boot(x->clock);

        if (now >= x->doubt_until)
                close_all(x);
        x->doubt_until = x->listening && x->wanted_by_us ? usec_add(now, AGAIN_USEC) : USEC_INFINITY;
}

/* ---- the link ---- */

void inbox_listening(Inbox *x)
{
        x->listening = true;
        inbox_doubt_reckon(x);
}

static void look_at(InboxDoubt *doubt, const InboxKey *key, usec_t now)
{
        if (key->nameless && now <= usec_add(doubt->since_usec, UNHEARD_USEC))
                doubt->open = true;
}

void inbox_link_lost(Inbox *x)
{
        usec_t now = clock_boot(x->clock);

        x->listening = false;
        inbox_doubt_reckon(x);
        for (size_t i = 0; i < x->index.n; i++)
                look_at(&x->index.entries[i]->doubt, &x->index.entries[i]->key, now);
        for (size_t i = 0; i < x->memory.n; i++)
                look_at(&x->memory.done[i].doubt, &x->memory.done[i].key, now);
        inbox_arrivals_doubt(x);
}
