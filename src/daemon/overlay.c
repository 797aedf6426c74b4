/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/overlay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/settings-intervals.h"
#include "daemon/settings-read.h"
#include "flow/state-file.h"
#include "flow/twin.h"

#define MEMBER        "overlay" /* of the twin's text */
#define OLD_DESIRED   "twin.conf"
#define OLD_INTERVALS "intervals.conf"

void overlay_done(Overlay *o)
{
        free(o->desired);
        free(o->intervals);
        buffer_done(&o->text);
        *o = (Overlay){};
}

/* ---- a file ---- */

static int path_of(const char *state_dir, const char *file, char **ret)
{
        if (asprintf(ret, "%s/%s", state_dir, file) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

/* "" where there is none, or none is given. */
static int load_text(const char *state_dir, const char *file, Overlay *o, Buffer *text)
{
        _cleanup_free_ char *path = NULL;
        int r = path_of(state_dir, file, &path);

        if (r < 0)
                return r;
        r = state_file_load(path, TWIN_STATE_MAX, text);
        if (r < 0 && r != -ENOMEM) {
                o->unread = file;
                o->error = r;
                buffer_clear(text);
                r = 0;
        }
        if (r == 0 && text->size == 0)
                buffer_append(text, "", 0);
        return r < 0 ? r : buffer_error(text);
}

static int load_old(const char *state_dir, const char *file, Overlay *o, char **ret)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        int r = o->unread ? 0 : load_text(state_dir, file, o, &text);

        if (r < 0)
                return r;
        *ret = text.data ? buffer_steal(&text) : strdup("");
        return *ret ? 0 : -ENOMEM;
}

/* ---- the twin's text ---- */

static int take_text(const Document *overlay, const char *name, char **ret)
{
        *ret = strdup(document_text_member(overlay, name) ?: "");
        return *ret ? 0 : -ENOMEM;
}

/* NULL: it has none, or what it has is damaged. */
static int read_twin(const char *state_dir, Overlay *o, Document **ret)
{
        const char *error;
        int r = load_text(state_dir, OVERLAY_FILE, o, &o->text);

        if (r < 0 || o->text.size == 0)
                return r;
        r = document_parse_within(ret, o->text.data, o->text.size, TWIN_STATE_VALUES_MAX, &error);
        o->is_damaged = r == -EBADMSG || r == -E2BIG || (r >= 0 && document_kind(*ret) != DOCUMENT_OBJECT);
        return r == -EBADMSG || r == -E2BIG ? 0 : r;
}

static int load(const char *state_dir, Overlay *o)
{
        _cleanup_(document_freep) Document *state = NULL;
        const Document *overlay;
        int r = read_twin(state_dir, o, &state);

        if (r < 0)
                return r;
        overlay = document_member(state, MEMBER);
        o->is_kept = document_kind(overlay) == DOCUMENT_OBJECT;
        if (o->is_kept) {
                r = take_text(overlay, "desired", &o->desired);
                return r < 0 ? r : take_text(overlay, "intervals", &o->intervals);
        }
        r = load_old(state_dir, OLD_DESIRED, o, &o->desired);
        return r < 0 ? r : load_old(state_dir, OLD_INTERVALS, o, &o->intervals);
}

/* One that is no settings text is told, and begun anew. */
static int check_intervals(const char *state_dir, char *text)
{
        Intervals intervals = {};
        int r = intervals_read(&intervals, text);

        intervals_done(&intervals);
        if (r == SETTINGS_E_BAD) {
                log_line(LOG_WARNING, LOG_ID_STATE_NOT_READ, NULL,
                         "%s/" OVERLAY_INTERVALS " is no settings text: what setInterval set is lost.", state_dir);
                *text = 0;
        }
        return r < 0 ? r : 0;
}

int overlay_load(const char *state_dir, Overlay *ret)
{
        Overlay o = {};
        int r = load(state_dir, &o);

        if (r >= 0)
                r = check_intervals(state_dir, o.intervals);
        if (r < 0) {
                overlay_done(&o);
                return r;
        }
        o.is_old = !o.is_kept && (*o.desired || *o.intervals);
        *ret = o;
        return 0;
}

int overlay_keep(const Overlay *o, Document *state)
{
        _cleanup_(document_freep) Document *overlay = document_new();
        int r;

        if (!overlay)
                return -ENOMEM;
        if ((r = document_put_new(overlay, "desired", document_new_text(o->desired))) < 0 ||
            (r = document_put_new(overlay, "intervals", document_new_text(o->intervals))) < 0)
                return r;
        return document_put(state, MEMBER, TAKE_PTR(overlay));
}

void overlay_drop_old(const char *state_dir)
{
        static const char *const files[] = {OLD_DESIRED, OLD_INTERVALS};

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_free_ char *path = NULL;

                if (path_of(state_dir, files[i], &path) >= 0 && unlink(path) < 0 && errno != ENOENT)
                        log_warning("%s does not count any more, and cannot be removed (%s).", path, strerror(errno));
        }
}
