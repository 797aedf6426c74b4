/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The reported half: what is wanted, what the hub has, and the difference, which goes out one patch at a time.
 *
 * The pace is one in 10 s, save for answers to what the service desired, and for the rest of what was too large for one
 * patch: of these some go at once, and then one each 2 s. A patch that the hub refuses for good is tried again section
 * by section; the section that is to blame is given up until it changes, until the hub has less than it had then, since
 * its one word may mean that there was no room, or until the hub is asked for the whole, as after each connection. What
 * is our own is made shorter before that, where there is no room for all of it.
 */

#include <errno.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/twin-core.h"
#include "hub/hub.h"
#include "model/document-limits.h"

#define TELL_INTERVAL USEC_PER_MIN

/* ---- what is wanted ---- */

static Document *inside(const Document *object, const char *name)
{
        return (Document *)(uintptr_t)document_member(object, name);
}

int twin_want_patch(Document *wanted, const Document *patch)
{
        DocumentMember m = {};
        int r = 0;

        while (r >= 0 && document_next(patch, &m)) {
                if (document_kind(m.value) != DOCUMENT_OBJECT) {
                        r = document_put_copy(wanted, m.name, m.value);
                        continue;
                }
                if (document_kind(document_member(wanted, m.name)) != DOCUMENT_OBJECT)
                        r = document_put_new(wanted, m.name, document_new());
                if (r >= 0)
                        r = document_merge(inside(wanted, m.name), m.value);
        }
        return r;
}

int twin_want_section(Twin *t, const char *section, Document *value, bool urgent)
{
        _cleanup_(document_freep) Document *owned = value;

        if (document_has(t->wanted, section) ? document_equal(document_member(t->wanted, section), value)
                                             : !value && !document_has(t->hub_has, section))
                return 0;
        if (strcmp(section, TWIN_SELF) != 0)
                twin_state_changed(t);
        if (urgent)
                t->urgent = true;
        return document_put(t->wanted, section, TAKE_PTR(owned));
}

/* What is to be deleted, and is not there. */
static void drop_tombstones(Twin *t)
{
        DocumentMember m = {};

        while (document_next(t->wanted, &m))
                if (!m.value && !document_has(t->hub_has, m.name)) {
                        document_remove(t->wanted, m.name);
                        m = (DocumentMember){}; /* the walk ends with the member it stood on */
                }
}

static bool is_own(const char *section)
{
        return strcmp(section, TWIN_SELF) == 0 || strcmp(section, TWIN_SETTINGS) == 0;
}

/* A section that only the hub knows: somebody reported it before our state began, and it is his still. */
static int adopt(Twin *t)
{
        DocumentMember m = {};
        int r = 0;

        while (r >= 0 && document_next(t->hub_has, &m)) {
                if (document_has(t->wanted, m.name))
                        continue;
                r = is_own(m.name) ? document_put(t->wanted, m.name, NULL)
                                   : document_put_copy(t->wanted, m.name, m.value);
                twin_state_changed(t);
        }
        return r;
}

/* What was refused has its chance again. */
static void give_chance(Twin *t)
{
        t->given_up = document_free(t->given_up);
        t->refused_at = 0;
}

void twin_take_reported(Twin *t, Document *half, uint64_t version)
{
        twin_strip(half);
        give_chance(t);
        document_free(t->hub_has);
        t->hub_has = half;
        t->hub_has_fresh = true;
        t->reported_version = version;
        if (adopt(t) < 0)
                log_error("Twin: not all that was reported before could be looked at: out of memory.");
        drop_tombstones(t);
}

/* ---- the difference ---- */

/* What goes up, in the end. */
static const Document *aim(const Twin *t)
{
        return t->short_form ?: t->wanted;
}

bool twin_is_given_up(const Twin *t, const char *section)
{
        return document_has(t->given_up, section) &&
               document_equal(document_member(t->given_up, section), document_member(aim(t), section));
}

/* What was refused is left out until it is something else. */
static void leave_out_given_up(const Twin *t, Document *patch)
{
        DocumentMember m = {};

        while (document_next(t->given_up, &m))
                if (twin_is_given_up(t, m.name))
                        document_remove(patch, m.name);
}

static int find_difference(Twin *t, Document **ret)
{
        _cleanup_(document_freep) Document *patch = NULL, *shorter = NULL;
        int r = twin_shorten(t->wanted, &shorter);

        if (r < 0)
                return r;
        document_free(t->short_form);
        t->short_form = TAKE_PTR(shorter);
        r = document_difference(t->hub_has, aim(t), &patch);
        if (r < 0)
                return r;
        if (patch)
                leave_out_given_up(t, patch);
        *ret = document_count(patch) > 0 ? TAKE_PTR(patch) : NULL;
        return 0;
}

static void count_pending(Twin *t, const Document *patch)
{
        Buffer b = BUFFER_NULL;

        if (patch)
                document_write(patch, &b);
        t->only_answers = document_count(patch) == 1 && document_has(patch, TWIN_SETTINGS);
        if (b.size != t->pending_bytes) {
                t->pending_bytes = b.size;
                twin_tell_changed(t);
        }
        buffer_done(&b);
        twin_renew_problem(t);
}

static void recount(Twin *t)
{
        _cleanup_(document_freep) Document *patch = NULL;

        if (find_difference(t, &patch) >= 0)
                count_pending(t, patch);
}

/* What makes room comes first, and then the answers to settings. */
static unsigned rank(const Twin *t, const DocumentMember *m)
{
        if (!m->value || (t->short_form && strcmp(m->name, TWIN_SELF) == 0))
                return 0;
        return strcmp(m->name, TWIN_SETTINGS) == 0 ? 1 : 2;
}

static int order(const Twin *t, Document **patch)
{
        _cleanup_(document_freep) Document *ordered = document_new();
        int r = ordered ? 0 : -ENOMEM;

        for (unsigned i = 0; i <= 2; i++) {
                DocumentMember m = {};

                while (r >= 0 && document_next(*patch, &m))
                        if (rank(t, &m) == i)
                                r = document_put_copy(ordered, m.name, m.value);
        }
        if (r < 0)
                return r;
        document_free(*patch);
        *patch = TAKE_PTR(ordered);
        return 0;
}

static int only_first(Document **patch)
{
        _cleanup_(document_freep) Document *first = document_new();
        DocumentMember m = {};
        int r = first && document_next(*patch, &m) ? document_put_copy(first, m.name, m.value) : -ENOMEM;

        if (r < 0)
                return r;
        document_free(*patch);
        *patch = TAKE_PTR(first);
        return 0;
}

/* ---- out ---- */

/* The section of a patch that has but one, as it is now: it may be another by the time of the answer. */
static void remember_sent(Twin *t)
{
        DocumentMember m = {};

        t->sent = document_free(t->sent);
        if (document_count(t->in_flight) != 1 || !document_next(t->in_flight, &m))
                return;
        t->sent = document_new();
        if (t->sent) /* else a refusal is heard once more */
                (void)document_put_copy(t->sent, m.name, document_member(aim(t), m.name));
}

static int send_portion(Twin *t, Document *portion, usec_t now)
{
        _cleanup_(document_freep) Document *owned = portion;
        Buffer b = BUFFER_NULL;
        int r;

        document_write(portion, &b);
        r = buffer_error(&b);
        if (r >= 0)
                r = t->port.report(t->port.userdata, b.data, b.size, &t->patch.number);
        buffer_done(&b);
        if (r != 0)
                return r;
        if (now < t->next_patch_usec)
                allowance_spend(&t->urgent_allowance, now);
        t->in_flight = TAKE_PTR(owned);
        remember_sent(t);
        t->patch.asked = true;
        t->patch.deadline_usec = usec_add(now, TWIN_ANSWER_TIMEOUT);
        t->next_patch_usec = usec_add(now, TWIN_REPORT_INTERVAL);
        return 0;
}

static int send_patch(Twin *t, Document **patch, usec_t now)
{
        Document *portion = NULL;
        bool rest = t->alone && document_count(*patch) > 1;
        int r = order(t, patch);

        if (r >= 0 && t->alone)
                r = only_first(patch);
        if (r >= 0)
                r = document_portion(*patch, TWIN_HALF_MAX, &portion);
        if (r < 0)
                return r;
        rest |= !document_equal(portion, *patch);
        r = send_portion(t, portion, now);
        if (r == 0)
                t->urgent = rest;
        return r;
}

/* What is urgent goes before the pace, as far as its allowance goes. */
static usec_t turn(const Twin *t)
{
        return t->urgent ? MIN(t->next_patch_usec, allowance_next(&t->urgent_allowance)) : t->next_patch_usec;
}

static bool may_send(const Twin *t, usec_t now)
{
        return t->listening && t->hub_has_fresh && !t->patch.asked && !t->get.asked && now >= t->patch.deadline_usec &&
               now >= turn(t) && twin_state_is_settled(t, now);
}

void twin_report_step(Twin *t, usec_t now)
{
        _cleanup_(document_freep) Document *patch = NULL;
        int r;

        r = find_difference(t, &patch);
        if (r >= 0)
                count_pending(t, patch);
        if (r >= 0 && !patch && t->hub_has_fresh && !t->patch.asked)
                t->urgent = t->alone = false;
        if (r >= 0 && patch && !twin_state_has_settings(t))
                document_remove(patch, TWIN_SETTINGS);
        if (r < 0 || document_count(patch) == 0 || !may_send(t, now))
                return;
        r = send_patch(t, &patch, now);
        if (r == HUB_E_NOT_READY)
                t->listening = false; /* it will be told anew */
        else if (r != 0)
                twin_try_later(t, &t->patch, now);
}

usec_t twin_report_deadline(const Twin *t)
{
        usec_t now = clock_boot(t->clock);

        if (!t->listening || !t->hub_has_fresh)
                return USEC_INFINITY;
        if (t->patch.asked)
                return t->patch.deadline_usec;
        if (t->pending_bytes == 0 || t->get.asked || (t->only_answers && !twin_state_has_settings(t)))
                return USEC_INFINITY;
        if (!twin_state_is_settled(t, now))
                return USEC_INFINITY; /* the disk has its own deadline */
        return MAX(t->patch.deadline_usec, turn(t));
}

/* ---- and back ---- */

void twin_report_forget(Twin *t)
{
        t->in_flight = document_free(t->in_flight);
        t->patch.asked = false;
        t->patch.deadline_usec = 0;
        t->hub_has_fresh = false;
}

static void on_taken(Twin *t, uint64_t version)
{
        if (document_merge(t->hub_has, t->in_flight) < 0)
                t->hub_has_fresh = false;
        if (document_size(t->hub_has) < t->refused_at)
                give_chance(t);
        if (version > 0)
                t->reported_version = version;
        t->last_reported_usec = clock_wall(t->clock);
        t->reports++;
        backoff_reset(&t->patch.backoff);
        drop_tombstones(t);
}

static int give_up(Twin *t, const char *section)
{
        if (!t->given_up)
                t->given_up = document_new();
        return t->given_up ? document_put_copy(t->given_up, section, document_member(t->sent, section)) : -ENOMEM;
}

/* What the hub says of the report itself. All else (a quota, a throttle, an identity that is being changed, an error of
 * its own) may be over the next time. */
static bool is_verdict(int status)
{
        return status == 400 || status == 413;
}

static void on_refused(Twin *t, const TwinAnswer *answer, usec_t now)
{
        DocumentMember m = {};
        ThrottleOthers others;
        uint64_t held_back;

        t->urgent = true;
        if (document_count(t->in_flight) != 1) {
                t->alone = true;
                return;
        }
        t->refused++;
        t->refused_at = document_size(t->hub_has);
        (void)document_next(t->in_flight, &m);
        twin_note_error(t, "the hub refuses the section %s with status %d", m.name, answer->status);
        if (throttle_admits(&t->told_refused, now, TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_TWIN_REFUSED, NULL,
                         "Twin: the hub refuses the reported section %s with status %d (%.200s); it is given up until "
                         "it changes, others shrink, or the hub is connected to anew%s.",
                         m.name, answer->status, answer->body, throttle_others(&others, held_back));
        if (give_up(t, m.name) < 0)
                twin_try_later(t, &t->patch, now);
}

void twin_report_answered(Twin *t, const TwinAnswer *answer, usec_t now)
{
        t->patch.asked = false;
        t->patch.deadline_usec = 0;
        if (answer->status >= 200 && answer->status < 300) {
                on_taken(t, answer->version);
        } else if (is_verdict(answer->status)) {
                on_refused(t, answer, now);
        } else {
                twin_note_error(t, "the hub puts a report off with status %d", answer->status);
                t->urgent = true; /* it waited long enough */
                twin_try_later(t, &t->patch, now);
        }
        t->in_flight = document_free(t->in_flight);
        recount(t);
        twin_tell_changed(t);
}

/* It may have been taken or not: only the hub knows. */
void twin_report_timeout(Twin *t, usec_t now)
{
        twin_report_forget(t);
        twin_note_error(t, "the hub did not answer a report");
        twin_want_get(t, now);
}
