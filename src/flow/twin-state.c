/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Both halves on the disk: one text, written anew as a whole.
 *
 * What the daemon tells of itself is not in it: it is made anew at each start. Nothing is sent to the hub that is not
 * stored, so that no answer given is forgotten. A disk that fails or stalls delays it only so long, save for the
 * answers to settings: those have to be in effect after a power cut as well.
 */

#include <errno.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/twin-core.h"

#define RETRY_INTERVAL (10 * USEC_PER_SEC)
#define TELL_INTERVAL  USEC_PER_HOUR

/* ---- the text ---- */

static int put_desired(const Twin *t, Document *state)
{
        int r;

        if ((r = document_put_copy(state, "desired", t->desired)) < 0 ||
            (r = document_put_new(state, "desiredVersion", document_new_unsigned(t->desired_version))) < 0)
                return r;
        return document_put_new(state, "desiredTime", document_new_unsigned(t->last_desired_usec));
}

static int put_halves(const Twin *t, bool with_desired, Document *state)
{
        int r = with_desired ? put_desired(t, state) : 0;

        if (r < 0)
                return r;
        if ((r = document_put_copy(state, "reported", t->wanted)) < 0 ||
            (r = document_put_copy(state, "owners", t->owners)) < 0)
                return r;
        return t->port.keep ? t->port.keep(t->port.userdata, state) : 0;
}

static int write_state(const Twin *t, bool with_desired, Buffer *b)
{
        _cleanup_(document_freep) Document *state = document_new();
        int r;

        if (!state)
                return -ENOMEM;
        r = put_halves(t, with_desired, state);
        if (r < 0)
                return r;
        document_remove((Document *)(uintptr_t)document_member(state, "reported"), TWIN_SELF);
        document_write(state, b);
        return buffer_error(b);
}

/* No longer than what is read at the next start. A desired half that makes it so (the hub does not count control
 * characters) is not kept: the hub has it. */
static int write_bounded(const Twin *t, Buffer *b)
{
        int r = write_state(t, true, b);

        if (r >= 0 && b->size > TWIN_STATE_MAX) {
                buffer_clear(b);
                r = write_state(t, false, b);
        }
        return r >= 0 && b->size > TWIN_STATE_MAX ? -EFBIG : r;
}

static int take_object(const Document *state, const char *name, Document **half)
{
        Document *copy;
        int r;

        if (document_kind(document_member(state, name)) != DOCUMENT_OBJECT)
                return 0;
        r = document_copy(&copy, document_member(state, name));
        if (r < 0)
                return r;
        document_free(*half);
        *half = copy;
        return 0;
}

static int begin_desired_anew(Twin *t)
{
        Document *empty = document_new();

        if (!empty)
                return -ENOMEM;
        document_free(t->desired);
        t->desired = empty;
        twin_state_changed(t);
        return 0;
}

int twin_state_read(Twin *t, const char *text, size_t size)
{
        _cleanup_(document_freep) Document *state = NULL;
        const char *error;
        int r;

        if (size == 0)
                return 0;
        r = document_parse_within(&state, text, size, TWIN_STATE_VALUES_MAX, &error);
        if (r == -EBADMSG || r == -E2BIG) {
                log_line(LOG_WARNING, LOG_ID_STATE_NOT_READ, NULL,
                         "Twin: what was stored of it cannot be read (%s); it begins anew.", error);
                return 0;
        }
        if (r < 0 || (r = take_object(state, "desired", &t->desired)) < 0 ||
            (r = take_object(state, "reported", &t->wanted)) < 0 ||
            (r = take_object(state, "owners", &t->owners)) < 0)
                return r;
        /* an earlier version took any number; the hub has them */
        if (document_values(t->desired) > TWIN_VALUES_MAX)
                return begin_desired_anew(t);
        t->known = document_unsigned(document_member(state, "desiredVersion"), &t->desired_version) &&
                   t->desired_version > 0;
        (void)document_unsigned(document_member(state, "desiredTime"), &t->last_desired_usec);
        return 0;
}

/* ---- who waits ---- */

int twin_state_await(Twin *t, DoneFn done, void *done_userdata)
{
        TwinWaiter *waiters = reallocarray(t->waiters, t->n_waiters + 1, sizeof(*waiters));

        if (!waiters)
                return -ENOMEM;
        t->waiters = waiters;
        t->waiters[t->n_waiters++] = (TwinWaiter){t->changes, done, done_userdata};
        return 0;
}

int twin_await_disk(Twin *t, DoneFn done, void *done_userdata)
{
        if (t->stored < t->changes)
                return twin_state_await(t, done, done_userdata);
        done(done_userdata, REQUEST_OK, NULL);
        return 0;
}

/* Out of the row first: whoever is answered may ask again. */
static void answer(Twin *t, uint64_t up_to, RequestError error, const char *detail)
{
        while (t->n_waiters > 0 && t->waiters[0].change <= up_to) {
                TwinWaiter w = t->waiters[0];

                memmove(t->waiters, t->waiters + 1, --t->n_waiters * sizeof(*t->waiters));
                w.done(w.userdata, error, detail);
        }
}

/* ---- storing ---- */

void twin_state_changed(Twin *t)
{
        t->changes++;
}

void twin_keep_changed(Twin *t)
{
        twin_state_changed(t);
}

bool twin_state_has_settings(const Twin *t)
{
        return t->stored >= t->settings_change;
}

bool twin_state_is_settled(const Twin *t, usec_t now)
{
        return t->stored == t->changes || t->disk_fails ||
               (t->storing && now >= usec_add(t->storing_since_usec, TWIN_DISK_PATIENCE));
}

static void begin(Twin *t, usec_t now)
{
        Buffer b = BUFFER_NULL;
        int r;

        allowance_spend(&t->store_allowance, now);
        t->storing = t->changes;
        t->storing_since_usec = now;
        t->store_again_usec = 0;
        r = write_bounded(t, &b);
        if (r < 0)
                twin_stored(t, r);
        else
                t->port.store(t->port.userdata, b.data, b.size);
        buffer_done(&b);
}

/* Some changes are stored at once; whoever goes on changing shares his writings with the others who wait. */
static usec_t next_store(const Twin *t)
{
        return MAX(t->store_again_usec, allowance_next(&t->store_allowance));
}

void twin_state_step(Twin *t, usec_t now)
{
        if (t->storing) {
                if (now >= usec_add(t->storing_since_usec, TWIN_DISK_PATIENCE))
                        answer(t, t->changes, REQUEST_DISK_ERROR,
                               "The disk does not answer: it is kept in memory only.");
                return;
        }
        if (t->stored < t->changes && now >= next_store(t))
                begin(t, now);
}

usec_t twin_state_deadline(const Twin *t)
{
        if (t->storing) {
                usec_t patience = usec_add(t->storing_since_usec, TWIN_DISK_PATIENCE);

                return clock_boot(t->clock) < patience || t->n_waiters > 0 ? patience : USEC_INFINITY;
        }
        return t->stored < t->changes ? next_store(t) : USEC_INFINITY;
}

static void tell_failure(Twin *t, int error)
{
        uint64_t held_back;

        twin_note_error(t, "it cannot be stored: %s", strerror(-error));
        if (throttle_admits(&t->told_failed, clock_boot(t->clock), TELL_INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_TWIN_NOT_STORED, NULL,
                         "Twin: it cannot be stored (%s); it is kept in memory, and tried again.", strerror(-error));
}

void twin_stored(Twin *t, int error)
{
        bool disk_failed = t->disk_fails;
        uint64_t change = t->storing;

        t->storing = 0;
        t->disk_fails = error < 0;
        if (error < 0) {
                t->store_again_usec = usec_add(clock_boot(t->clock), RETRY_INTERVAL);
                tell_failure(t, error);
                answer(t, change, REQUEST_DISK_ERROR, strerror(-error));
        } else {
                t->stored = change;
                t->urgent |= disk_failed; /* it waited long enough */
                answer(t, change, REQUEST_OK, NULL);
        }
}

void twin_state_end(Twin *t)
{
        answer(t, UINT64_MAX, REQUEST_DISK_ERROR, "hublinkd stops before it is on the disk.");
        free(t->waiters);
        t->waiters = NULL;
}
