/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What lies over the settings files: the cloud's wishes, and over them what methods set.
 *
 * Both also count when the files are read again, and after a restart: their texts go to the disk with the twin, and the
 * hub gets no answer to what is not there. The last that fitted stay in effect until others fit.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/daemon-core.h"
#include "daemon/trial.h"

/* ---- over the files ---- */

/* One line, however many do not fit, and none for what was told before: a wish may name each sensor, and the log's hour
 * is for others too. */
static void tell_misfit(Daemon *d, const Problems *problems)
{
        const char *problem = problems->n > 0 ? problems->items[0].text : NULL;
        char more[64] = "";

        if (problem && d->misfit_told && strcmp(d->misfit_told, problem) == 0)
                return;
        free(d->misfit_told);
        d->misfit_told = problem ? strdup(problem) : NULL;
        if (!problem)
                return;
        if (problems->n > 1)
                (void)snprintf(more, sizeof(more), " (%zu more: hublinkd --print-config)", problems->n - 1);
        log_line(LOG_WARNING, LOG_ID_TWIN_SETTINGS_BAD, NULL,
                 "%s (desired by the cloud): what the cloud set before is not in effect%s.", problem, more);
        (void)daemon_note_refusal(d, problem, false); /* when the hub names it again, that says no more */
}

int daemon_lay_over(Daemon *d, Settings **settings)
{
        Problems problems = {};
        int r = settings_cloud_take(settings, d->arguments.state_dir, &d->overlay, &problems);

        tell_misfit(d, &problems);
        problems_done(&problems);
        return r < 0 ? r : 0;
}

int daemon_load_overlay(Daemon *d)
{
        int r = overlay_load(d->arguments.state_dir, &d->overlay);

        if (r < 0)
                return r;
        if (d->overlay.is_kept)
                overlay_drop_old(d->arguments.state_dir);
        return daemon_lay_over(d, &d->settings);
}

int daemon_keep_overlay(void *userdata, Document *state)
{
        const Daemon *d = userdata;
        int r = overlay_keep(&d->overlay, state);

        return r < 0 ? r : pnp_keep(d->pnp, state);
}

/* ---- taken over ---- */

/* One of the two texts. Takes it; true: it is another. */
static bool keep_text(char **kept, char *text)
{
        bool is_new = strcmp(*kept, text) != 0;

        free(*kept);
        *kept = text;
        return is_new;
}

/* Texts and settings fit: from here on they count. Takes the settings. */
static int take_over(Daemon *d, const char *desired, const char *intervals, Settings *settings)
{
        _cleanup_free_ char *a = strdup(desired), *b = strdup(intervals);
        bool is_new;
        int r;

        if (!a || !b) {
                settings_free(settings);
                return -ENOMEM;
        }
        if (settings_equal(settings, d->settings) == 1)
                settings_free(settings);
        else if ((r = daemon_change_settings(d, settings)) < 0)
                return r;
        is_new = keep_text(&d->overlay.desired, TAKE_PTR(a));
        is_new |= keep_text(&d->overlay.intervals, TAKE_PTR(b));
        if (is_new)
                twin_keep_changed(d->twin);
        return 0;
}

/* kept: the desired text of which this one counts. */
static int change(Daemon *d, const char *desired, const char *kept, const char *intervals, Problems *problems)
{
        const Overlay overlay = {.desired = (char *)(uintptr_t)desired,
                                 .intervals = (char *)(uintptr_t)intervals};
        Settings *settings = NULL;
        int r;

        r = settings_cloud_overlay(&settings, d->settings, d->arguments.state_dir, &overlay, problems);
        if (r != 0)
                return r;
        r = trial_apply(&settings->hub); /* the environment still counts over the files */
        if (r < 0) {
                settings_free(settings);
                return r;
        }
        return take_over(d, kept, intervals, settings);
}

int daemon_change_overlay(Daemon *d, const char *desired, const char *intervals, Problems *problems)
{
        return change(d, desired, desired, intervals, problems);
}

/* The last that fitted may do so no longer: the files are others now. */
bool daemon_desired_counts(const Daemon *d)
{
        Problems problems = {};
        Settings *settings = NULL;
        int r = settings_cloud_overlay(&settings, d->settings, d->arguments.state_dir, &d->overlay, &problems);

        problems_done(&problems);
        if (r == 0)
                settings_free(settings);
        return r == 0;
}

int daemon_change_intervals(Daemon *d, const char *intervals, Problems *problems)
{
        const char *desired = d->overlay.desired;
        int r = change(d, desired, desired, intervals, problems);

        if (r != SETTINGS_E_BAD || daemon_desired_counts(d))
                return r;
        problems_done(problems); /* of what does not count: here neither, as when the files are read */
        return change(d, "", desired, intervals, problems);
}
