/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Settings that the cloud desires: all of them are taken over, or none, and each gets its answer.
 *
 * Of an interval that the method setInterval set since then the answer tells what is in effect.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/quantity.h"
#include "daemon/daemon-core.h"

#define AC_DONE    200
#define AC_REFUSED 400

/* ---- the answers ---- */

static bool is_about(const char *text, const char *key)
{
        size_t n = strlen(key);

        return strncmp(text, key, n) == 0 && (text[n] == '.' || text[n] == ':');
}

/* The first that is about this key. */
static const char *find_problem(const Problems *problems, const char *key)
{
        for (size_t i = 0; i < problems->n; i++)
                if (is_about(problem_words(problems->items[i].text), key))
                        return problem_words(problems->items[i].text);
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

/* "30s", 30, or 0.5 */
static bool is_time(const Document *value, usec_t usec)
{
        usec_t t;

        switch (document_kind(value)) {
        case DOCUMENT_TEXT:
                return quantity_parse_time(document_text(value), &t) == 0 && t == usec;
        case DOCUMENT_INTEGER:
                return (double)document_integer(value) == (double)usec / USEC_PER_SEC;
        case DOCUMENT_REAL:
                return llround(document_real(value) * USEC_PER_SEC) == (long long)usec;
        default:
                return false;
        }
}

/* 1: it was another. */
static int put_interval(Document *sensor, usec_t usec)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        int r;

        if (!document_has(sensor, "interval") || is_time(document_member(sensor, "interval"), usec))
                return 0;
        quantity_print_time(&text, usec);
        r = buffer_error(&text) ? -ENOMEM : document_put_new(sensor, "interval", document_new_text(text.data));
        return r < 0 ? r : 1;
}

/* The value of a group with the intervals that are in effect. 1: one of them is another. */
static int in_effect(const Settings *s, const char *key, const Document *value, Document **ret)
{
        bool is_other = false;
        int r = value ? document_copy(ret, value) : 0;

        for (size_t i = 0; r >= 0 && value && strcmp(key, "sensors") == 0 && i < s->n_sensors; i++) {
                const Document *sensor = document_member(*ret, s->sensors[i].name); /* of the copy */

                r = put_interval((Document *)(uintptr_t)sensor, s->sensors[i].interval_usec);
                is_other |= r > 0;
        }
        return r < 0 ? r : is_other;
}

/* A key that is refused is answered with the value that it had before, as far as the cloud ever set one that is in
 * effect. */
static int answer_key(const Daemon *d, const DocumentMember *m, const Problems *problems, const Document *before,
                      Document *answers)
{
        const Document *was = document_member(document_member(before, m->name), "value");
        _cleanup_(document_freep) Document *value = NULL;
        int r = in_effect(d->settings, m->name, problems->n > 0 ? was : m->value, &value);

        if (r < 0)
                return r;
        if (problems->n > 0)
                return put_answer(answers, m->name, AC_REFUSED,
                                  find_problem(problems, m->name) ?:
                                          find_problem(problems, TWIN_SETTINGS) ?:
                                                  "not taken over, since others beside it are refused",
                                  value);
        return put_answer(answers, m->name, AC_DONE,
                          r > 0 ? "in effect, but for what setInterval has set since" : "in effect", value);
}

static int answer_each(const Daemon *d, const Document *settings, const Problems *problems, const Document *before,
                       Document *answers)
{
        DocumentMember m = {};
        int r = 0;

        while (r >= 0 && document_next(settings, &m))
                if (strcmp(m.name, "__t") != 0)
                        r = answer_key(d, &m, problems, before, answers);
        return r;
}

/* What is no group has no keys: it is answered by its own name, beside what stays in effect. */
static int answer_whole(const Daemon *d, const Document *settings, const Problems *problems, const Document *before,
                        Document *answers)
{
        int r = answer_each(d, before, problems, before, answers);

        if (r < 0)
                return r;
        return answer_key(d, &(DocumentMember){.name = TWIN_SETTINGS, .value = settings}, problems, before, answers);
}

static bool is_group(const Document *settings)
{
        return !settings || document_kind(settings) == DOCUMENT_OBJECT;
}

static int answer_all(const Daemon *d, const Document *settings, const Problems *problems, const Document *before,
                      Document **ret)
{
        _cleanup_(document_freep) Document *answers = document_new();
        int r = !answers ? -ENOMEM :
                is_group(settings) ? answer_each(d, settings, problems, before, answers) :
                                     answer_whole(d, settings, problems, before, answers);

        if (r >= 0)
                *ret = TAKE_PTR(answers);
        return r;
}

/* ---- taken over ---- */

bool daemon_note_refusal(Daemon *d, const char *problem, bool others_stay)
{
        char *told;

        if (asprintf(&told, "%s: %s", others_stay ? "others stay" : "none", problem_words(problem)) < 0)
                told = NULL;
        if (told && d->desired_told && strcmp(d->desired_told, told) == 0) {
                free(told);
                return false;
        }
        free(d->desired_told);
        d->desired_told = told;
        return true;
}

/* Those that fitted last may do so no more, since the files are others now. */
static void tell_refused(Daemon *d, const Problems *problems, bool others_stay)
{
        const char *problem = problems->items[0].text;

        if (daemon_note_refusal(d, problem, others_stay))
                log_line(LOG_WARNING, LOG_ID_TWIN_SETTINGS_BAD, NULL, "Twin: the desired settings are refused, %s: %s",
                         others_stay ? "those in effect stay" : "and none of them is in effect",
                         problem_words(problem));
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
                log_line(LOG_NOTICE, LOG_ID_TWIN_APPLIED, NULL, "Twin: settings desired by the cloud are in effect: "
                                                                "%.400s",
                         b.size > 0 ? b.data : "none");
        buffer_done(&b);
}

/* What the cloud desires anew takes the place of what a method had set. */
static int yield(const Daemon *d, const char *desired, Buffer *text)
{
        Intervals intervals;
        int r = intervals_read(&intervals, d->overlay.intervals);

        if (r == 0)
                r = intervals_yield(&intervals, d->overlay.desired, desired);
        if (r >= 0) /* a wish that is no settings file is refused, and changes nothing */
                intervals_write(&intervals, text);
        intervals_done(&intervals);
        return r < 0 ? r : buffer_error(text);
}

static int change(Daemon *d, const char *desired, Problems *problems)
{
        _cleanup_(buffer_done) Buffer intervals = BUFFER_NULL;
        bool is_new = strcmp(desired, d->overlay.desired) != 0;
        int r = yield(d, desired, &intervals);

        if (r >= 0)
                r = daemon_change_overlay(d, desired, intervals.data ?: "", problems);
        if (r == 0 && is_new)
                tell_applied(desired);
        return r;
}

static int try_settings(Daemon *d, const Document *desired, Problems *problems)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_free_ char *why = NULL;
        int r = settings_cloud_write(desired, &text, &why);

        if (r == SETTINGS_E_BAD)
                problems_add(problems, (Place){OVERLAY_DESIRED, 0, 0}, "%s", why);
        return r == 0 ? change(d, text.data ?: "", problems) : r;
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
                bool others_stay = daemon_desired_counts(d);

                tell_refused(d, &problems, others_stay);
                before = others_stay ? answers_before(d) : NULL;
        } else {
                free(d->desired_told);
                d->desired_told = NULL;
        }
        if (r >= 0)
                r = answer_all(d, settings, &problems, before, ret_answers);
        problems_done(&problems);
        return r;
}
