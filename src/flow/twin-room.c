/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The room in the reported half, of which the hub takes 32 KiB.
 *
 * Local services have 28 KiB of it, and what the settings have the daemon report 2 KiB more at least. The daemon's
 * own two sections have the rest, and all that the others leave. They may grow after the others were told that their
 * reports are taken, so it is they that yield: first the list of sensors, then the values in the answers to settings,
 * the largest first. That a setting is in effect, or why not, goes up in any case.
 */

#include <string.h>

#include "flow/twin-core.h"

static size_t text_size(const Document *half)
{
        Buffer text = BUFFER_NULL;
        size_t size;

        document_write(half, &text);
        size = text.size;
        buffer_done(&text);
        return size;
}

/* What is not the daemon's own. */
static size_t size_of_others(const Document *half)
{
        size_t size = document_size(half);

        if (document_has(half, TWIN_SELF))
                size -= strlen(TWIN_SELF) + document_size(document_member(half, TWIN_SELF));
        if (document_has(half, TWIN_SETTINGS))
                size -= strlen(TWIN_SETTINGS) + document_size(document_member(half, TWIN_SETTINGS));
        return size;
}

/* Whoever makes it smaller is never in the wrong. The hub does not count control characters; the disk has each of
 * them in six. */
bool twin_has_room(const Document *after, const Document *before, const char *user, Buffer *why)
{
        size_t size = size_of_others(after), max = user ? TWIN_OTHERS_MAX : TWIN_ALL_OTHERS_MAX;

        if (size > max && size > size_of_others(before)) {
                buffer_printf(why, "%zu KiB of the 32 KiB of reported properties that the hub takes are for %s, and "
                                   "this would make %zu bytes",
                              max / 1024, user ? "local services" : "these", size);
                return false;
        }
        size = text_size(after);
        if (size > TWIN_WANTED_MAX && size > text_size(before)) {
                buffer_printf(why, "128 KiB of reported properties are kept, as JSON, and this would make %zu bytes",
                              size);
                return false;
        }
        return true;
}

/* ---- our own, shorter ---- */

static Document *inside(const Document *object, const char *name)
{
        return (Document *)(uintptr_t)document_member(object, name);
}

/* The answer with the largest value; NULL: none has any. */
static Document *find_longest(const Document *answers)
{
        DocumentMember m = {}, longest = {};
        size_t max = 0;

        while (document_next(answers, &m)) {
                size_t size = document_size(document_member(m.value, "value"));

                if (size > max) {
                        max = size;
                        longest = m;
                }
        }
        return (Document *)(uintptr_t)longest.value;
}

int twin_shorten(const Document *wanted, Document **ret)
{
        _cleanup_(document_freep) Document *half = NULL;
        Document *answer;
        int r;

        *ret = NULL;
        if (document_size(wanted) <= TWIN_HALF_MAX)
                return 0;
        r = document_copy(&half, wanted);
        if (r < 0)
                return r;
        if (document_has(inside(half, TWIN_SELF), "sensors"))
                document_remove(inside(half, TWIN_SELF), "sensors");
        while (document_size(half) > TWIN_HALF_MAX && (answer = find_longest(inside(half, TWIN_SETTINGS))))
                document_remove(answer, "value");
        *ret = TAKE_PTR(half);
        return 0;
}
