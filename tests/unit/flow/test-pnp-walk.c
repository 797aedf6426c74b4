/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Wishes of all kinds in whatever order, with links, answers and runs of the daemon that end in between: when it is quiet
 * again, the hub has an answer to the last wish of each property, and what the answer says is in effect was.
 */

#include "flow/pnp.h"

#include <stdio.h>
#include <string.h>

#include "log-capture.h"
#include "suite.h"
#include "twin-cloud.h"

#define SCHEDULES 1500
#define STEPS     80

#define N_WRITABLES 3

static char initial_speed[] = "3", initial_on[] = "true";

static const WritableSettings writables[N_WRITABLES] = {
        {.name = "target", .type = WRITABLE_DOUBLE, .range = {true, 5, 90}},
        {.name = "fan", .property = "speed", .component = "fan", .type = WRITABLE_INTEGER, .initial = initial_speed},
        {.name = "on", .type = WRITABLE_BOOLEAN, .initial = initial_on},
};

/* As a service writes it, the value of it, and which of them would take it. */
static const struct {
        const char *wish, *value;
        bool fits[N_WRITABLES];
} wishes[] = {
        {"21.5", "21.5", {true, false, false}},       {"{\"value\":21.5}", "21.5", {true, false, false}},
        {"7", "7", {true, true, false}},              {"{\"value\":7}", "7", {true, true, false}},
        {"91", "91", {false, true, false}},           {"\"warm\"", "\"warm\"", {false, false, false}},
        {"true", "true", {false, false, true}},       {"false", "false", {false, false, true}},
        {"{\"v\":1}", "{\"v\":1}", {false, false, false}}, {"null", NULL, {false, false, false}},
};

typedef struct Walk {
        Cloud cloud;
        Pnp *pnp;
        int wished[N_WRITABLES]; /* which of the wishes was the last; -1: none */
        char *effect[N_WRITABLES]; /* by its answers; NULL: nothing is */
} Walk;

static unsigned draw(Walk *w, unsigned n)
{
        return (unsigned)(w->cloud.dice.random.draw(w->cloud.dice.random.userdata) % n);
}

static const char *section_of(size_t i)
{
        return *writables[i].component ? writables[i].component : pnp_property(&writables[i]);
}

static const Document *property_of(const Document *half, size_t i)
{
        const Document *section = document_member(half, section_of(i));

        return *writables[i].component ? document_member(section, pnp_property(&writables[i])) : section;
}

static char *text_of(const Document *d)
{
        Buffer b = BUFFER_NULL;

        document_write(d, &b);
        return buffer_steal(&b);
}

static bool is_text(const Document *d, const char *json)
{
        char *text = text_of(d);
        bool same = strcmp(text, json) == 0;

        free(text);
        return same;
}

static unsigned ac_of(const Document *answer)
{
        uint64_t ac = 0;

        (void)document_unsigned(document_member(answer, "ac"), &ac);
        return (unsigned)ac;
}

/* ---- between Plug and Play and the twin ---- */

static size_t find(const Document *report, const char *section)
{
        for (size_t i = 0; i < N_WRITABLES; i++)
                if (*section ? strcmp(section, writables[i].component) == 0 : document_has(report, section_of(i)))
                        return i;
        insist(false);
        return 0;
}

/* Each answer goes on from the one before. */
static void watch(Walk *w, const char *section, const char *json)
{
        Document *report = NULL;
        const Document *answer;
        const char *error;
        size_t i;

        insist(document_parse(&report, json, strlen(json), &error) == 0);
        i = find(report, section);
        answer = document_member(report, pnp_property(&writables[i]));
        if (ac_of(answer) == 400) {
                if (w->effect[i] || writables[i].initial)
                        insist(is_text(document_member(answer, "value"), w->effect[i] ?: writables[i].initial));
        } else {
                free(w->effect[i]);
                w->effect[i] = text_of(document_member(answer, "value"));
        }
        if (ac_of(answer) == 203)
                insist(strcmp(w->effect[i], writables[i].initial) == 0 && is_text(document_member(answer, "av"), "0"));
        document_free(report);
}

static void on_desired(void *userdata, const char *section, TwinDesired *ret)
{
        TwinDesk desk = twin_desk(((Walk *)userdata)->cloud.twin);

        desk.desired(desk.userdata, section, ret);
}

static void on_reported(void *userdata, const char *section, TwinDesired *ret)
{
        TwinDesk desk = twin_desk(((Walk *)userdata)->cloud.twin);

        desk.reported(desk.userdata, section, ret);
}

static void on_report(void *userdata, const char *section, const char *json, const char *client, DoneFn done,
                      void *done_userdata)
{
        Walk *w = userdata;
        TwinDesk desk = twin_desk(w->cloud.twin);

        watch(w, section, json);
        desk.report(desk.userdata, section, json, client, done, done_userdata);
}

static void on_owners(void *userdata, TwinOwnerFn each, void *each_userdata)
{
        TwinDesk desk = twin_desk(((Walk *)userdata)->cloud.twin);

        desk.owners(desk.userdata, each, each_userdata);
}

/* ---- runs of the daemon ---- */

static void begin_run(Walk *w)
{
        const PnpSettings settings = {.writables = writables, .n_writables = N_WRITABLES};
        const TwinDesk desk = {
                .desired = on_desired, .reported = on_reported, .report = on_report, .owners = on_owners,
                .userdata = w,
        };

        insist(pnp_new(&w->pnp, &w->cloud.clock.clock, &desk) == 0);
        insist(pnp_configure(w->pnp, &settings) == 0);
}

static void on_changed(void *userdata)
{
        pnp_twin_changed(((Walk *)userdata)->pnp);
}

static void tick(Walk *w)
{
        Ticker t = pnp_ticker(w->pnp);

        while (t.deadline(t.userdata) <= w->cloud.clock.boot_usec)
                t.tick(t.userdata, w->cloud.clock.boot_usec);
        cloud_tick(&w->cloud);
}

static bool is_taken(size_t i, const char *value)
{
        for (size_t k = 0; k < ARRAY_SIZE(wishes); k++)
                if (wishes[k].fits[i] && strcmp(wishes[k].value, value) == 0)
                        return true;
        return false;
}

/* What the disk has is all that the next run knows. */
static void remember_stored(Walk *w)
{
        _cleanup_(document_freep) Document *state = NULL;
        const char *text = w->cloud.stored ?: "{}", *error;

        insist(document_parse(&state, text, strlen(text), &error) == 0);
        for (size_t i = 0; i < N_WRITABLES; i++) {
                const Document *answer = property_of(document_member(state, "reported"), i);
                char *value = text_of(document_member(answer, "value"));

                free(w->effect[i]);
                w->effect[i] = ac_of(answer) == 200 || (ac_of(answer) == 400 && is_taken(i, value)) ? TAKE_PTR(value) : NULL;
                free(value);
        }
}

static void restart(Walk *w)
{
        cloud_restart(&w->cloud);
        w->pnp = pnp_free(w->pnp);
        remember_stored(w);
        begin_run(w);
}

/* ---- the walk ---- */

static void desire(Walk *w)
{
        size_t i = draw(w, N_WRITABLES), k = draw(w, ARRAY_SIZE(wishes));
        char json[128];

        if (*writables[i].component)
                (void)snprintf(json, sizeof(json), "{\"%s\":{\"__t\":\"c\",\"%s\":%s}}", writables[i].component,
                               pnp_property(&writables[i]), wishes[k].wish);
        else
                (void)snprintf(json, sizeof(json), "{\"%s\":%s}", pnp_property(&writables[i]), wishes[k].wish);
        /* an object is merged into the one that is there: what was written before is taken out */
        if (wishes[k].wish[0] == '{' && w->wished[i] >= 0 && wishes[w->wished[i]].wish[0] == '{')
                return;
        w->wished[i] = wishes[k].value ? (int)k : -1;
        cloud_desire(&w->cloud, json);
}

static void step(Walk *w)
{
        static const int statuses[] = {429, 500, 503};
        Cloud *c = &w->cloud;

        switch (draw(w, 25)) {
        case 0 ... 2:
                cloud_connect(c);
                break;
        case 3:
                cloud_disconnect(c);
                break;
        case 4 ... 8:
                desire(w);
                break;
        case 9 ... 11:
                (void)cloud_hear(c);
                break;
        case 12 ... 15:
                (void)cloud_answer(c);
                break;
        case 16 ... 18:
                (void)cloud_push(c);
                break;
        case 19:
                if (draw(w, 2))
                        (void)cloud_drop(c);
                else
                        c->next_status = statuses[draw(w, 3)];
                break;
        case 20:
                fake_clock_advance(&c->clock, draw(w, 90) * USEC_PER_SEC);
                break;
        case 21:
                c->slow_disk = !c->slow_disk;
                break;
        case 22:
                cloud_stored(c);
                break;
        case 23:
                if (draw(w, 3) == 0)
                        restart(w);
                break;
        case 24:
                if (draw(w, 6) == 0) {
                        cloud_recreate(c);
                        memset(w->wished, -1, sizeof(w->wished));
                }
                break;
        }
        if (draw(w, 2))
                tick(w);
}

static void run(Walk *w, unsigned minutes)
{
        for (unsigned i = 0; i < minutes * 12; i++) {
                tick(w);
                cloud_run(&w->cloud, 5 * USEC_PER_SEC);
        }
}

/* ---- in the end ---- */

static void check(const Walk *w)
{
        const Cloud *c = &w->cloud;

        for (size_t i = 0; i < N_WRITABLES; i++) {
                const Document *answer = property_of(c->reported, i);
                uint64_t av = UINT64_MAX;

                if (w->wished[i] < 0 && !writables[i].initial)
                        continue; /* the last answer stays */
                (void)document_unsigned(document_member(answer, "av"), &av);
                if (w->wished[i] < 0) {
                        insist(ac_of(answer) == 203 && av == 0);
                        insist(is_text(document_member(answer, "value"), writables[i].initial));
                } else if (wishes[w->wished[i]].fits[i]) {
                        insist(ac_of(answer) == 200 && av == c->desired_version);
                        insist(is_text(document_member(answer, "value"), wishes[w->wished[i]].value));
                } else {
                        insist(ac_of(answer) == 400 && av == c->desired_version);
                        insist(is_text(document_member(answer, "value"),
                                       w->effect[i] ?: writables[i].initial ?: wishes[w->wished[i]].value));
                }
        }
}

START_TEST(the_last_wish_is_answered)
{
        uint64_t patches = 0, versions = 0;
        LogCapture log;

        log_capture_begin(&log);
        for (uint64_t seed = 1; seed <= SCHEDULES; seed++) {
                Walk w = {.wished = {-1, -1, -1}};

                cloud_init(&w.cloud, seed);
                w.cloud.changed = on_changed;
                w.cloud.changed_userdata = &w;
                begin_run(&w);
                for (int i = 0; i < STEPS; i++)
                        step(&w);
                w.cloud.slow_disk = false;
                cloud_stored(&w.cloud);
                if (draw(&w, 2))
                        cloud_disconnect(&w.cloud);
                cloud_connect(&w.cloud);
                run(&w, 20);
                check(&w);
                if (draw(&w, 2)) { /* and a start with nothing new says nothing else */
                        restart(&w);
                        cloud_connect(&w.cloud);
                        run(&w, 2);
                        check(&w);
                }
                patches += w.cloud.patches;
                versions += w.cloud.desired_version;
                for (size_t i = 0; i < N_WRITABLES; i++)
                        free(w.effect[i]);
                cloud_done(&w.cloud);
                pnp_free(w.pnp);
        }
        log_capture_end(&log);
        printf("# %d schedules: %llu desired versions, %llu reports\n", SCHEDULES, (unsigned long long)versions,
               (unsigned long long)patches);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/pnp-walk");

        tcase_add_test(suite_case(s, "wishes in any order"), the_last_wish_is_answered);
        return suite_run(s);
}
