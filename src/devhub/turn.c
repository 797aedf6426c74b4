/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/turn.h"

#include <errno.h>

#include "base/log.h"

#define EVENTS_MAX 512
#define AGE_USEC   (5 * USEC_PER_MSEC)

struct Turn {
        Store *store;
        const Clock *clock;
        EventLog *log;
        Limits *limits; /* whose meter is kept; or NULL */
        sd_event_source *source;
        bool hurries;
        void (*over)(void *userdata);
        void *userdata;
        void (*stored)(void *userdata);
        void *stored_userdata;
        void (*ended)(void *userdata, bool committed);
        void *ended_userdata;

        Link *links; /* with something in the transaction */
        unsigned n_events;
        usec_t began_usec;
        bool broken; /* something could not be written: nothing of this turn may be committed */

        bool failing; /* so was the last turn; said once */
};

static usec_t boot_now(void)
{
        return clock_boot(&clock_system);
}

/* ---- the end ---- */

static void set_failing(Turn *t, bool failing)
{
        if (failing && !t->failing)
                log_error("Events cannot be stored: %s. Their senders are cut off, to send them again.",
                          store_error(t->store));
        if (!failing && t->failing)
                log_notice("Events are stored again.");
        t->failing = failing;
}

static int write_meter(Turn *t)
{
        return t->limits ? meter_write(&t->limits->meter) : 0;
}

static void take_meter_back(Turn *t)
{
        if (t->limits && meter_take_back(&t->limits->meter) < 0)
                log_error("What was billed today cannot be read: %s", store_error(t->store));
}

static bool commit(Turn *t)
{
        if (!t->broken && write_meter(t) >= 0 && store_commit(t->store) >= 0) {
                if (t->links)
                        set_failing(t, false);
                return true;
        }
        set_failing(t, true);
        store_rollback(t->store);
        take_meter_back(t);
        t->broken = false;
        return false;
}

static int end_turn(Turn *t)
{
        Link *link = t->links;
        bool had_events = t->store->has_events, stored = commit(t);

        t->links = NULL;
        t->n_events = 0;
        while (link) {
                LinkNotes *notes = link_notes(link);
                Link *next = TAKE_PTR(notes->next_in_turn);

                notes->in_turn = false;
                if (stored)
                        link_stored(link);
                else
                        link_close(link, "its events could not be stored");
                link = next;
        }
        if (stored && had_events && t->stored)
                t->stored(t->stored_userdata);
        if (t->ended)
                t->ended(t->ended_userdata, stored);
        return stored ? 0 : -EIO;
}

void turn_on_stored(Turn *t, void (*stored)(void *userdata), void *userdata)
{
        t->stored = stored;
        t->stored_userdata = userdata;
}

void turn_on_end(Turn *t, void (*ended)(void *userdata, bool committed), void *userdata)
{
        t->ended = ended;
        t->ended_userdata = userdata;
}

void turn_spoil(Turn *t)
{
        if (!t->store->in_transaction)
                return;
        t->broken = true;
        turn_want_end(t);
}

int turn_commit(Turn *t)
{
        return end_turn(t);
}

static int on_end(sd_event_source *source, void *userdata)
{
        Turn *t = userdata;

        (void)end_turn(t);
        t->over(t->userdata);
        return 0;
}

/* Idle: when all links have been heard. In a hurry: before any is heard again. */
static void want_end(Turn *t, bool hurry)
{
        if (hurry != t->hurries) {
                t->hurries = hurry;
                (void)sd_event_source_set_priority(t->source,
                                                   hurry ? SD_EVENT_PRIORITY_IMPORTANT : SD_EVENT_PRIORITY_IDLE);
        }
        (void)sd_event_source_set_enabled(t->source, SD_EVENT_ONESHOT);
}

void turn_want_end(Turn *t)
{
        want_end(t, t->hurries);
}

static void on_billed(void *userdata)
{
        turn_want_end(userdata);
}

void turn_set_limits(Turn *t, Limits *limits)
{
        t->limits = limits;
        limits->billed = on_billed;
        limits->userdata = t;
}

/* ---- what comes ---- */

static void note(Turn *t, Link *link)
{
        LinkNotes *notes = link_notes(link);

        if (!t->links)
                t->began_usec = boot_now();
        if (!notes->in_turn) {
                notes->in_turn = true;
                notes->next_in_turn = t->links;
                t->links = link;
        }
        want_end(t, t->n_events >= EVENTS_MAX || boot_now() >= usec_add(t->began_usec, AGE_USEC));
}

static int broke(Turn *t, Link *link, int error)
{
        t->broken = true;
        set_failing(t, true);
        note(t, link);
        return error;
}

int turn_admit(Turn *t, Link *link)
{
        const Verdict *v = link_verdict(link);
        EventLink facts = {
                .device_id = v->device_id,
                .module_id = v->module_id,
                .generation_id = v->generation_id,
                .auth_method = v->auth_method,
                .model_id = v->model_id,
        };
        int r;

        r = t->broken ? -EIO : event_log_add_link(t->log, &facts, &link_notes(link)->id);
        if (r < 0)
                return broke(t, link, r);
        note(t, link);
        return 0;
}

static int append(Turn *t, Link *link, const SessionEvent *event)
{
        int r;

        r = t->broken ? -EIO
                      : event_log_append(t->log, link_notes(link)->id, clock_wall(t->clock), event->bag.data,
                                         event->bag.size, event->body.data, event->body.size);
        t->n_events += r >= 0;
        return r;
}

int turn_take(Turn *t, Link *link, const SessionEvent *event)
{
        int r = append(t, link, event);

        if (r < 0)
                return broke(t, link, r);
        note(t, link);
        return 0;
}

int turn_take_will(Turn *t, Link *link, const SessionEvent *will)
{
        /* after a turn that was undone its row may be another link's */
        int r = t->failing ? -EIO : append(t, link, will);

        turn_want_end(t);
        return r;
}

/* ---- life ---- */

int turn_new(Turn **ret, sd_event *event, Store *store, const Clock *clock, void (*over)(void *userdata),
             void *userdata)
{
        _cleanup_(turn_freep) Turn *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->store = store;
        t->clock = clock;
        t->over = over;
        t->userdata = userdata;
        r = event_log_open(&t->log, store);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &t->source, on_end, t);
        if (r < 0)
                return r;
        (void)sd_event_source_set_enabled(t->source, SD_EVENT_OFF);
        r = sd_event_source_set_priority(t->source, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(t);
        return 0;
}

Turn *turn_free(Turn *t)
{
        if (!t)
                return NULL;
        if (t->source)
                (void)end_turn(t);
        if (t->limits)
                t->limits->billed = NULL;
        sd_event_source_disable_unref(t->source);
        event_log_close(t->log);
        free(t);
        return NULL;
}
