/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What local services ask of the twin.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/twin-core.h"

/* ---- reading ---- */

/* The text is kept until the next question. */
static void give(Twin *t, const Document *half, const char *section, uint64_t version, TwinDesired *ret)
{
        const Document *value = *section ? document_member(half, section) : half;

        buffer_clear(&t->text);
        if (value)
                document_write(value, &t->text);
        *ret = buffer_error(&t->text) ? (TwinDesired){REQUEST_BUSY, "Out of memory.", "", 0}
                                   : (TwinDesired){REQUEST_OK, NULL, value ? t->text.data : "{}", version};
}

static void on_desired(void *userdata, const char *section, TwinDesired *ret)
{
        Twin *t = userdata;

        if (t->known)
                give(t, t->desired, section, t->desired_version, ret);
        else
                *ret = (TwinDesired){REQUEST_NOT_CONNECTED, "The hub has not been asked for the twin yet.", "", 0};
}

static void on_reported(void *userdata, const char *section, TwinDesired *ret)
{
        Twin *t = userdata;

        give(t, t->wanted, section, t->reported_version, ret);
}

/* ---- reporting ---- */

/* By its mark Plug and Play tells a component from a property. */
static int mark_component(Document *report)
{
        return document_has(report, "__t") ? 0 : document_put_new(report, "__t", document_new_text("c"));
}

/* The patch of the half that a report of one section is. Takes the report. */
static int patch_of(const char *section, Document *report, Document **ret)
{
        _cleanup_(document_freep) Document *patch = NULL;
        int r;

        if (!*section) {
                *ret = report;
                return 0;
        }
        patch = document_new();
        if (!patch || mark_component(report) < 0) {
                document_free(report);
                return -ENOMEM;
        }
        r = document_put(patch, section, report);
        if (r >= 0)
                *ret = TAKE_PTR(patch);
        return r;
}

static bool is_ours(const Document *patch, const char *user)
{
        return user && (document_has(patch, TWIN_SELF) || document_has(patch, TWIN_SETTINGS));
}

/* Plug and Play's answer to a desired property: the service waits for it. */
static bool is_answer(const Document *d)
{
        DocumentMember m = {};

        if (document_has(d, "ac") && document_has(d, "av"))
                return true;
        while (document_next(d, &m))
                if (is_answer(m.value))
                        return true;
        return false;
}

static int refuse_many(Buffer *why)
{
        buffer_append_string(why, "4,096 values are kept of reported properties, and this would make more");
        return -EBADMSG;
}

/* What the half would be; -EBADMSG with the words when the hub would not take that. */
static int try_patch(const Twin *t, const Document *patch, const char *user, Document **ret, Buffer *why)
{
        _cleanup_(document_freep) Document *after = NULL;
        int r;

        if (!document_is_within_limits(patch, why))
                return -EBADMSG;
        r = document_copy(&after, t->wanted);
        if (r >= 0)
                r = twin_want_patch(after, patch);
        if (r < 0)
                return r;
        if (document_values(after) > TWIN_VALUES_MAX && document_values(after) > document_values(t->wanted))
                return refuse_many(why);
        if (!twin_has_room(after, t->wanted, user, why))
                return -EBADMSG;
        *ret = TAKE_PTR(after);
        return 0;
}

/* The half, and whose its sections are, become what they are after a report. Takes them. */
static void take_over(Twin *t, Document *wanted, Document *owners)
{
        bool changes = !document_equal(wanted, t->wanted) || !document_equal(owners, t->owners);

        document_free(t->wanted);
        document_free(t->owners);
        t->wanted = wanted;
        t->owners = owners;
        if (changes)
                twin_state_changed(t);
}

/* Whoever may report may send anything: nothing of it is taken into memory before it is known to be small there. */
static int parse_report(const char *json, Document **ret, Buffer *why)
{
        size_t size = strlen(json);
        const char *error;
        int r;

        if (size > TWIN_REPORT_MAX) {
                buffer_append_string(why, TWIN_REPORT_TOO_LONG);
                return -EBADMSG;
        }
        r = document_parse_within(ret, json, size, TWIN_VALUES_MAX, &error);
        if (r == -E2BIG)
                return refuse_many(why);
        if (r == -EBADMSG)
                buffer_printf(why, "not a JSON object: %s", error);
        return r;
}

static int take_report(Twin *t, const char *section, const char *json, const char *user, Buffer *why)
{
        _cleanup_(document_freep) Document *patch = NULL, *after = NULL;
        Document *report = NULL, *owners;
        int r = parse_report(json, &report, why);

        if (r < 0 || (r = patch_of(section, report, &patch)) < 0)
                return r;
        if (is_ours(patch, user)) {
                buffer_append_string(why, "the sections " TWIN_SELF " and " TWIN_SETTINGS " are the daemon's own");
                return -EPERM;
        }
        if (!twin_may_report(t, patch, user, why))
                return -EPERM;
        if ((r = try_patch(t, patch, user, &after, why)) < 0 ||
            (r = twin_owners_after(t, patch, user, &owners)) < 0)
                return r;
        if (is_answer(patch))
                t->urgent = true;
        take_over(t, TAKE_PTR(after), owners);
        return 0;
}

static RequestError refusal(int error)
{
        return error == -EPERM ? REQUEST_NOT_OWNER : error == -EBADMSG ? REQUEST_BAD_VALUE : REQUEST_BUSY;
}

static void on_report(void *userdata, const char *section, const char *json, const char *user, DoneFn done,
                      void *done_userdata)
{
        Twin *t = userdata;
        Buffer why = BUFFER_NULL;
        int r = take_report(t, section, json, user, &why);

        if (r < 0)
                done(done_userdata, refusal(r), why.size > 0 && !buffer_error(&why) ? why.data : "Out of memory.");
        else if (t->stored == t->changes)
                done(done_userdata, REQUEST_OK, NULL);
        else if (twin_state_await(t, done, done_userdata) < 0)
                done(done_userdata, REQUEST_BUSY, "Out of memory.");
        buffer_done(&why);
}

static void on_owners(void *userdata, TwinOwnerFn each, void *each_userdata)
{
        twin_tell_owners(userdata, each, each_userdata);
}

TwinDesk twin_desk(Twin *t)
{
        return (TwinDesk){on_desired, on_reported, on_report, on_owners, t};
}

void twin_status(const Twin *t, TwinStatus *ret)
{
        *ret = (TwinStatus){
                .known = t->known,
                .desired_version = t->desired_version,
                .reported_version = t->reported_version,
                .last_desired_usec = t->last_desired_usec,
                .last_reported_usec = t->last_reported_usec,
                .connections = t->connections,
                .pending_bytes = t->pending_bytes,
                .reports = t->reports,
                .refused = t->refused,
                .last_error = t->last_error ?: "",
                .problem = t->problem ?: "",
        };
}
