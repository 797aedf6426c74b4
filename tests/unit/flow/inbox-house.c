/* SPDX-License-Identifier: Apache-2.0 */
#include "inbox-house.h"

#include <stdio.h>
#include <string.h>

#include "fail-alloc.h"
#include "suite.h"

/* ---- the hub ---- */

static void tell(InboxHouse *h, uint64_t ticket, Told told)
{
        Told *place = &h->told[ticket % HOUSE_TICKETS];

        insist(*place == TOLD_NOTHING); /* once for each */
        *place = told;
        h->n_told++;
        h->told_at = h->disk->n_entries;
}

static void on_stored(void *userdata, uint64_t ticket)
{
        tell(userdata, ticket, TOLD_STORED);
}

static void on_failed(void *userdata, uint64_t ticket)
{
        tell(userdata, ticket, TOLD_FAILED);
}

static void on_want(void *userdata, bool wanted)
{
        InboxHouse *h = userdata;

        h->wanted = wanted;
        h->n_wants++;
}

/* ---- the bus ---- */

static void on_arrived(void *userdata, uint64_t id)
{
        InboxHouse *h = userdata;

        h->n_arrived++;
        h->last_arrived = id;
}

static void on_expired(void *userdata, uint64_t id)
{
        InboxHouse *h = userdata;

        h->n_expired++;
        h->last_expired = id;
}

/* ---- the way up ---- */

static void on_submit_message(void *userdata, const Message *m, const char *stream, SubmitAnswerFn answer,
                              void *answer_userdata)
{
        InboxHouse *h = userdata;

        insist(!stream);
        if (h->report_error == REQUEST_OK) {
                h->n_reports++;
                (void)snprintf(h->report, sizeof(h->report), "%.*s", (int)m->body.size, m->body.data);
                (void)snprintf(h->report_about, sizeof(h->report_about), "%s", m->correlation_id);
                (void)snprintf(h->report_outcome, sizeof(h->report_outcome), "%s", m->properties[0].value);
                (void)snprintf(h->report_id, sizeof(h->report_id), "%s",
                               m->n_properties > 1 ? m->properties[1].value : "");
        }
        answer(answer_userdata, &(SubmitAnswer){.error = h->report_error, .detail = "the queue is full"});
}

/* ---- life ---- */

void inbox_house_open(InboxHouse *h)
{
        QueueSettings queue = {.directory = (char *)"/queue", .commit_interval_usec = USEC_PER_SEC,
                               .max_bytes = 8 << 20};
        const InboxPeers peers = {
                .port = {on_stored, on_failed, on_want, h},
                .sink = {.arrived = on_arrived, .expired = on_expired, .userdata = h},
                .intake = {.submit_message = on_submit_message, .userdata = h},
                .audit = h->audit,
        };

        (void)disk_mkdir(&h->disk->disk, "/queue"); /* the queue's, and mostly there */
        ck_assert_int_eq(inbox_new(&h->inbox, &h->settings, &queue, &peers, &h->disk->disk, &h->clock.clock,
                                   &h->random.random), 0);
        h->desk = inbox_desk(h->inbox);
}

void inbox_house_close(InboxHouse *h)
{
        inbox_stop(h->inbox, 5 * USEC_PER_SEC);
        h->inbox = inbox_free(h->inbox);
}

void inbox_house_begin(InboxHouse *h)
{
        *h = (InboxHouse){.settings = {.max_messages = 1000, .max_bytes = 1 << 20}};
        fake_clock_init(&h->clock);
        h->clock.is_synchronised = true;
        fake_random_init(&h->random, 1);
        h->disk = fake_disk_new();
        h->audit = audit_new();
        inbox_house_open(h);
        inbox_house_run(h, USEC_PER_SEC);
}

void inbox_house_end(InboxHouse *h)
{
        if (h->inbox)
                inbox_house_close(h);
        h->disk = fake_disk_free(h->disk);
        h->audit = audit_free(h->audit);
}

void inbox_house_run(InboxHouse *h, usec_t usec)
{
        usec_t until = h->clock.boot_usec + usec;
        Ticker t = inbox_ticker(h->inbox);
        unsigned spins = 0;

        for (;;) {
                usec_t due;

                if (!h->disk->held)
                        disk_dispatch(&h->disk->disk);
                due = t.deadline(t.userdata);
                if (due > h->clock.boot_usec) {
                        if (due > until)
                                break;
                        fake_clock_advance(&h->clock, due - h->clock.boot_usec);
                        spins = 0;
                }
                if (spins++ == 50000)
                        ck_abort_msg("the inbox wants to be called for ever");
                t.tick(t.userdata, h->clock.boot_usec);
        }
        fake_clock_advance(&h->clock, until - h->clock.boot_usec);
}

/* ---- the hub delivers ---- */

uint64_t inbox_house_send(InboxHouse *h, const char *message_id, const char *body, usec_t expiry_usec)
{
        C2dMessage *m;

        fail_alloc_exempt();
        m = calloc(1, sizeof(*m));
        m->message_id = message_id ? strdup(message_id) : NULL;
        m->expiry_usec = expiry_usec;
        insist(c2d_message_add_property(m, "colour", "blue") == 0);
        buffer_append_string(&m->body, body);
        fail_alloc_resume();
        h->n_tickets++;
        h->told[h->n_tickets % HOUSE_TICKETS] = TOLD_NOTHING;
        inbox_message(h->inbox, h->n_tickets, m);
        (void)c2d_message_free(m);
        return h->n_tickets;
}

Told inbox_house_told(const InboxHouse *h, uint64_t ticket)
{
        return h->told[ticket % HOUSE_TICKETS];
}

Told inbox_house_deliver(InboxHouse *h, const char *message_id, const char *body)
{
        uint64_t ticket = inbox_house_send(h, message_id, body, 0);

        inbox_house_run(h, 2 * USEC_PER_SEC);
        return inbox_house_told(h, ticket);
}

/* ---- local services ---- */

static void on_took(void *userdata, const InboxAnswer *a)
{
        InboxGot *g = userdata;

        g->n_answers++;
        g->error = a->error;
        (void)snprintf(g->detail, sizeof(g->detail), "%s", a->detail ?: "");
        if (a->error != REQUEST_OK)
                return;
        g->id = a->item.id;
        g->times_taken = a->item.times_taken;
        g->received_usec = a->item.received_usec;
        g->lock_until_usec = a->item.lock_until_usec;
        insist(a->item.size == a->item.message->body.size);
        (void)snprintf(g->body, sizeof(g->body), "%.*s", (int)a->item.message->body.size, a->item.message->body.data);
        (void)snprintf(g->message_id, sizeof(g->message_id), "%s", a->item.message->message_id ?: "");
}

static void on_done(void *userdata, RequestError error, const char *detail)
{
        InboxGot *g = userdata;

        g->n_answers++;
        g->error = error;
        (void)snprintf(g->detail, sizeof(g->detail), "%s", detail ?: "");
}

void inbox_house_ask_take(InboxHouse *h, uint64_t id, const char *taker, InboxGot *ret)
{
        char who[64];

        (void)snprintf(who, sizeof(who), "bin (%s)", taker);
        h->desk.take(h->desk.userdata, id, taker, who, on_took, ret);
}

void inbox_house_ask_complete(InboxHouse *h, uint64_t id, const char *taker, InboxGot *ret)
{
        h->desk.complete(h->desk.userdata, id, taker, on_done, ret);
}

static void wait_for(InboxHouse *h, InboxGot *g)
{
        for (int i = 0; i < 40 && g->n_answers == 0; i++)
                inbox_house_run(h, 50 * USEC_PER_MSEC);
        insist(g->n_answers == 1);
        g->at = h->disk->n_entries;
}

InboxGot inbox_house_take(InboxHouse *h, uint64_t id, const char *taker)
{
        InboxGot g = {};

        inbox_house_ask_take(h, id, taker, &g);
        wait_for(h, &g);
        return g;
}

RequestError inbox_house_complete(InboxHouse *h, uint64_t id, const char *taker)
{
        InboxGot g = {};

        inbox_house_ask_complete(h, id, taker, &g);
        wait_for(h, &g);
        return g.error;
}

RequestError inbox_house_reject(InboxHouse *h, uint64_t id, const char *taker, const char *reason)
{
        InboxGot g = {};

        h->desk.reject(h->desk.userdata, id, taker, reason, on_done, &g);
        wait_for(h, &g);
        return g.error;
}

RequestError inbox_house_extend(InboxHouse *h, uint64_t id, const char *taker, usec_t usec)
{
        InboxGot g = {};

        h->desk.extend(h->desk.userdata, id, taker, usec, on_done, &g);
        insist(g.n_answers == 1);
        return g.error;
}

size_t inbox_house_list(const InboxHouse *h, const InboxItem **ret)
{
        size_t n = 0;

        insist(h->desk.list(h->desk.userdata, ret, &n) == REQUEST_OK);
        return n;
}

const InboxItem *inbox_house_find(const InboxHouse *h, const char *message_id)
{
        const InboxItem *items = NULL, *found = NULL;
        size_t n = inbox_house_list(h, &items);

        for (size_t i = 0; i < n; i++) {
                if (!items[i].message->message_id || strcmp(items[i].message->message_id, message_id) != 0)
                        continue;
                insist(!found);
                found = &items[i];
        }
        return found;
}

InboxStatus inbox_house_status(const InboxHouse *h)
{
        InboxStatus s;

        inbox_status(h->inbox, &s);
        return s;
}
