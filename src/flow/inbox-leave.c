/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What ends a message: somebody completes or rejects it, or its expiry comes. Where the cloud is to be told, that goes
 * first. Its end is in the audit.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/inbox-core.h"

struct InboxLeave {
        Inbox *x;
        InboxLeave *next;
        InboxEntry *entry; /* busy, so it stays */
        InboxOutcome outcome;
        char *reason;
        bool untold; /* the cloud was to be told, and is not */
        DoneFn done;
        void *userdata;
};

static void leave_free(InboxLeave *l)
{
        free(l->reason);
        free(l);
}

/* It stays: whoever has it may try again. */
static void stay(InboxLeave *l, RequestError error, const char *why)
{
        l->entry->busy = false;
        if (l->entry->left)
                inbox_offer(l->x, l->entry);
        if (l->done) {
                inbox_look_again(l->x);
                l->done(l->userdata, error, why);
        } else {
                inbox_look_later(l->x);
        }
        leave_free(l);
}

/* ---- it is over ---- */

void inbox_forget(Inbox *x, InboxEntry *e, Outcome outcome)
{
        uint64_t n = e->n, takings[INBOX_TAKINGS_MAX];
        size_t n_takings = e->n_takings;

        memcpy(takings, e->takings, sizeof(takings));
        inbox_index_remove(&x->index, e); /* first: what is settled of those in the index is a loss */
        inbox_settle(x, INBOX_MESSAGES, n, n, outcome);
        for (size_t i = 0; i < n_takings; i++)
                inbox_settle(x, INBOX_TAKEN, takings[i], takings[i], OUTCOME_ACKNOWLEDGED);
}

static void tell(Inbox *x, const InboxLeave *l)
{
        Throttle *told = l->outcome == INBOX_EXPIRED ? &x->told_expired : &x->told_rejected;
        const char *name = l->entry->message->message_id ?: "no message id";
        ThrottleOthers others;
        uint64_t held_back;

        if (l->outcome == INBOX_COMPLETED ||
            !throttle_admits(told, clock_boot(x->clock), INBOX_TELL_INTERVAL, &held_back))
                return;
        if (l->outcome == INBOX_EXPIRED)
                log_line(LOG_NOTICE, LOG_ID_INBOX_EXPIRED, NULL,
                         "Inbox: message %llu (%s) was not completed before it expired, and is gone%s.",
                         (unsigned long long)l->entry->id, name, throttle_others(&others, held_back));
        else
                log_line(LOG_NOTICE, LOG_ID_INBOX_REJECTED, NULL,
                         "Inbox: message %llu (%s) was rejected by %s: %.200s%s.", (unsigned long long)l->entry->id,
                         name, l->entry->who ?: "its taker",
                         l->reason && *l->reason ? l->reason : "no reason was given",
                         throttle_others(&others, held_back));
}

static void audit(Inbox *x, const InboxLeave *l)
{
        const InboxEntry *e = l->entry;
        int status = l->outcome == INBOX_COMPLETED  ? AUDIT_COMPLETED
                     : l->outcome == INBOX_REJECTED ? AUDIT_REJECTED
                                                    : AUDIT_EXPIRED;

        inbox_audit(x, e->id, e->message, e->received_usec, status == AUDIT_EXPIRED ? NULL : e->who, status, l->reason,
                    l->untold);
}

static void count(InboxStatus *s, InboxOutcome outcome)
{
        s->completed += outcome == INBOX_COMPLETED;
        s->rejected += outcome == INBOX_REJECTED;
        s->expired += outcome == INBOX_EXPIRED;
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        InboxLeave *l = userdata;
        Inbox *x = l->x;
        InboxDone done = {l->entry->id, l->outcome, l->entry->key, l->entry->doubt};

        if (error < 0) {
                stay(l, REQUEST_DISK_ERROR, "the disk of the inbox fails: see the journal of hublinkd");
                return;
        }
        if (inbox_memory_add(&x->memory, &done) < 0)
                log_warning("Inbox: the next delivery of message %llu would not be recognised: out of memory.",
                            (unsigned long long)done.id);
        inbox_memory_trim(&x->memory, INBOX_DONE_MAX);
        if (x->done_first == 0)
                x->done_first = n;
        x->done_last = n;
        count(&x->status, l->outcome);
        audit(x, l);
        tell(x, l);
        inbox_forget(x, l->entry, OUTCOME_ACKNOWLEDGED);
        inbox_room(x);
        inbox_look_again(x);
        if (l->done)
                l->done(l->userdata, REQUEST_OK, NULL);
        if (l->outcome == INBOX_EXPIRED && !x->stopped && x->sink.expired)
                x->sink.expired(x->sink.userdata, done.id);
        inbox_changed(x);
        leave_free(l);
}

/* False: not at present. */
static bool write_down(InboxLeave *l)
{
        Inbox *x = l->x;
        InboxDone done = {l->entry->id, l->outcome, l->entry->key, l->entry->doubt};
        RequestError error;
        const char *why;
        int r;

        buffer_clear(&x->record);
        inbox_done_record_encode(&done, 1, &x->record);
        r = inbox_append(x, INBOX_DONE, INBOX_FOR_END, &(QueueReceipt){on_receipt, l});
        if (r == 0)
                return true;
        if (r == QUEUE_E_BUSY) {
                inbox_retry_later(x);
                return false;
        }
        why = inbox_append_words(r, &error);
        stay(l, error, why);
        return true;
}

/* ---- one after another ---- */

void inbox_leaves_init(Inbox *x)
{
        x->last_leave = &x->first_leave;
}

static InboxLeave *pop(Inbox *x)
{
        InboxLeave *l = x->first_leave;

        x->first_leave = l->next;
        if (!x->first_leave)
                x->last_leave = &x->first_leave;
        l->next = NULL;
        return l;
}

static void push_back(Inbox *x, InboxLeave *l)
{
        l->next = x->first_leave;
        x->first_leave = l;
        if (!l->next)
                x->last_leave = &l->next;
}

/* Or behind those that wait. */
static void write_down_in_turn(InboxLeave *l)
{
        Inbox *x = l->x;

        if (!x->first_leave && write_down(l))
                return;
        *x->last_leave = l;
        x->last_leave = &l->next;
}

void inbox_leaves_step(Inbox *x)
{
        while (x->first_leave) {
                InboxLeave *l = pop(x);

                if (!write_down(l)) {
                        push_back(x, l);
                        return;
                }
        }
}

void inbox_leaves_end(Inbox *x)
{
        while (x->first_leave)
                stay(pop(x), REQUEST_BUSY, INBOX_STOPPING);
}

/* ---- the cloud is told ---- */

/* It is over in a little while, or whoever gave so long a reason may give a shorter one. A full queue may stay so for
 * days. */
static bool may_try_again(RequestError error)
{
        return error == REQUEST_BUSY || error == REQUEST_DISK_ERROR || error == REQUEST_TOO_LARGE;
}

static void on_reported(void *userdata, const SubmitAnswer *answer)
{
        InboxLeave *l = userdata;

        if (may_try_again(answer->error)) {
                stay(l, answer->error, answer->detail);
                return;
        }
        if (answer->error != REQUEST_OK) {
                l->untold = true;
                inbox_report_lost(l->x, l->entry->id, l->entry->message, l->outcome, answer->detail ?: "");
        }
        write_down_in_turn(l);
}

/* ---- in ---- */

void inbox_leave(Inbox *x, InboxEntry *e, InboxOutcome outcome, const char *reason, DoneFn done, void *userdata)
{
        _cleanup_(message_freep) Message *report = NULL;
        InboxLeave *l = calloc(1, sizeof(*l));

        if (l)
                *l = (InboxLeave){x, NULL, e, outcome, strdup(reason ?: ""), false, done, userdata};
        if (!l || !l->reason || (inbox_is_reported(x, e->message, outcome) &&
                                inbox_report_new(e->id, e->message, outcome, l->reason, &report) < 0)) {
                if (l)
                        leave_free(l);
                if (done)
                        done(userdata, REQUEST_BUSY, "out of memory");
                return;
        }
        e->busy = true;
        if (report)
                x->intake.submit_message(x->intake.userdata, report, NULL, on_reported, l);
        else
                write_down_in_turn(l);
}
