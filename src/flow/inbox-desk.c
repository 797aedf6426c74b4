/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What local services ask of the inbox. To take one its body has to be read from the disk: takes are done one after
 * another, each answered when the record of its taking is durable.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/inbox-core.h"

#define NOT_THERE  "there is no message %llu in the inbox: hublinkctl inbox list names those that there are"
#define NONE_FREE  "there is no message that can be taken"
#define NOT_YOURS  "message %llu is not yours: take it first"
#define IN_BETWEEN "message %llu is on its way out of the inbox or into it: try again shortly"
#define NOT_READ   "message %llu cannot be read from the disk: see the journal of hublinkd"
#define TOO_LONG   "a message can be kept for 24 h from now at most"
#define NOT_LOADED "the inbox is still being read: try again shortly"
#define DISK_FAILS "the disk of the inbox fails: see the journal of hublinkd"
#define NO_ROOM    "the store of the inbox is full: see the journal of hublinkd"
#define NO_BUFFERS "too much waits for the disk: try again shortly"

#define TELL_AFTER USEC_PER_SEC /* whoever takes what he hears of would not come to rest on a disk that fails */

struct InboxTake {
        Inbox *x;
        InboxTake *next;
        InboxEntry *entry;   /* busy, so it stays */
        bool again;          /* its taker had it already */
        C2dMessage *message; /* whole */
        InboxAnswerFn answer;
        void *userdata;
};

const char *inbox_append_words(int r, RequestError *ret_error)
{
        switch (r) {
        case QUEUE_E_FULL:
                *ret_error = REQUEST_DISK_ERROR;
                return NO_ROOM;
        case QUEUE_E_DISK:
                *ret_error = REQUEST_DISK_ERROR;
                return DISK_FAILS;
        default: /* -ENOMEM */
                *ret_error = REQUEST_BUSY;
                return NO_BUFFERS;
        }
}

static usec_t to_wall(const Inbox *x, usec_t boot_usec)
{
        return usec_add(clock_wall(x->clock), usec_sub(boot_usec, clock_boot(x->clock)));
}

static InboxItem item_of(const Inbox *x, const InboxEntry *e)
{
        return (InboxItem){
                .id = e->id,
                .message = e->message,
                .size = e->size,
                .received_usec = e->received_usec,
                .times_taken = e->times_taken,
                .taker = e->taker,
                .lock_until_usec = e->taker ? to_wall(x, e->lock_until_usec) : 0,
        };
}

/* ---- may it be? ---- */

/* Nothing can be asked now: why; or NULL. */
static const char *is_closed(const Inbox *x, RequestError *ret)
{
        *ret = REQUEST_BUSY;
        if (x->stopped)
                return INBOX_STOPPING;
        if (x->loaded)
                return NULL;
        if (inbox_disk_is_well(x))
                return NOT_LOADED;
        *ret = REQUEST_DISK_ERROR;
        return DISK_FAILS;
}

typedef struct InboxRefusal {
        RequestError error;
        char text[128];
} InboxRefusal;

static bool refuse(InboxRefusal *why, RequestError error, const char *fmt, uint64_t id)
{
        why->error = error;
        (void)snprintf(why->text, sizeof(why->text), fmt, (unsigned long long)id);
        return false;
}

static bool find(Inbox *x, uint64_t id, InboxEntry **ret, InboxRefusal *why)
{
        const char *closed = is_closed(x, &why->error);

        if (closed) {
                (void)snprintf(why->text, sizeof(why->text), "%s", closed);
                return false;
        }
        *ret = inbox_index_find(&x->index, id);
        return *ret || refuse(why, REQUEST_NO_SUCH_MESSAGE, NOT_THERE, id);
}

/* One that this client has, and may do something with. */
static bool find_own(Inbox *x, uint64_t id, const char *taker, InboxEntry **ret, InboxRefusal *why)
{
        if (!find(x, id, ret, why))
                return false;
        if (!(*ret)->taker || strcmp((*ret)->taker, taker) != 0)
                return refuse(why, REQUEST_NOT_OWNER, NOT_YOURS, id);
        return !(*ret)->busy || refuse(why, REQUEST_BUSY, IN_BETWEEN, id);
}

/* One whose expiry has come is not given away any more, though nobody has looked at it yet. */
static bool is_free(Inbox *x, const InboxEntry *e)
{
        return !e->taker && !e->busy && !inbox_has_expired(x, e);
}

static bool find_oldest_free(Inbox *x, InboxEntry **ret, InboxRefusal *why)
{
        for (size_t i = 0; i < x->index.n; i++)
                if (is_free(x, x->index.entries[i]) && !x->index.entries[i]->unreadable) {
                        *ret = x->index.entries[i];
                        return true;
                }
        return refuse(why, REQUEST_NO_SUCH_MESSAGE, NONE_FREE, 0);
}

static bool find_to_take(Inbox *x, uint64_t id, const char *taker, InboxEntry **ret, InboxRefusal *why)
{
        const char *closed = is_closed(x, &why->error);

        if (!closed && id == 0)
                return find_oldest_free(x, ret, why);
        if (!find(x, id, ret, why))
                return false;
        if ((*ret)->taker && strcmp((*ret)->taker, taker) != 0)
                return refuse(why, REQUEST_NOT_OWNER, "message %llu is taken by another", id);
        if ((*ret)->busy)
                return refuse(why, REQUEST_BUSY, IN_BETWEEN, id);
        if (!(*ret)->taker && inbox_has_expired(x, *ret))
                return refuse(why, REQUEST_NO_SUCH_MESSAGE, NOT_THERE, id);
        return true;
}

/* ---- list ---- */

static RequestError on_list(void *userdata, const InboxItem **ret, size_t *ret_n)
{
        Inbox *x = userdata;
        RequestError error;
        InboxItem *items;

        if (is_closed(x, &error))
                return error;
        items = reallocarray(x->listed, MAX(x->index.n, (size_t)1), sizeof(*items));
        if (!items)
                return REQUEST_BUSY;
        x->listed = items;
        for (size_t i = 0; i < x->index.n; i++)
                items[i] = item_of(x, x->index.entries[i]);
        *ret = items;
        *ret_n = x->index.n;
        return REQUEST_OK;
}

/* ---- take ---- */

void inbox_takes_init(Inbox *x)
{
        x->last_take = &x->first_take;
}

/* Nothing has happened: who had it has it still, and for others it is as free as it was. */
static void give_back(Inbox *x, InboxEntry *e, bool again)
{
        e->busy = false;
        if (again) {
                e->times_taken--;
                if (e->left)
                        inbox_offer(x, e);
                return;
        }
        e->left = false;
        inbox_entry_set_taker(e, NULL, NULL);
        e->tell_at = usec_add(clock_boot(x->clock), TELL_AFTER);
}

static void answer_error(InboxTake *t, RequestError error, const char *text)
{
        Inbox *x = t->x;

        give_back(x, t->entry, t->again);
        inbox_look_again(x);
        t->answer(t->userdata, &(InboxAnswer){.error = error, .detail = text});
        c2d_message_free(t->message);
        free(t);
}

/* What was to be handed out and is not, because its taker left while it was written down, is offered again as taken. */
static void on_taken(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        InboxTake *t = userdata;
        InboxEntry *e = t->entry;
        Inbox *x = t->x;
        InboxAnswer answer = {};

        if (error < 0) {
                answer_error(t, REQUEST_DISK_ERROR, DISK_FAILS);
                return;
        }
        e->busy = e->unreadable = false;
        e->tell_at = 0;
        e->takings[e->n_takings++] = n;
        e->lock_until_usec = usec_add(clock_boot(x->clock), INBOX_LOCK_USEC);
        answer.item = item_of(x, e);
        answer.item.message = t->message;
        t->answer(t->userdata, &answer);
        inbox_look_again(x);
        if (e->left)
                inbox_offer(x, e);
        inbox_changed(x);
        c2d_message_free(t->message);
        free(t);
}

static int read_whole(const Inbox *x, const InboxEntry *e, C2dMessage **ret)
{
        InboxMessageRecord record;
        QueueRecord found;
        int r = queue_browse(x->store, (unsigned)inbox_stream(x, INBOX_MESSAGES), e->n, e->n, &found);

        if (r != 0)
                return r;
        r = inbox_message_record_decode(found.payload, found.size, &record);
        return r < 0 ? r : c2d_message_decode(record.message, record.size, ret);
}

/* The store has given it up, or it is none of ours: not just now, but for ever. */
static bool is_lost(const Inbox *x, const InboxEntry *e, int r)
{
        return r == -EBADMSG ||
               (r == QUEUE_E_EMPTY &&
                queue_all_settled(x->store, (unsigned)inbox_stream(x, INBOX_MESSAGES), e->n, e->n + 1));
}

/* False: not at present. */
static bool write_down(InboxTake *t)
{
        Inbox *x = t->x;
        RequestError error;
        const char *why;
        int r;

        buffer_clear(&x->record);
        inbox_taken_record_encode(t->entry->id, &x->record);
        r = inbox_append(x, INBOX_TAKEN, INBOX_FOR_TAKING, &(QueueReceipt){on_taken, t});
        if (r == 0)
                return true;
        if (r == QUEUE_E_BUSY) {
                inbox_retry_later(x);
                return false;
        }
        why = inbox_append_words(r, &error);
        answer_error(t, error, why);
        return true;
}

static void cannot_read(InboxTake *t, int r)
{
        InboxEntry *e = t->entry;
        Inbox *x = t->x;
        char text[128];

        (void)snprintf(text, sizeof(text), NOT_READ, (unsigned long long)e->id);
        if (r == -ENOMEM)
                answer_error(t, REQUEST_BUSY, NO_BUFFERS);
        else
                answer_error(t, REQUEST_DISK_ERROR, text);
        e->unreadable = r != -ENOMEM;
        if (is_lost(x, e, r))
                inbox_lose(x, e);
}

static InboxTake *pop(Inbox *x)
{
        InboxTake *t = x->first_take;

        x->first_take = t->next;
        if (!x->first_take)
                x->last_take = &x->first_take;
        t->next = NULL;
        return t;
}

static void push_back(Inbox *x, InboxTake *t)
{
        t->next = x->first_take;
        x->first_take = t;
        if (!t->next)
                x->last_take = &t->next;
}

void inbox_takes_step(Inbox *x)
{
        while (x->first_take) {
                InboxTake *t = x->first_take;
                int r = t->message ? 0 : read_whole(x, t->entry, &t->message);

                if (r == QUEUE_E_WAIT)
                        return;
                (void)pop(x);
                if (r != 0) {
                        cannot_read(t, r);
                } else if (!write_down(t)) {
                        push_back(x, t);
                        return;
                }
        }
}

void inbox_takes_end(Inbox *x)
{
        while (x->first_take)
                answer_error(pop(x), REQUEST_BUSY, INBOX_STOPPING);
}

static InboxTake *take_new(Inbox *x, InboxEntry *e, const char *taker, const char *who, InboxAnswerFn answer,
                           void *userdata)
{
        _cleanup_free_ char *name = strdup(taker), *words = strdup(who);
        InboxTake *t = name && words ? calloc(1, sizeof(*t)) : NULL;

        if (!t)
                return NULL;
        *t = (InboxTake){.x = x, .entry = e, .again = e->taker, .answer = answer, .userdata = userdata};
        if (t->again) /* that is another time */
                e->times_taken++;
        inbox_entry_set_taker(e, TAKE_PTR(name), TAKE_PTR(words));
        e->busy = true;
        return t;
}

static void on_take(void *userdata, uint64_t id, const char *taker, const char *who, InboxAnswerFn answer,
                    void *answer_userdata)
{
        Inbox *x = userdata;
        InboxRefusal why = {};
        InboxEntry *e = NULL;
        InboxTake *t;

        if (!find_to_take(x, id, taker, &e, &why)) {
                answer(answer_userdata, &(InboxAnswer){.error = why.error, .detail = why.text});
                return;
        }
        if (e->n_takings == INBOX_TAKINGS_MAX) { /* it is about to be written anew */
                (void)refuse(&why, REQUEST_BUSY, IN_BETWEEN, e->id);
                answer(answer_userdata, &(InboxAnswer){.error = why.error, .detail = why.text});
                return;
        }
        t = take_new(x, e, taker, who, answer, answer_userdata);
        if (!t) {
                answer(answer_userdata, &(InboxAnswer){.error = REQUEST_BUSY, .detail = NO_BUFFERS});
                return;
        }
        *x->last_take = t;
        x->last_take = &t->next;
        inbox_note(x);
}

/* ---- complete, reject, extend ---- */

static void leave(Inbox *x, uint64_t id, const char *taker, InboxOutcome outcome, const char *reason, DoneFn done,
                  void *userdata)
{
        InboxRefusal why = {};
        InboxEntry *e;

        if (find_own(x, id, taker, &e, &why))
                inbox_leave(x, e, outcome, reason, done, userdata);
        else
                done(userdata, why.error, why.text);
}

static void on_complete(void *userdata, uint64_t id, const char *taker, DoneFn done, void *done_userdata)
{
        leave(userdata, id, taker, INBOX_COMPLETED, NULL, done, done_userdata);
}

static void on_reject(void *userdata, uint64_t id, const char *taker, const char *reason, DoneFn done,
                      void *done_userdata)
{
        leave(userdata, id, taker, INBOX_REJECTED, reason, done, done_userdata);
}

static void on_extend(void *userdata, uint64_t id, const char *taker, usec_t usec, DoneFn done, void *done_userdata)
{
        InboxRefusal why = {};
        Inbox *x = userdata;
        InboxEntry *e;

        if (usec > INBOX_LOCK_MAX_USEC) {
                done(done_userdata, REQUEST_BAD_VALUE, TOO_LONG);
        } else if (!find_own(x, id, taker, &e, &why)) {
                done(done_userdata, why.error, why.text);
        } else {
                e->lock_until_usec = usec_add(clock_boot(x->clock), usec);
                inbox_look_again(x);
                done(done_userdata, REQUEST_OK, NULL);
        }
}

/* ---- takers leave ---- */

static bool on_has(void *userdata, const char *taker)
{
        const Inbox *x = userdata;

        for (size_t i = 0; i < x->index.n; i++)
                if (x->index.entries[i]->taker && strcmp(x->index.entries[i]->taker, taker) == 0)
                        return true;
        return false;
}

/* One about which a record is on its way to the disk: whatever becomes of that comes first. */
static void on_left(void *userdata, const char *taker)
{
        Inbox *x = userdata;
        bool any = false;

        for (size_t i = 0; !x->stopped && i < x->index.n; i++) {
                InboxEntry *e = x->index.entries[i];

                if (!e->taker || strcmp(e->taker, taker) != 0)
                        continue;
                any = true;
                if (e->busy)
                        e->left = true;
                else
                        inbox_offer(x, e);
        }
        if (any)
                inbox_changed(x);
}

InboxDesk inbox_desk(Inbox *x)
{
        return (InboxDesk){on_list, on_take, on_complete, on_reject, on_extend, on_has, on_left, x};
}
