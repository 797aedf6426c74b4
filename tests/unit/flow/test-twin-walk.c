/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whatever happens in whatever order: when it is quiet again, the last version is here, applied and acknowledged, and
 * the hub has what is reported.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log-capture.h"
#include "suite.h"
#include "twin-cloud.h"

#define SCHEDULES 2000
#define STEPS     80
#define POISON    "poison"

static unsigned draw(Cloud *c, unsigned n)
{
        return (unsigned)(c->dice.random.draw(c->dice.random.userdata) % n);
}

static void on_done(void *userdata, RequestError error, const char *detail)
{
        ++*(unsigned *)userdata;
}

typedef struct Walk {
        Cloud cloud;
        unsigned asked, answered;
        Document *ours; /* what was reported here, as it should be */
        bool push_lost;
        uint64_t restarts;
} Walk;

static void report(Walk *w, const char *name, const char *json)
{
        TwinDesk desk = twin_desk(w->cloud.twin);
        Document *patch, *section;
        const char *error;

        insist(document_parse(&patch, json, strlen(json), &error) == 0);
        section = (Document *)(uintptr_t)document_member(w->ours, name);
        if (document_member(patch, name) && !section)
                insist(document_put(w->ours, name, document_new()) == 0);
        insist(document_merge(w->ours, patch) == 0);
        document_free(patch);
        w->asked++;
        desk.report(desk.userdata, "", json, ":1.1", on_done, &w->answered);
}

/* Some of it the hub refuses. */
static void report_something(Walk *w)
{
        static const char *const values[] = {"7", "7", "null", "\"" POISON "\""};
        char name[2] = {(char)('p' + draw(&w->cloud, 3)), 0}, json[64];

        if (draw(&w->cloud, 5) == 0)
                (void)snprintf(json, sizeof(json), "{\"%s\":null}", name);
        else
                (void)snprintf(json, sizeof(json), "{\"%s\":{\"k%u\":%s}}", name, draw(&w->cloud, 3),
                               values[draw(&w->cloud, ARRAY_SIZE(values))]);
        report(w, name, json);
}

/* Nothing that is refused stays. */
static void report_good(Walk *w)
{
        for (char c = 'p'; c <= 'r'; c++) {
                char name[2] = {c, 0}, json[64];

                (void)snprintf(json, sizeof(json), "{\"%s\":{\"k0\":1,\"k1\":1,\"k2\":1}}", name);
                report(w, name, json);
        }
}

static void desire(Cloud *c)
{
        static const char *const words[] = {"\"good\"", "\"fine\"", "\"bad\"", "null", "3"};
        char json[64];

        if (draw(c, 8) == 0)
                (void)snprintf(json, sizeof(json), "{\"settings\":null}");
        else if (draw(c, 3) == 0)
                (void)snprintf(json, sizeof(json), "{\"other%u\":%s}", draw(c, 2), words[3 + draw(c, 2)]);
        else
                (void)snprintf(json, sizeof(json), "{\"settings\":{\"s%u\":%s}}", draw(c, 3), words[draw(c, 5)]);
        cloud_desire(c, json);
}

static void lose_push(Walk *w)
{
        free(w->cloud.pushes[--w->cloud.n_pushes].body);
        w->push_lost = true;
}

/* Without a network: what was acknowledged last is in effect, or what came after it. */
static void restart(Walk *w)
{
        Cloud *c = &w->cloud;
        Document *acknowledged = document_new(), *before = NULL;
        const Document *answers = document_member(c->reported, "settings");
        DocumentMember m = {};
        bool good = true;

        while (document_next(answers, &m))
                if (strcmp(m.name, "__t") != 0) {
                        uint64_t ac = 0;

                        good &= document_unsigned(document_member(m.value, "ac"), &ac) && ac == 200;
                        insist(document_put_copy(acknowledged, m.name, document_member(m.value, "value")) == 0);
                }
        if (c->applied)
                insist(document_copy(&before, c->applied) == 0);
        cloud_restart(c);
        /* the very last that was in effect, and the hub knows of it */
        if (good && document_count(answers) > 0 && document_equal(acknowledged, before))
                insist(document_equal(c->applied, before));
        w->restarts++;
        document_free(acknowledged);
        document_free(before);
}

static void step(Walk *w)
{
        static const int statuses[] = {403, 404, 408, 429, 500, 503};
        Cloud *c = &w->cloud;

        switch (draw(c, 26)) {
        case 0 ... 2:
                cloud_connect(c);
                break;
        case 3:
                cloud_disconnect(c);
                break;
        case 4 ... 6:
                desire(c);
                break;
        case 7:
                report_something(w);
                break;
        case 8 ... 11:
                (void)cloud_hear(c);
                break;
        case 12 ... 15:
                (void)cloud_answer(c);
                break;
        case 16 ... 18:
                (void)cloud_push(c);
                break;
        case 19:
                if (draw(c, 3) == 0)
                        (void)cloud_drop(c);
                else if (draw(c, 2))
                        c->next_status = statuses[draw(c, ARRAY_SIZE(statuses))];
                else if (c->n_pushes > 0 && draw(c, 2))
                        lose_push(w);
                break;
        case 20:
                fake_clock_advance(&c->clock, draw(c, 90) * USEC_PER_SEC);
                break;
        case 21:
                c->slow_disk = !c->slow_disk;
                break;
        case 22:
                cloud_stored(c);
                break;
        case 23:
                if (draw(c, 6) == 0)
                        cloud_recreate(c);
                break;
        case 24:
                c->disk_error = draw(c, 2) ? -EIO : 0;
                break;
        case 25:
                if (draw(c, 3) == 0)
                        restart(w);
                break;
        }
        if (draw(c, 2))
                cloud_tick(c);
}

static bool is_good(const Document *settings)
{
        DocumentMember m = {};

        while (document_next(settings, &m))
                if (document_kind(m.value) == DOCUMENT_TEXT && strcmp(document_text(m.value), "bad") == 0)
                        return false;
        return true;
}

/* Each has its answer, with a version that the settings were written to at or after. */
static void check_answers(const Cloud *c)
{
        const Document *settings = document_member(c->desired, "settings");
        const Document *answers = document_member(c->reported, "settings");
        unsigned ac = is_good(settings) ? 200 : 400;
        DocumentMember m = {};
        uint64_t v = 0;

        insist(document_count(answers) == (document_count(settings) ? document_count(settings) + 1 : 0));
        while (document_next(settings, &m)) {
                const Document *a = document_member(answers, m.name);

                insist(document_equal(document_member(a, "value"), m.value));
                insist(document_unsigned(document_member(a, "ac"), &v) && v == ac);
                insist(document_unsigned(document_member(a, "av"), &v) && v <= c->desired_version);
        }
}

static void check(Walk *w)
{
        Cloud *c = &w->cloud;
        const Document *settings = document_member(c->desired, "settings");
        TwinDesk desk = twin_desk(c->twin);
        TwinDesired d;
        TwinStatus s;
        char *text;
        Buffer b = BUFFER_NULL;
        DocumentMember m = {};

        twin_status(c->twin, &s);
        insist(s.known && s.desired_version == c->desired_version && s.pending_bytes == 0);
        desk.desired(desk.userdata, "settings", &d);
        document_write(settings, &b);
        text = buffer_steal(&b);
        insist(strcmp(d.json, document_has(c->desired, "settings") ? text : "{}") == 0);
        free(text);
        if (is_good(settings))
                insist(document_equal(c->applied, settings));
        check_answers(c);
        while (document_next(w->ours, &m))
                insist(document_equal(m.value, document_member(c->reported, m.name)));
        insist(document_count(c->reported) == document_count(w->ours) + 1 + document_has(c->reported, "settings"));
        insist(w->asked == w->answered);
}

START_TEST(the_last_word_is_heard)
{
        uint64_t gets = 0, patches = 0, stores = 0, versions = 0, restarts = 0;
        LogCapture log;

        log_capture_begin(&log);
        for (uint64_t seed = 1; seed <= SCHEDULES; seed++) {
                Walk w = {.ours = document_new()};

                cloud_init(&w.cloud, seed);
                w.cloud.poison = POISON;
                for (int i = 0; i < STEPS; i++)
                        step(&w);
                w.cloud.slow_disk = false;
                w.cloud.disk_error = 0;
                cloud_stored(&w.cloud);
                if (draw(&w.cloud, 2))
                        cloud_disconnect(&w.cloud);
                cloud_connect(&w.cloud);
                report_good(&w);
                if (w.push_lost) /* it shows with the next one */
                        cloud_desire(&w.cloud, "{\"end\":1}");
                cloud_run(&w.cloud, 20 * USEC_PER_MIN);
                check(&w);
                gets += w.cloud.gets;
                patches += w.cloud.patches;
                stores += w.cloud.stores;
                versions += w.cloud.desired_version;
                restarts += w.restarts;
                document_free(w.ours);
                cloud_done(&w.cloud);
        }
        log_capture_end(&log);
        printf("# %d schedules: %llu desired versions, %llu times asked for, %llu reports, %llu times stored, %llu restarts\n", SCHEDULES,
               (unsigned long long)versions, (unsigned long long)gets, (unsigned long long)patches,
               (unsigned long long)stores, (unsigned long long)restarts);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/twin-walk");

        tcase_add_test(suite_case(s, "any order of connections, answers, pushes, and losses"), the_last_word_is_heard);
        return suite_run(s);
}
