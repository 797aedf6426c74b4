/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/inbox-index.h"

#include <errno.h>
#include <string.h>

static InboxEntry *entry_free(InboxEntry *e)
{
        if (!e)
                return NULL;
        c2d_message_free(e->message);
        free(e->taker);
        free(e->who);
        free(e);
        return NULL;
}

void inbox_entry_set_taker(InboxEntry *e, char *taker, char *who)
{
        free(e->taker);
        free(e->who);
        e->taker = taker;
        e->who = who;
}

void inbox_index_done(InboxIndex *x)
{
        for (size_t i = 0; i < x->n; i++)
                entry_free(x->entries[i]);
        free(x->entries);
        *x = (InboxIndex){};
}

/* The first place whose id is not below. */
static size_t place_of(const InboxIndex *x, uint64_t id)
{
        size_t low = 0, high = x->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (x->entries[middle]->id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static int make_place(InboxIndex *x)
{
        size_t n = MAX(x->allocated * 2, (size_t)16);
        InboxEntry **more;

        if (x->n < x->allocated)
                return 0;
        more = reallocarray(x->entries, n, sizeof(InboxEntry *));
        if (!more)
                return -ENOMEM;
        x->entries = more;
        x->allocated = n;
        return 0;
}

int inbox_index_add(InboxIndex *x, const InboxEntry *entry, InboxEntry **ret)
{
        InboxEntry *e = make_place(x) < 0 ? NULL : malloc(sizeof(*e));
        size_t at = place_of(x, entry->id);

        if (!e) {
                c2d_message_free(entry->message);
                return -ENOMEM;
        }
        *e = *entry;
        memmove(x->entries + at + 1, x->entries + at, (x->n - at) * sizeof(InboxEntry *));
        x->entries[at] = e;
        x->n++;
        x->bytes += e->bytes;
        *ret = e;
        return 0;
}

void inbox_index_remove(InboxIndex *x, InboxEntry *e)
{
        size_t at = place_of(x, e->id);

        x->bytes -= e->bytes;
        x->n--;
        memmove(x->entries + at, x->entries + at + 1, (x->n - at) * sizeof(InboxEntry *));
        entry_free(e);
}

InboxEntry *inbox_index_find(const InboxIndex *x, uint64_t id)
{
        size_t at = place_of(x, id);

        return at < x->n && x->entries[at]->id == id ? x->entries[at] : NULL;
}

InboxEntry *inbox_index_find_key(const InboxIndex *x, const InboxKey *key)
{
        for (size_t i = 0; i < x->n; i++)
                if (inbox_key_equals(&x->entries[i]->key, key))
                        return x->entries[i];
        return NULL;
}

InboxEntry *inbox_index_first_record(const InboxIndex *x)
{
        InboxEntry *first = x->n > 0 ? x->entries[0] : NULL;

        for (size_t i = 1; i < x->n; i++)
                if (x->entries[i]->n < first->n)
                        first = x->entries[i];
        return first;
}

/* Those written anew have numbers above all others: only where one is not the follower of the one before in the order
 * of ids, a run may begin. Counted is the number of entries without a follower, save for the last. */
size_t inbox_index_gaps(const InboxIndex *x)
{
        size_t n = 0;

        for (size_t i = 1; i < x->n; i++)
                n += x->entries[i]->n != x->entries[i - 1]->n + 1;
        return n;
}
