/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Settings that the cloud desires: all of them are taken over, or none, and each gets its answer.
 *
 * They lie over what the files say, also when those are read again, and after a restart; the text of them is on its way
 * to the disk before the answer is. The last that fitted stay in effect until others fit.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/daemon-core.h"
#include "daemon/settings-cloud.h"
#include "daemon/trial.h"

#define AC_DONE    200
#define AC_REFUSED 400

/* ---- over the files ---- */

int daemon_lay_desired_over(const Daemon *d, Settings **settings)
{
        Problems problems = {};
        int r = settings_cloud_take(settings, d->arguments.state_dir, d->desired ?: "", &problems);

        for (size_t i = 0; i < problems.n; i++)
                log_warning("%s (desired by the cloud): what the cloud set before is not in effect.",
                            problems.items[i].text);
        problems_done(&problems);
        return r < 0 ? r : 0;
}

int daemon_load_desired(Daemon *d)
{
        Buffer text = BUFFER_NULL;
        int r = settings_cloud_load(d->arguments.state_dir, &text);

        if (r < 0) {
                buffer_done(&text);
                return r;
        }
        d->desired = text.data ? buffer_steal(&text) : strdup("");
        return d->desired ? daemon_lay_desired_over(d, &d->settings) : -ENOMEM;
}

int daemon_build_desired(Daemon *d)
{
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/" SETTINGS_CLOUD_FILE, d->arguments.state_dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return state_file_new(&d->desired_file, path, d->disk, NULL, NULL);
}

/* ---- the answers ---- */

/* Without the place, which the cloud does not know. */
static const char *without_place(const char *text)
{
        const char *colon = strstr(text, ": ");

        return colon ? colon + 2 : text;
}

static bool is_about(const char *text, const char *key)
{
        size_t n = strlen(key);

        return strncmp(text, key, n) == 0 && (text[n] == '.' || text[n] == ':');
}

/* The first that is about this key. */
static const char *find_problem(const Problems *problems, const char *key)
{
        for (size_t i = 0; i < problems->n; i++)
                if (is_about(without_place(problems->items[i].text), key))
                        return without_place(problems->items[i].text);
        return NULL;
}

static int put_answer(Document *answers, const char *key, unsigned ac, const char *ad, const Document *value)
{
        _cleanup_(document_freep) Document *a = document_new();
        int r;

        if (!a)
                return -ENOMEM;
        if ((r = document_put_new(a, "ac", document_new_unsigned(ac))) < 0 ||
            (r = document_put_new(a, "ad", document_new_text(ad))) < 0 ||
            (r = value ? document_put_copy(a, "value", value)
                       : document_put_new(a, "value", document_new())) < 0)
                return r;
        return document_put(answers, key, TAKE_PTR(a));
}

/* A key that is refused is answered with the value that it had before, as far as the cloud ever set one. */
static int answer_key(const DocumentMember *m, const Problems *problems, const Document *before, Document *answers)
{
        const char *own = find_problem(problems, m->name);

        if (problems->n == 0)
                return put_answer(answers, m->name, AC_DONE, "in effect", m->value);
        return put_answer(answers, m->name, AC_REFUSED, own ?: "not taken over, since others beside it are refused",
                          document_member(document_member(before, m->name), "value"));
}

static int answer_all(const Document *settings, const Problems *problems, const Document *before, Document **ret)
{
        _cleanup_(document_freep) Document *answers = document_new();
        DocumentMember m = {};
        int r = answers ? 0 : -ENOMEM;

        while (r >= 0 && document_next(settings, &m))
                if (strcmp(m.name, "__t") != 0)
                        r = answer_key(&m, problems, before, answers);
        if (r >= 0)
                *ret = TAKE_PTR(answers);
        return r;
}

/* ---- taken over ---- */

/* Once for each reason, not at each connection. */
static void tell_refused(Daemon *d, const Problems *problems)
{
        const char *why = without_place(problems->items[0].text);

        if (d->desired_told && strcmp(d->desired_told, why) == 0)
                return;
        free(d->desired_told);
        d->desired_told = strdup(why);
        log_line(LOG_WARNING, LOG_ID_TWIN_SETTINGS_BAD, NULL,
                 "Twin: the desired settings are refused, those in effect stay: %s", why);
}

/* The text in one line. */
static void tell_applied(const char *text)
{
        Buffer b = BUFFER_NULL;

        for (const char *p = text; *p; p++)
                if (*p != '\n')
                        buffer_append_char(&b, *p);
                else if (p[1])
                        buffer_append_char(&b, ' ');
        if (!buffer_error(&b))
                log_line(LOG_NOTICE, LOG_ID_TWIN_APPLIED, NULL, "Twin: settings desired by the cloud are in effect: %.400s",
                         b.size > 0 ? b.data : "none");
        buffer_done(&b);
}

/* Text and settings fit: from here on they count. */
static int take_over(Daemon *d, const char *text, Settings *settings)
{
        bool same = strcmp(text, d->desired) == 0 && settings_equal(settings, d->settings) == 1;
        char *copy = strdup(text);
        int r;

        if (!copy || same) {
                settings_free(settings);
                free(copy);
                return same ? 0 : -ENOMEM;
        }
        r = daemon_change_settings(d, settings);
        if (r >= 0)
                r = state_file_store(d->desired_file, text, strlen(text));
        if (r < 0) {
                free(copy);
                return r;
        }
        free(d->desired);
        d->desired = copy;
        tell_applied(text);
        return 0;
}

static int try_settings(Daemon *d, const Document *desired, Problems *problems)
{
        _cleanup_free_ char *why = NULL;
        Settings *settings = NULL;
        Buffer text = BUFFER_NULL;
        int r = settings_cloud_write(desired, &text, &why);

        if (r == SETTINGS_E_BAD)
                problems_add(problems, (Place){SETTINGS_CLOUD_FILE, 0, 0}, "%s", why);
        if (r == 0)
                r = settings_cloud_overlay(&settings, d->settings, d->arguments.state_dir, text.data ?: "", problems);
        if (r == 0) {
                r = trial_apply(&settings->hub); /* the environment still counts over the files */
                if (r < 0)
                        settings_free(settings);
        }
        if (r == 0)
                r = take_over(d, text.data ?: "", settings);
        buffer_done(&text);
        return r;
}

static Document *answers_before(Daemon *d)
{
        TwinDesk desk = twin_desk(d->twin);
        Document *before = NULL;
        const char *error;
        TwinDesired half;

        desk.reported(desk.userdata, TWIN_SETTINGS, &half);
        return half.error == REQUEST_OK && document_parse(&before, half.json, strlen(half.json), &error) == 0 ? before
                                                                                                              : NULL;
}

int daemon_apply_desired(void *userdata, const Document *settings, Document **ret_answers)
{
        _cleanup_(document_freep) Document *before = NULL;
        Problems problems = {};
        Daemon *d = userdata;
        int r = try_settings(d, settings, &problems);

        if (r == SETTINGS_E_BAD) {
                tell_refused(d, &problems);
                before = answers_before(d);
        } else {
                free(d->desired_told);
                d->desired_told = NULL;
        }
        if (r >= 0)
                r = answer_all(settings, &problems, before, ret_answers);
        problems_done(&problems);
        return r;
}
