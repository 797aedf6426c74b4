/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The desired half: taken over as a whole or by a patch, told by section, and its settings applied.
 *
 * An answer on the twin names the version that the whole half had. A service that sets the same value once more wants
 * to see it acknowledged once more: so each time that the settings may have been written to, all are answered anew.
 */

#include <errno.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/twin-core.h"

void twin_strip(Document *half)
{
        document_remove(half, "$version");
        document_remove(half, "$metadata");
}

/* ---- who is told ---- */

static void tell_section(Twin *t, const char *section)
{
        const Document *value = document_member(t->desired, section);
        Buffer b = BUFFER_NULL;

        if (!t->sink.desired_changed)
                return;
        if (document_has(t->desired, section))
                document_write(value, &b);
        else
                buffer_append_string(&b, "{}");
        if (!buffer_error(&b))
                t->sink.desired_changed(t->sink.userdata, section, b.data, t->desired_version);
        buffer_done(&b);
}

/* Every member of one that is not the same in the other. */
static void tell_sections(Twin *t, const Document *among, const Document *before)
{
        DocumentMember m = {};

        while (document_next(among, &m))
                if (document_has(before, m.name) != document_has(t->desired, m.name) ||
                    !document_equal(document_member(before, m.name), document_member(t->desired, m.name)))
                        tell_section(t, m.name);
}

static void tell_gone(Twin *t, const Document *before)
{
        DocumentMember m = {};

        while (document_next(before, &m))
                if (!document_has(t->desired, m.name))
                        tell_section(t, m.name);
}

/* ---- the settings ---- */

static int stamp(Document *answers, uint64_t version)
{
        DocumentMember m = {};
        int r = 0;

        while (r >= 0 && document_next(answers, &m))
                r = document_put_new((Document *)(uintptr_t)m.value, "av", document_new_unsigned(version));
        return r;
}

static int apply(Twin *t)
{
        _cleanup_(document_freep) Document *answers = NULL;
        int r = t->port.apply(t->port.userdata, document_member(t->desired, TWIN_SETTINGS), &answers);

        if (r < 0 || (r = stamp(answers, t->desired_version)) < 0)
                return r;
        if (document_count(answers) == 0)
                return twin_want_section(t, TWIN_SETTINGS, NULL, true);
        r = document_put_new(answers, "__t", document_new_text("c"));
        return r < 0 ? r : twin_want_section(t, TWIN_SETTINGS, TAKE_PTR(answers), true);
}

/* Of settings that are too much nothing is known that could be answered: what was in effect stays. */
static void obey(Twin *t)
{
        int r;

        if (document_has(t->left_out, TWIN_SETTINGS))
                return;
        r = apply(t);
        t->settings_change = t->changes; /* with what the others keep */
        if (r < 0)
                log_error("Twin: the desired settings could not be looked at: %s.", strerror(-r));
}

void twin_reapply(Twin *t)
{
        if (t->known)
                obey(t);
}

/* ---- taken over ---- */

static void note_version(Twin *t, uint64_t version)
{
        t->desired_version = version;
        t->known = true;
        t->last_desired_usec = clock_wall(t->clock);
        twin_state_changed(t);
}

/* What was known of a section that is left out stays, as far as there is room. */
static int keep_known(const Twin *t, const Document *left_out, Document *half)
{
        size_t n = document_values(half);
        DocumentMember m = {};
        int r = 0;

        while (r >= 0 && document_next(left_out, &m)) {
                const Document *known = document_member(t->desired, m.name);

                if (!known || n + document_values(known) > TWIN_VALUES_MAX)
                        continue;
                n += document_values(known);
                r = document_put_copy(half, m.name, known);
        }
        return r;
}

static void take(Twin *t, Document *half, uint64_t version)
{
        _cleanup_(document_freep) Document *before = t->desired;

        t->desired = half;
        if (!t->known || version != t->desired_version || !document_equal(before, half))
                note_version(t, version);
        obey(t);
        tell_sections(t, half, before);
        tell_gone(t, before);
}

int twin_take_desired(Twin *t, Document *half, Document *left_out, uint64_t version)
{
        int r;

        twin_strip(half);
        r = keep_known(t, left_out, half);
        if (r < 0) {
                document_free(half);
                document_free(left_out);
                return r;
        }
        document_free(t->left_out);
        t->left_out = left_out;
        take(t, half, version);
        return 0;
}

static bool touches_left_out(const Twin *t, const Document *patch)
{
        DocumentMember m = {};

        while (document_next(patch, &m))
                if (document_has(t->left_out, m.name))
                        return true;
        return false;
}

int twin_merge_desired(Twin *t, const Document *patch, uint64_t version)
{
        _cleanup_(document_freep) Document *after = NULL, *before = NULL;
        int r;

        if (touches_left_out(t, patch))
                return -ESTALE;
        r = document_copy(&after, t->desired);
        if (r >= 0)
                r = document_merge(after, patch);
        if (r < 0)
                return r;
        twin_strip(after);
        if (document_values(after) > TWIN_VALUES_MAX)
                return -E2BIG;
        before = t->desired;
        t->desired = TAKE_PTR(after);
        note_version(t, version);
        if (document_has(patch, TWIN_SETTINGS))
                obey(t);
        tell_sections(t, patch, before);
        return 0;
}
