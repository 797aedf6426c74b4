/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/twin.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/twin-core.h"
#include "hub/hub.h"

#define BACKOFF_FIRST USEC_PER_SEC
#define BACKOFF_MAX   (5 * USEC_PER_MIN)
#define BACKOFF_FLOOR (500 * USEC_PER_MSEC)

#define FACTS_INTERVAL      USEC_PER_MIN  /* how soon a change of ours is looked at */
#define STATISTICS_INTERVAL USEC_PER_HOUR /* each report is billed */
#define TELL_INTERVAL       USEC_PER_HOUR

void twin_tell_changed(Twin *t)
{
        if (t->sink.changed)
                t->sink.changed(t->sink.userdata);
}

void twin_note_error(Twin *t, const char *fmt, ...)
{
        char *text;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        free(t->last_error);
        t->last_error = text;
        twin_tell_changed(t);
}

/* ---- the whole twin, asked for ---- */

void twin_want_get(Twin *t, usec_t now)
{
        t->resting = false;
        if (!t->get.asked)
                t->get.deadline_usec = MIN(t->get.deadline_usec, now);
}

void twin_try_later(Twin *t, TwinRequest *request, usec_t now)
{
        request->asked = false;
        request->deadline_usec = usec_add(now, backoff_next(&request->backoff, t->random));
}

static void get(Twin *t, usec_t now)
{
        int r = t->port.get(t->port.userdata, &t->get.number);

        t->resting = false;
        if (r == HUB_E_NOT_READY) {
                t->listening = false; /* it will be told anew */
        } else if (r != 0) {
                twin_try_later(t, &t->get, now);
        } else {
                t->get.asked = true;
                t->get.deadline_usec = usec_add(now, TWIN_ANSWER_TIMEOUT);
        }
}

static void on_get_failed(Twin *t, const char *why, usec_t now)
{
        uint64_t held_back;

        twin_note_error(t, "the hub does not give the twin: %s", why);
        if (throttle_admits(&t->told_failed, now, TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_TWIN_NOT_READ, NULL, "Twin: the hub does not give it (%s); asking again.",
                         why);
        twin_try_later(t, &t->get, now);
}

/* What was known of it stays. The hub tells when it changes, and that is the time to ask. */
static void tell_left_out(Twin *t, usec_t now)
{
        uint64_t held_back;

        if (document_count(t->left_out) > 0 &&
            throttle_admits(&t->told_left_out, now, TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_TWIN_NOT_READ, NULL,
                         "Twin: %s; what was known of it before stays, until there is less.", t->problem ?: "");
}

/* A half of the answer, out of it. */
static int take_half(Document *twin, const char *name, Document **ret, uint64_t *ret_version)
{
        const Document *half = document_member(twin, name);

        if (document_kind(half) != DOCUMENT_OBJECT ||
            !document_unsigned(document_member(half, "$version"), ret_version))
                return -EBADMSG;
        return document_copy(ret, half);
}

static int take_twin(Twin *t, const TwinAnswer *answer)
{
        _cleanup_(document_freep) Document *twin = NULL, *desired = NULL, *reported = NULL, *left_out = NULL;
        uint64_t desired_version, reported_version;
        int r;

        if ((r = twin_read_whole(answer->body, answer->body_size, &twin, &left_out)) < 0 ||
            (r = take_half(twin, "desired", &desired, &desired_version)) < 0 ||
            (r = take_half(twin, "reported", &reported, &reported_version)) < 0)
                return r;
        twin_take_reported(t, TAKE_PTR(reported), reported_version);
        return twin_take_desired(t, TAKE_PTR(desired), TAKE_PTR(left_out), desired_version);
}

static void on_got(Twin *t, const TwinAnswer *answer, usec_t now)
{
        char why[64];
        int r;

        t->get.asked = false;
        t->get.deadline_usec = USEC_INFINITY;
        if (answer->status != 200) {
                (void)snprintf(why, sizeof(why), "status %d", answer->status);
                on_get_failed(t, why, now);
                return;
        }
        r = take_twin(t, answer);
        if (r < 0) {
                on_get_failed(t, r == -EBADMSG ? "its answer is no twin" : strerror(-r), now);
                return;
        }
        backoff_reset(&t->get.backoff);
        t->got_usec = now;
        t->facts_dirty = true;
        t->facts_usec = t->statistics_usec = 0;
        if (t->seen_version > t->desired_version)
                twin_try_later(t, &t->get, now); /* a push crossed it */
        t->seen_version = 0;
        twin_renew_problem(t);
        tell_left_out(t, now);
        twin_tell_changed(t);
}

/* ---- the link ---- */

static bool is_awaited(const Twin *t)
{
        return t->get.asked || t->get.deadline_usec != USEC_INFINITY;
}

/* What the hub has is known only where nothing was under way, or still to be asked. */
static void part(Twin *t)
{
        bool known = t->hub_has_fresh && !t->patch.asked && (!is_awaited(t) || t->resting);

        twin_report_forget(t);
        t->hub_has_fresh = known;
        t->seen_version = 0;
        t->get.asked = t->resting = false;
        t->get.deadline_usec = USEC_INFINITY;
}

/* Nothing but the whole twin tells whether a change was missed. */
void twin_listening(Twin *t)
{
        usec_t now = clock_boot(t->clock), next = usec_add(t->got_usec, TWIN_GET_INTERVAL);

        part(t);
        t->listening = true;
        t->connections++;
        t->resting = t->hub_has_fresh && now < next;
        t->get.deadline_usec = t->resting ? next : 0;
        backoff_reset(&t->get.backoff);
        backoff_reset(&t->patch.backoff);
}

void twin_lost(Twin *t)
{
        t->listening = false;
        part(t);
}

/* What comes while the whole is asked for may be in the answer, or may have crossed it. */
void twin_pushed(Twin *t, uint64_t version, const char *body, size_t body_size)
{
        _cleanup_(document_freep) Document *patch = NULL;
        usec_t now = clock_boot(t->clock);
        const char *error;

        if (!t->listening)
                return;
        if (is_awaited(t) && !t->resting) {
                t->seen_version = MAX(t->seen_version, version);
                return;
        }
        if (version <= t->desired_version)
                return;
        if (version != t->desired_version + 1 || document_parse(&patch, body, body_size, &error) < 0 ||
            twin_merge_desired(t, patch, version) < 0)
                twin_want_get(t, now);
        else
                twin_tell_changed(t);
}

void twin_answered(Twin *t, const TwinAnswer *answer)
{
        usec_t now = clock_boot(t->clock);

        if (t->get.asked && answer->request == t->get.number)
                on_got(t, answer, now);
        else if (t->patch.asked && answer->request == t->patch.number)
                twin_report_answered(t, answer, now);
}

/* ---- what the daemon tells of itself ---- */

void twin_facts_changed(Twin *t)
{
        t->facts_dirty = true;
}

static int renew_facts(Twin *t, bool with_statistics)
{
        const Document *before = document_member(document_member(t->wanted, TWIN_SELF), "statistics");
        _cleanup_(document_freep) Document *facts = NULL;
        int r = t->port.facts(t->port.userdata, with_statistics, &facts);

        if (r < 0)
                return r;
        if (!with_statistics && before)
                r = document_put_copy(facts, "statistics", before);
        return r < 0 ? r : twin_want_section(t, TWIN_SELF, TAKE_PTR(facts), false);
}

static usec_t facts_deadline(const Twin *t)
{
        if (!t->listening || !t->hub_has_fresh)
                return USEC_INFINITY;
        return t->facts_dirty ? MIN(t->facts_usec, t->statistics_usec) : t->statistics_usec;
}

static void facts_step(Twin *t, usec_t now)
{
        if (now < facts_deadline(t))
                return;
        t->facts_dirty = false;
        if (renew_facts(t, now >= t->statistics_usec) < 0)
                log_error("Twin: what the gateway tells of itself is left out: out of memory.");
        t->facts_usec = usec_add(now, FACTS_INTERVAL);
        if (now >= t->statistics_usec)
                t->statistics_usec = usec_add(now, STATISTICS_INTERVAL);
}

/* ---- time ---- */

/* One request at a time: an answer that was made before a report, and comes after it, would take it back. */
static usec_t get_deadline(const Twin *t)
{
        return t->listening && !t->patch.asked ? t->get.deadline_usec : USEC_INFINITY;
}

static usec_t deadline(void *userdata)
{
        const Twin *t = userdata;
        usec_t due = MIN(twin_state_deadline(t), twin_report_deadline(t));

        return MIN(due, MIN(facts_deadline(t), get_deadline(t)));
}

static void tick(void *userdata, usec_t now)
{
        Twin *t = userdata;

        if (now >= get_deadline(t)) {
                if (t->get.asked)
                        on_get_failed(t, "no answer", now);
                else
                        get(t, now);
        }
        if (t->patch.asked && now >= t->patch.deadline_usec)
                twin_report_timeout(t, now);
        facts_step(t, now);
        twin_state_step(t, now);
        twin_report_step(t, now);
}

Ticker twin_ticker(Twin *t)
{
        return (Ticker){"twin", deadline, tick, t};
}

/* ---- life ---- */

static TwinRequest request(usec_t deadline_usec)
{
        return (TwinRequest){.deadline_usec = deadline_usec,
                             .backoff = {BACKOFF_FIRST, BACKOFF_MAX, BACKOFF_FLOOR, 0}};
}

int twin_new(Twin **ret, const char *state, size_t state_size, const Clock *clock, const Random *random,
             const TwinPort *port, const TwinSink *sink)
{
        _cleanup_(twin_freep) Twin *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->clock = clock;
        t->random = random;
        t->port = *port;
        t->sink = *sink;
        t->get = request(USEC_INFINITY);
        t->patch = request(0);
        t->urgent_allowance = (Allowance){TWIN_URGENT_BURST, TWIN_URGENT_INTERVAL, 0};
        t->store_allowance = (Allowance){TWIN_STORE_BURST, TWIN_STORE_INTERVAL, 0};
        t->desired = document_new();
        t->wanted = document_new();
        t->hub_has = document_new();
        t->owners = document_new();
        if (!t->desired || !t->wanted || !t->hub_has || !t->owners)
                return -ENOMEM;
        r = twin_state_read(t, state, state_size);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(t);
        return 0;
}

void twin_configure(Twin *t, const TwinSettings *settings)
{
        t->settings = settings;
}

void twin_stop(Twin *t)
{
        t->store_allowance = (Allowance){1, 0, 0};
        twin_state_step(t, clock_boot(t->clock));
}

Twin *twin_free(Twin *t)
{
        if (!t)
                return NULL;
        twin_state_end(t);
        document_free(t->desired);
        document_free(t->wanted);
        document_free(t->short_form);
        document_free(t->hub_has);
        document_free(t->in_flight);
        document_free(t->sent);
        document_free(t->given_up);
        document_free(t->owners);
        document_free(t->left_out);
        free(t->problem);
        buffer_done(&t->text);
        free(t->last_error);
        free(t);
        return NULL;
}
