/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What keeps the store small. It is a log whose pieces are free again when nothing in them counts any more, and its
 * checkpoints tell of so many holes only. So
 *
 *   - what is remembered as done is written anew in one piece now and then, a memo: the records before it go;
 *   - a message that waits while many others come and go is written anew, at the log's end, under its old id.
 *
 * Both are on the disk before what they stand for is settled.
 */

#include "flow/inbox-core.h"

#define DONE_RECORDS_MAX 128 /* then a memo is due */
#define GAPS_MAX         16  /* a checkpoint tells of 64 holes in all */
#define FILL_MAX         0.5

/* ---- memos ---- */

static void on_memo(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Inbox *x = userdata;

        if (error == 0) {
                inbox_settle(x, INBOX_DONE, x->done_first, x->memo_covers, OUTCOME_ACKNOWLEDGED);
                x->done_first = x->memo_covers + 1;
                x->done_last = MAX(x->done_last, n);
        }
        x->memo_covers = 0;
        inbox_note(x);
}

/* Receipts come in order: what is known as done now was written before what is not. */
static void write_memo(Inbox *x)
{
        int r;

        if (x->memo_covers > 0 || x->memory.n == 0 ||
            (!x->memo_due && x->done_last - x->done_first < DONE_RECORDS_MAX))
                return;
        x->memo_due = false;
        buffer_clear(&x->record);
        inbox_done_record_encode(x->memory.done, x->memory.n, &x->record);
        x->memo_covers = x->done_last; /* the receipt may come at once */
        r = inbox_append(x, INBOX_DONE, INBOX_FOR_TIDYING, &(QueueReceipt){on_memo, x});
        if (r == 0)
                return;
        x->memo_covers = 0;
        x->memo_due = true;
        inbox_retry_later(x);
}

/* ---- messages that stand in the way ---- */

typedef struct Carry {
        Inbox *x;
        InboxEntry *entry; /* busy, so it stays */
} Carry;

static void on_carried(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Carry *c = userdata;
        InboxEntry *e = c->entry;
        uint64_t older = e->n;
        Inbox *x = c->x;

        free(c);
        x->carrying = false;
        e->busy = false;
        if (error == 0) {
                e->n = n;
                inbox_settle(x, INBOX_MESSAGES, older, older, OUTCOME_ACKNOWLEDGED);
                for (size_t i = 0; i < e->n_takings; i++)
                        inbox_settle(x, INBOX_TAKEN, e->takings[i], e->takings[i], OUTCOME_ACKNOWLEDGED);
                e->n_takings = 0;
        } else {
                inbox_retry_later(x);
        }
        if (e->left)
                inbox_offer(x, e);
        inbox_look_again(x);
}

static int append_anew(Inbox *x, InboxEntry *e, const QueueRecord *found)
{
        InboxMessageRecord record;
        Carry *c;
        int r = inbox_message_record_decode(found->payload, found->size, &record);

        c = r < 0 ? NULL : malloc(sizeof(*c));
        if (!c)
                return -1;
        *c = (Carry){x, e};
        record.id = e->id;
        record.times_taken = e->times_taken + (e->taker != NULL);
        buffer_clear(&x->record);
        inbox_message_record_encode(&record, &x->record);
        e->busy = x->carrying = true;
        /* One that cannot be taken again before goes first. */
        r = inbox_append(x, INBOX_MESSAGES, e->n_takings == INBOX_TAKINGS_MAX ? INBOX_FOR_TAKING : INBOX_FOR_TIDYING,
                         &(QueueReceipt){on_carried, c});
        if (r != 0) {
                e->busy = x->carrying = false;
                free(c);
        }
        return r;
}

static void carry(Inbox *x, InboxEntry *e)
{
        QueueRecord found;
        int r;

        if (x->carrying || e->busy)
                return;
        r = queue_browse(x->store, (unsigned)inbox_stream(x, INBOX_MESSAGES), e->n, e->n, &found);
        if (r == QUEUE_E_WAIT)
                return;
        if (r != 0 || append_anew(x, e, &found) != 0)
                inbox_retry_later(x);
}

/* Half full is a reason to move together whatever lies far apart, once for each eighth of the store that was
 * written: the messages that wait, and what is remembered of those between them, of which each may hold a piece that is
 * large and empty but for it. */
static void look_at_fill(Inbox *x)
{
        QueueStatus status;

        if (x->sweep_until > 0 || x->appended - x->swept_at < x->store_bytes / 8)
                return;
        queue_status(x->store, &status);
        if (status.fill < FILL_MAX)
                return;
        x->swept_at = x->appended;
        x->memo_due = true;
        for (size_t i = 0; i < x->index.n; i++)
                x->sweep_until = MAX(x->sweep_until, x->index.entries[i]->n);
}

static InboxEntry *most_taken(const Inbox *x)
{
        for (size_t i = 0; i < x->index.n; i++)
                if (x->index.entries[i]->n_takings == INBOX_TAKINGS_MAX && !x->index.entries[i]->busy)
                        return x->index.entries[i];
        return NULL;
}

void inbox_tidy_step(Inbox *x)
{
        InboxEntry *first = inbox_index_first_record(&x->index), *worn;

        write_memo(x);
        look_at_fill(x);
        if (x->sweep_until > 0 && (!first || first->n > x->sweep_until))
                x->sweep_until = 0;
        worn = most_taken(x);
        if (worn)
                carry(x, worn);
        else if (x->sweep_until > 0 || inbox_index_gaps(&x->index) > GAPS_MAX)
                carry(x, first);
}
