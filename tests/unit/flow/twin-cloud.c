/* SPDX-License-Identifier: Apache-2.0 */
#include "twin-cloud.h"

#include <stdio.h>
#include <string.h>

#include "hub/hub.h"
#include "model/document-limits.h"
#include "suite.h"

static char *text_of(const Document *d)
{
        Buffer b = BUFFER_NULL;

        document_write(d, &b);
        return buffer_steal(&b);
}

static Document *parse(const char *text)
{
        Document *d = NULL;
        const char *error;

        insist(document_parse_within(&d, text, strlen(text), SIZE_MAX, &error) == 0);
        return d;
}

/* ---- the twin's port ---- */

static int ask(Cloud *c, char *patch, uint64_t *ret)
{
        insist(c->n_up < CLOUD_ROOM);
        for (size_t i = 0; patch && i < c->n_up; i++)
                insist(!c->requests[i].patch); /* one in flight */
        *ret = ++c->n_requests;
        c->requests[c->n_up++] = (CloudRequest){*ret, patch};
        return 0;
}

static int on_get(void *userdata, uint64_t *ret)
{
        Cloud *c = userdata;

        return c->up ? ask(c, NULL, ret) : HUB_E_NOT_READY;
}

static int on_report(void *userdata, const char *json, size_t size, uint64_t *ret)
{
        Cloud *c = userdata;

        insist(strlen(json) == size);
        return c->up ? ask(c, strdup(json), ret) : HUB_E_NOT_READY;
}

static void on_store(void *userdata, const char *text, size_t size)
{
        Cloud *c = userdata;

        insist(!c->storing);
        c->stores++;
        if (c->disk_error == 0) {
                free(c->stored);
                c->stored = strndup(text, size);
        }
        c->storing = true;
        if (!c->slow_disk)
                cloud_stored(c);
}

void cloud_stored(Cloud *c)
{
        if (!c->storing)
                return;
        c->storing = false;
        twin_stored(c->twin, c->disk_error);
}

/* One that is "bad" is refused, and with it all. */
static int on_apply(void *userdata, const Document *settings, Document **ret)
{
        Document *answers = document_new();
        DocumentMember m = {};
        Cloud *c = userdata;
        bool good = true;

        c->applications++;
        while (document_next(settings, &m))
                good &= document_kind(m.value) != DOCUMENT_TEXT || strcmp(document_text(m.value), "bad") != 0;
        if (good) {
                if (!document_equal(c->applied, settings))
                        twin_keep_changed(c->twin);
                document_free(c->applied);
                insist(document_copy(&c->applied, settings) == 0);
        }
        m = (DocumentMember){};
        while (document_next(settings, &m)) {
                Document *a = document_new();

                (void)document_put(a, "ac", document_new_unsigned(good ? 200 : 400));
                (void)document_put(a, "ad", document_new_text(good ? "done" : "bad"));
                (void)document_put_copy(a, "value", m.value);
                (void)document_put(answers, m.name, a);
        }
        *ret = answers;
        return 0;
}

/* Some 100 bytes. */
static void put_sensor(Document *facts, size_t i)
{
        char name[32], text[128];

        (void)snprintf(name, sizeof(name), "s%04zu", i);
        (void)snprintf(text, sizeof(text), "%095zu", i);
        if (!document_has(facts, "sensors"))
                (void)document_put(facts, "sensors", document_new());
        (void)document_put((Document *)(uintptr_t)document_member(facts, "sensors"), name, document_new_text(text));
}

static int on_facts(void *userdata, bool with_statistics, Document **ret)
{
        Cloud *c = userdata;

        *ret = document_new();
        (void)document_put(*ret, "fact", document_new_unsigned(c->fact));
        for (size_t i = 0; i < c->sensors_size / 100; i++)
                put_sensor(*ret, i);
        if (with_statistics)
                (void)document_put(*ret, "statistics", document_new_unsigned(c->clock.boot_usec / USEC_PER_HOUR));
        return 0;
}

/* As the daemon keeps the settings that are in effect. */
static int on_keep(void *userdata, Document *state)
{
        Cloud *c = userdata;

        int r = c->applied ? document_put_copy(state, "applied", c->applied) : 0;

        return r < 0 || !c->keep ? r : c->keep(c->keep_userdata, state);
}

static void on_desired_changed(void *userdata, const char *section, const char *json, uint64_t version)
{
        Cloud *c = userdata;
        size_t n = strlen(c->told);

        (void)snprintf(c->told + n, sizeof(c->told) - n, "%s=%s@%llu;", section, json, (unsigned long long)version);
}

static void on_changed(void *userdata)
{
        Cloud *c = userdata;

        if (c->changed)
                c->changed(c->changed_userdata);
}

/* ---- life ---- */

static void make_twin(Cloud *c)
{
        const TwinPort port = {on_get, on_report, on_store, on_apply, on_facts, on_keep, c};
        const TwinSink sink = {on_desired_changed, on_changed, c};

        insist(twin_new(&c->twin, c->stored ?: "", c->stored ? strlen(c->stored) : 0, &c->clock.clock, &c->dice.random,
                        &port, &sink) == 0);
}

void cloud_init(Cloud *c, uint64_t seed)
{
        *c = (Cloud){.desired_version = 1, .reported_version = 1};
        fake_clock_init(&c->clock);
        fake_random_init(&c->dice, seed);
        c->desired = document_new();
        c->reported = document_new();
        make_twin(c);
}

static void forget(Cloud *c)
{
        for (size_t i = 0; i < c->n_up; i++)
                free(c->requests[i].patch);
        for (size_t i = 0; i < c->n_answers; i++)
                free(c->answers[i].body);
        for (size_t i = 0; i < c->n_pushes; i++)
                free(c->pushes[i].body);
        c->n_up = c->n_answers = c->n_pushes = 0;
}

/* NULL: none. */
static Document *stored_settings(const Cloud *c)
{
        Document *state = NULL, *settings = NULL;
        const char *error;

        if (document_parse(&state, c->stored, strlen(c->stored), &error) == 0 &&
            document_has(state, "applied"))
                insist(document_copy(&settings, document_member(state, "applied")) == 0);
        document_free(state);
        return settings;
}

void cloud_restart(Cloud *c)
{
        cloud_disconnect(c);
        c->storing = false; /* it reached the disk, and nobody heard */
        c->twin = twin_free(c->twin);
        c->applied = document_free(c->applied);
        if (c->stored)
                c->applied = stored_settings(c);
        make_twin(c);
}

void cloud_done(Cloud *c)
{
        twin_free(c->twin);
        forget(c);
        document_free(c->desired);
        document_free(c->reported);
        document_free(c->applied);
        free(c->stored);
}

/* ---- the hub ---- */

void cloud_connect(Cloud *c)
{
        if (c->up)
                return;
        c->up = true;
        twin_listening(c->twin);
}

void cloud_disconnect(Cloud *c)
{
        if (!c->up)
                return;
        c->up = false;
        forget(c);
        twin_lost(c->twin);
}

void cloud_desire(Cloud *c, const char *patch)
{
        Document *d = parse(patch);

        c->desired_version++;
        insist(document_merge(c->desired, d) == 0);
        (void)document_put(d, "$version", document_new_unsigned(c->desired_version));
        insist(c->n_pushes < CLOUD_ROOM);
        if (c->up)
                c->pushes[c->n_pushes++] = (CloudWord){0, 0, c->desired_version, text_of(d)};
        document_free(d);
}

void cloud_recreate(Cloud *c)
{
        cloud_disconnect(c);
        document_free(c->desired);
        document_free(c->reported);
        c->desired = document_new();
        c->reported = document_new();
        c->desired_version = c->reported_version = 1;
}

static char *whole_twin(const Cloud *c)
{
        Document *twin = document_new(), *desired, *reported;
        char *text;

        insist(document_copy(&desired, c->desired) == 0 && document_copy(&reported, c->reported) == 0);
        (void)document_put(desired, "$version", document_new_unsigned(c->desired_version));
        (void)document_put(reported, "$version", document_new_unsigned(c->reported_version));
        (void)document_put(twin, "desired", desired);
        (void)document_put(twin, "reported", reported);
        text = text_of(twin);
        document_free(twin);
        return text;
}

static bool has_room_for(const Cloud *c, const char *text)
{
        Document *after = NULL, *patch = parse(text);
        size_t size;

        insist(document_copy(&after, c->reported) == 0 && document_merge(after, patch) == 0);
        size = document_size(after);
        document_free(after);
        document_free(patch);
        return c->half_max == 0 || size <= c->half_max;
}

static CloudWord obey(Cloud *c, const CloudRequest *request)
{
        int status = c->next_status;
        Document *patch;

        c->next_status = 0;
        if (!request->patch)
                c->gets++;
        else
                c->patches++;
        c->acknowledgements += request->patch && strstr(request->patch, "\"settings\"");
        if (request->patch)
                c->largest_patch = MAX(c->largest_patch, strlen(request->patch));
        if (request->patch && c->poison && strstr(request->patch, c->poison))
                status = 400;
        if (request->patch && !has_room_for(c, request->patch))
                status = 400;
        if (status)
                return (CloudWord){request->number, status, 0, strdup("{\"errorCode\":400004}")};
        if (!request->patch)
                return (CloudWord){request->number, 200, 0, whole_twin(c)};
        patch = parse(request->patch);
        insist(document_merge(c->reported, patch) == 0);
        document_free(patch);
        return (CloudWord){request->number, 204, ++c->reported_version, strdup("")};
}

bool cloud_hear(Cloud *c)
{
        CloudRequest request = c->requests[0];

        if (c->n_up == 0)
                return false;
        memmove(c->requests, c->requests + 1, --c->n_up * sizeof(request));
        insist(c->n_answers < CLOUD_ROOM);
        c->answers[c->n_answers++] = obey(c, &request);
        free(request.patch);
        return true;
}

static bool shift(CloudWord *words, size_t *n, CloudWord *ret)
{
        if (*n == 0)
                return false;
        *ret = words[0];
        memmove(words, words + 1, --*n * sizeof(*words));
        return true;
}

bool cloud_answer(Cloud *c)
{
        CloudWord w;

        if (!shift(c->answers, &c->n_answers, &w))
                return false;
        twin_answered(c->twin, &(TwinAnswer){w.number, w.status, w.version, w.body, strlen(w.body)});
        free(w.body);
        return true;
}

bool cloud_drop(Cloud *c)
{
        CloudWord w;

        if (!shift(c->answers, &c->n_answers, &w))
                return false;
        free(w.body);
        return true;
}

bool cloud_push(Cloud *c)
{
        CloudWord w;

        if (!shift(c->pushes, &c->n_pushes, &w))
                return false;
        twin_pushed(c->twin, w.version, w.body, strlen(w.body));
        free(w.body);
        return true;
}

/* ---- time ---- */

static usec_t deadline(Cloud *c)
{
        Ticker t = twin_ticker(c->twin);

        return t.deadline(t.userdata);
}

void cloud_tick(Cloud *c)
{
        Ticker t = twin_ticker(c->twin);

        /* as the pulse does: a deadline that stays in the past is a loop that never sleeps */
        for (int i = 0; deadline(c) <= c->clock.boot_usec; i++) {
                insist(i < 10);
                t.tick(t.userdata, c->clock.boot_usec);
        }
}

void cloud_settle(Cloud *c)
{
        do
                cloud_tick(c);
        while (cloud_hear(c) || cloud_answer(c) || cloud_push(c));
}

void cloud_run(Cloud *c, usec_t usec)
{
        usec_t until = usec_add(c->clock.boot_usec, usec);

        cloud_settle(c);
        for (usec_t next = deadline(c); next <= until; next = deadline(c)) {
                fake_clock_advance(&c->clock, usec_sub(next, c->clock.boot_usec));
                cloud_settle(c);
        }
        fake_clock_advance(&c->clock, until - c->clock.boot_usec);
        cloud_settle(c);
}

const char *cloud_reported(Cloud *c, const char *section)
{
        static char text[4096];
        char *t;

        text[0] = 0;
        if (document_has(c->reported, section)) {
                t = text_of(document_member(c->reported, section));
                (void)snprintf(text, sizeof(text), "%s", t);
                free(t);
        }
        return text;
}

/* ---- local services ---- */

void cloud_verdict(void *userdata, RequestError error, const char *detail)
{
        CloudVerdict *v = userdata;

        v->n++;
        v->error = error;
        (void)snprintf(v->detail, sizeof(v->detail), "%s", detail ?: "");
}

CloudVerdict cloud_report_as(Cloud *c, const char *user, const char *section, const char *json)
{
        TwinDesk desk = twin_desk(c->twin);
        static CloudVerdict v; /* an answer may come later */

        v = (CloudVerdict){};
        desk.report(desk.userdata, section, json, user, cloud_verdict, &v);
        cloud_tick(c);
        return v;
}
