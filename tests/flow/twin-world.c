/* SPDX-License-Identifier: Apache-2.0 */
#include "twin-world.h"

#include <stdio.h>
#include <string.h>

#include "flow/twin-facts.h"
#include "suite.h"

#define STATE   "/state/twin.json"
#define GET     "$iothub/twin/GET/?$rid="
#define PATCH   "$iothub/twin/PATCH/properties/reported/?$rid="
#define DESIRED "$iothub/twin/PATCH/properties/desired/"

unsigned twin_world_draw(TwinWorld *t, unsigned n)
{
        return (unsigned)(t->dice.random.draw(t->dice.random.userdata) % n);
}

static bool chance(TwinWorld *t, unsigned percent)
{
        bool strikes = percent > 0 && twin_world_draw(t, 100) < percent;

        t->faults += strikes;
        return strikes;
}

static char *text_of(const Document *d)
{
        Buffer b = BUFFER_NULL;

        document_write(d, &b);
        return buffer_steal(&b);
}

/* ---- the daemon's side ---- */

static int on_get(void *userdata, uint64_t *ret)
{
        return hub_twin_get(((TwinWorld *)userdata)->w.hub, ret);
}

static int on_report(void *userdata, const char *json, size_t size, uint64_t *ret)
{
        return hub_twin_report(((TwinWorld *)userdata)->w.hub, json, size, ret);
}

static void on_store(void *userdata, const char *text, size_t size)
{
        insist(state_file_store(((TwinWorld *)userdata)->file, text, size) == 0);
}

static void on_stored(void *userdata, int error)
{
        TwinWorld *t = userdata;

        if (t->twin)
                twin_stored(t->twin, error);
}

static bool is_good(const Document *settings)
{
        DocumentMember m = {};

        while (document_next(settings, &m))
                if (document_kind(m.value) == DOCUMENT_TEXT && strcmp(document_text(m.value), "bad") == 0)
                        return false;
        return true;
}

/* As the daemon: all or nothing, and a refusal names what is in effect. */
static int on_apply(void *userdata, const Document *settings, Document **ret)
{
        bool good = is_good(settings);
        TwinWorld *t = userdata;
        DocumentMember m = {};

        *ret = document_new();
        if (good && !t->w.ended) {
                document_free(t->applied);
                t->applied = NULL;
                if (settings)
                        insist(document_copy(&t->applied, settings) == 0);
        }
        while (document_next(settings, &m)) {
                const Document *value = good ? m.value : document_member(t->applied, m.name);
                Document *a = document_new();

                (void)document_put(a, "ac", document_new_unsigned(good ? 200 : 400));
                (void)document_put(a, "ad", document_new_text(good ? "in effect" : "bad"));
                if (value)
                        (void)document_put_copy(a, "value", value);
                else
                        (void)document_put(a, "value", document_new());
                (void)document_put(*ret, m.name, a);
        }
        return 0;
}

static int on_facts(void *userdata, bool with_statistics, Document **ret)
{
        return twin_facts(world_ask(userdata), USEC_PER_HOUR, with_statistics, ret);
}

static Ticker on_start(void *userdata)
{
        TwinWorld *t = userdata;
        const TwinPort port = {on_get, on_report, on_store, on_apply, on_facts, NULL, t};
        const uint8_t *text;
        size_t size = 0;

        insist(state_file_new(&t->file, STATE, &t->w.disk->disk, on_stored, t) == 0);
        text = fake_disk_file(t->w.disk, STATE, &size);
        insist(twin_new(&t->twin, text ? (const char *)text : "", size, &t->w.clock.clock, &t->w.dice.random, &port,
                        &(TwinSink){}) == 0);
        return twin_ticker(t->twin);
}

static void on_stop(void *userdata)
{
        TwinWorld *t = userdata;

        twin_stop(t->twin);
        state_file_finish(t->file, USEC_PER_SEC);
        t->twin = twin_free(t->twin);
        t->file = state_file_free(t->file);
}

static void on_changed(void *userdata)
{
        TwinWorld *t = userdata;

        if (t->twin)
                twin_facts_changed(t->twin);
}

/* ---- the hub's side ---- */

static void count(TwinWorld *t, const char *topic, size_t size)
{
        size_t rest = 2 + strlen(topic) + size;

        t->bytes += 1 + (rest < 128 ? 1 : rest < 16384 ? 2 : 3) + rest; /* of a PUBLISH of QoS 0 */
}

static void say(TwinWorld *t, usec_t due, char *topic, char *body)
{
        t->words = reallocarray(t->words, t->n_words + 1, sizeof(*t->words));
        insist(t->words);
        t->words[t->n_words++] = (TwinWord){due, t->w.far.generation, topic, body};
}

static usec_t soon(TwinWorld *t)
{
        return usec_add(t->w.clock.boot_usec, twin_world_draw(t, 400) * USEC_PER_MSEC);
}

static void answer(TwinWorld *t, const char *rid, int status, uint64_t version, char *body)
{
        usec_t due = soon(t);
        char *topic;

        if (chance(t, t->weather.lost)) {
                free(body);
                return;
        }
        if (chance(t, t->weather.late))
                due = usec_add(due, (65 + twin_world_draw(t, 60)) * USEC_PER_SEC);
        if (version)
                insist(asprintf(&topic, "$iothub/twin/res/%d/?$rid=%s&$version=%llu", status, rid,
                                (unsigned long long)version) > 0);
        else
                insist(asprintf(&topic, "$iothub/twin/res/%d/?$rid=%s", status, rid) > 0);
        say(t, due, topic, body);
}

static char *whole(const TwinWorld *t)
{
        Document *twin = document_new(), *desired, *reported;
        char *text;

        insist(document_copy(&desired, t->desired) == 0 && document_copy(&reported, t->reported) == 0);
        (void)document_put(desired, "$version", document_new_unsigned(t->desired_version));
        (void)document_put(reported, "$version", document_new_unsigned(t->reported_version));
        (void)document_put(twin, "desired", desired);
        (void)document_put(twin, "reported", reported);
        text = text_of(twin);
        document_free(twin);
        return text;
}

static void take_patch(TwinWorld *t, const FakePublish *p)
{
        Document *patch;
        const char *error;

        insist(document_parse(&patch, p->body.data, p->body.size, &error) == 0);
        t->acknowledgements += document_has(patch, TWIN_SETTINGS);
        insist(document_merge(t->reported, patch) == 0);
        document_free(patch);
        t->reported_version++;
}

static void hear(TwinWorld *t, const FakePublish *p)
{
        bool get = strncmp(p->topic, GET, strlen(GET)) == 0;
        const char *rid = p->topic + (get ? strlen(GET) : strlen(PATCH));

        insist(p->qos == 0 && (get || strncmp(p->topic, PATCH, strlen(PATCH)) == 0));
        count(t, p->topic, p->body.size);
        t->gets += get;
        t->patches += !get;
        if (chance(t, t->weather.refused)) {
                answer(t, rid, 429, 0, strdup("{\"errorCode\":429001}"));
        } else if (get) {
                answer(t, rid, 200, 0, whole(t));
        } else {
                take_patch(t, p);
                answer(t, rid, 204, t->reported_version, strdup(""));
        }
}

static bool hear_all(TwinWorld *t)
{
        World *w = &t->w;
        bool any = false;

        for (; t->n_heard < w->far.n_published; t->n_heard++) {
                const FakePublish *p = &w->far.published[t->n_heard];

                if (!p->written && w->far.connected && p->generation == w->far.generation)
                        break; /* the gate is held */
                if (!p->written || strncmp(p->topic, "$iothub/", 8) != 0)
                        continue;
                hear(t, p);
                any = true;
        }
        return any;
}

/* What is due goes out, in the order in which it was said; whoever is gone does not get it. */
static bool speak(TwinWorld *t)
{
        for (size_t i = 0; i < t->n_words; i++) {
                TwinWord word = t->words[i];

                if (word.due_usec > t->w.clock.boot_usec)
                        continue;
                memmove(t->words + i, t->words + i + 1, (--t->n_words - i) * sizeof(word));
                if (t->w.far.connected && word.generation == t->w.far.generation) {
                        count(t, word.topic, strlen(word.body));
                        if (strncmp(word.topic, DESIRED, strlen(DESIRED)) == 0)
                                t->pushes++;
                        else
                                t->answers++;
                        fake_transport_message(&t->w.far, word.topic, word.body, 0);
                }
                free(word.topic);
                free(word.body);
                return true;
        }
        return false;
}

static bool on_play(void *userdata)
{
        TwinWorld *t = userdata;
        bool heard = hear_all(t);

        return speak(t) || heard;
}

static usec_t on_next(void *userdata)
{
        const TwinWorld *t = userdata;
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < t->n_words; i++)
                next = MIN(next, t->words[i].due_usec);
        return next;
}

uint64_t twin_world_desire(TwinWorld *t, const char *patch)
{
        Document *d;
        const char *error;
        char *topic;

        insist(document_parse(&d, patch, strlen(patch), &error) == 0);
        insist(document_merge(t->desired, d) == 0);
        t->desired_version++;
        if (t->w.far.connected && fake_transport_is_subscribed(&t->w.far, DESIRED "#") && !chance(t, t->weather.dropped)) {
                (void)document_put(d, "$version", document_new_unsigned(t->desired_version));
                insist(asprintf(&topic, DESIRED "?$version=%llu", (unsigned long long)t->desired_version) > 0);
                t->last_push_usec = MAX(soon(t), t->last_push_usec);
                say(t, t->last_push_usec, topic, text_of(d));
        }
        document_free(d);
        return t->desired_version;
}

/* ---- life ---- */

void twin_world_begin(TwinWorld *t, uint64_t seed)
{
        *t = (TwinWorld){.desired_version = 1, .reported_version = 1};
        world_init(&t->w);
        fake_random_init(&t->dice, seed);
        fake_random_init(&t->w.dice, seed + 1000);
        t->desired = document_new();
        t->reported = document_new();
        t->w.far.obedient = true;
        t->w.hub_settings.backoff_max_usec = 30 * USEC_PER_SEC;
        t->w.guest = (WorldGuest){on_start, on_stop, on_changed, on_play, on_next, t};
        t->w.orders.twin = &t->twin;
        world_add_sensor(&t->w, "room", "telemetry", 10 * USEC_PER_SEC);
        world_start(&t->w);
}

void twin_world_end(TwinWorld *t)
{
        world_done(&t->w);
        for (size_t i = 0; i < t->n_words; i++) {
                free(t->words[i].topic);
                free(t->words[i].body);
        }
        free(t->words);
        document_free(t->applied);
        document_free(t->desired);
        document_free(t->reported);
}

uint64_t twin_world_messages(const TwinWorld *t)
{
        return t->gets + t->patches + t->pushes + t->answers;
}
