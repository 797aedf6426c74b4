/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the rules that were to those that are: each channel gets a seat, and what did not change goes on in it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/rules-core.h"

/* ---- seats ---- */

void rules_sensors_done(RuleSensor *sensors, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < sensors[i].n_channels; k++)
                        rule_channel_done(&sensors[i].channels[k]);
                free(sensors[i].channels);
        }
        free(sensors);
}

/* The one of this name, or a new one. */
static RuleSensor *seat_sensor(RuleSensor **sensors, size_t *n, const char *name)
{
        RuleSensor *more;

        for (size_t i = 0; i < *n; i++)
                if (strcmp((*sensors)[i].name, name) == 0)
                        return &(*sensors)[i];
        more = reallocarray(*sensors, *n + 1, sizeof(*more));
        if (!more)
                return NULL;
        *sensors = more;
        more[*n] = (RuleSensor){};
        (void)snprintf(more[*n].name, sizeof(Name), "%s", name);
        return &more[(*n)++];
}

static RuleChannel *seat_channel(RuleSensor *s, const char *name)
{
        RuleChannel *more;

        for (size_t i = 0; i < s->n_channels; i++)
                if (strcmp(s->channels[i].name, name) == 0)
                        return &s->channels[i];
        more = reallocarray(s->channels, s->n_channels + 1, sizeof(*more));
        if (!more)
                return NULL;
        s->channels = more;
        more[s->n_channels] = (RuleChannel){};
        (void)snprintf(more[s->n_channels].name, sizeof(Name), "%s", name);
        return &more[s->n_channels++];
}

static int seat_rule(RuleSensor **sensors, size_t *n, const RuleSettings *settings)
{
        RuleChannel *c;
        RuleSensor *s;
        Name sensor, channel;

        if (!rule_channel_split(settings->channel, sensor, channel))
                return -EINVAL;
        s = seat_sensor(sensors, n, sensor);
        c = s ? seat_channel(s, channel) : NULL;
        return c ? rule_channel_add(c, settings) : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(((const RuleSensor *)a)->name, ((const RuleSensor *)b)->name);
}

/* ---- what stays ---- */

/* What nobody goes on with goes now, by the old rules: it was read, and is not lost to a change of mind. */
static void release_old(Rules *r, RuleSensor *sensors, size_t n, usec_t now)
{
        for (size_t i = 0; i < r->n_sensors; i++) {
                RuleSensor *old = &r->sensors[i];

                rules_release_sensor(r, old, n > 0 ? bsearch(old, sensors, n, sizeof(*sensors), by_name) : NULL, now);
        }
}

/* Once all have their seats: from here on addresses count. */
static void begin(const Rules *r, RuleSensor *s, usec_t now)
{
        RuleSensor *old = rules_find_sensor(r, s->name);
        RuleTime at;

        s->clock = old ? old->clock : (RuleClock){};
        at = rule_clock_now(&s->clock, now);
        for (size_t i = 0; i < s->n_channels; i++) {
                RuleChannel *c = &s->channels[i], *before = old ? rules_find_channel(old, c->name) : NULL;

                rule_channel_begin(c, &at);
                if (before)
                        rule_channel_inherit(c, before);
        }
        if (old) {
                memcpy(s->stream, old->stream, sizeof(s->stream));
                s->source = old->source;
                s->again = old->again;
                s->is_told_stale = old->is_told_stale;
                s->outside = old->outside;
        }
        rules_recall_alarms(r, s);
        rules_set_deadline(s);
}

static void end_sensor(Rules *r, const RuleSensor *old)
{
        rules_orphan_alarms(r, old);
        if (old->is_told_stale && !rules_find_sensor(r, old->name))
                r->sink.stale(r->sink.userdata, old->name, NULL, true);
}

/* ---- all of it, or nothing ---- */

int rules_configure(Rules *r, const RuleSettings *settings, size_t n_settings)
{
        usec_t now = clock_boot(r->clock);
        RuleSensor *sensors = NULL, *old = r->sensors;
        size_t n = 0, n_old = r->n_sensors;
        int error;

        error = rules_make_room_for_orphans(r);
        for (size_t i = 0; i < n_settings && error >= 0; i++)
                error = seat_rule(&sensors, &n, &settings[i]);
        if (error < 0) {
                rules_sensors_done(sensors, n);
                return error;
        }
        if (n > 0)
                qsort(sensors, n, sizeof(*sensors), by_name);
        release_old(r, sensors, n, now);
        for (size_t i = 0; i < n; i++)
                begin(r, &sensors[i], now);
        r->sensors = sensors;
        r->n_sensors = n;
        for (size_t i = 0; i < n_old; i++)
                end_sensor(r, &old[i]);
        rules_tell_orphans(r, now);
        rules_adopt_orphans(r);
        rules_sensors_done(old, n_old);
        return 0;
}
