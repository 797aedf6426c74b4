/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pnp.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "flow/pnp-core.h"

#define AGAIN         USEC_PER_MIN
#define TELL_INTERVAL USEC_PER_HOUR
/* The twin keeps on its disk whatever it is told. Extremes move seldom; these would with each reading. */
#define RESTLESS_INTERVAL USEC_PER_MIN

/* ---- to the twin ---- */

/* It may come long after, and of what was told then nothing is known any more: so all is told anew. */
void pnp_on_told(void *userdata, RequestError error, const char *detail)
{
        Pnp *p = userdata;
        usec_t now = clock_boot(p->clock);
        uint64_t held_back;

        if (error == REQUEST_OK)
                return;
        p->again_usec = usec_add(now, AGAIN);
        if (throttle_admits(&p->told_refused, now, TELL_INTERVAL, &held_back))
                log_warning("Plug and Play: a property is not reported, the next try is in a minute: %s", detail ?: "");
}

void pnp_tell(Pnp *p, const char *component, const char *property, const char *json)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{%s\"%s\":%s}", *component ? "\"__t\":\"c\"," : "", property, json);
        if (buffer_error(&b)) {
                pnp_on_told(p, REQUEST_BUSY, "Out of memory.");
                return;
        }
        pnp_note_told(p, component, property);
        p->twin.report(p->twin.userdata, component, b.data, NULL, pnp_on_told, p);
}

/* ---- what is reported ---- */

static double value_of(const PnpTable *t, const PnpReport *report)
{
        const Extremes *e = &t->channels[report->channel].extremes;
        ExtremesReport found;

        if (!extremes_since(e, 0, &found))
                return NAN;
        switch (report->value) {
        case REPORT_MAX:
                return found.max;
        case REPORT_MIN:
                return found.min;
        case REPORT_MEAN:
                return found.mean;
        default:
                return extremes_last(e);
        }
}

static void tell_report(Pnp *p, PnpReport *report, usec_t now)
{
        double value = value_of(&p->table, report);
        char text[NUMBER_TEXT_MAX];

        if (isnan(value) || value == report->told)
                return;
        if (now < report->due_usec) {
                p->later_usec = MIN(p->later_usec, report->due_usec);
                return;
        }
        report->told = value;
        if (report->value == REPORT_MEAN || report->value == REPORT_LAST)
                report->due_usec = usec_add(now, RESTLESS_INTERVAL);
        (void)number_format(value, text);
        pnp_tell(p, report->component, report->property, text);
}

static void tell_all_anew(Pnp *p)
{
        for (size_t i = 0; i < p->table.n_reports; i++) {
                p->table.reports[i].told = NAN;
                p->table.reports[i].due_usec = 0;
        }
        for (size_t i = 0; i < p->table.n_writables; i++)
                p->table.writables[i].answered = 0;
        p->has_read = p->twin_changed = p->look_back = true;
}

void pnp_reading(Pnp *p, const Reading *reading)
{
        usec_t now = clock_boot(p->clock);

        for (size_t i = 0; i < p->table.n_channels; i++) {
                PnpChannel *c = &p->table.channels[i];

                if (strcmp(c->sensor, reading->sensor) != 0)
                        continue;
                for (size_t k = 0; k < reading->n_channels; k++) {
                        const Value *v = &reading->channels[k].value;

                        if (strcmp(c->channel, reading->channels[k].name) != 0 ||
                            (v->kind != VALUE_NUMBER && v->kind != VALUE_INTEGER))
                                continue;
                        extremes_add(&c->extremes, now,
                                     v->kind == VALUE_NUMBER ? v->number : (double)v->integer);
                        p->has_read = true;
                }
        }
}

void pnp_twin_changed(Pnp *p)
{
        p->twin_changed = true;
}

/* ---- time ---- */

static usec_t deadline(void *userdata)
{
        const Pnp *p = userdata;

        return p->has_read || p->twin_changed || p->look_back ? 0 : MIN(p->later_usec, p->again_usec);
}

static void tick(void *userdata, usec_t now)
{
        Pnp *p = userdata;

        if (now >= p->again_usec) {
                p->again_usec = USEC_INFINITY;
                tell_all_anew(p);
        }
        if (p->look_back) { /* first: it may make room for others */
                p->look_back = false;
                pnp_take_back(p);
        }
        if (p->has_read || now >= p->later_usec) {
                p->has_read = false;
                p->later_usec = USEC_INFINITY;
                for (size_t i = 0; i < p->table.n_reports; i++)
                        tell_report(p, &p->table.reports[i], now);
        }
        if (p->twin_changed) {
                p->twin_changed = false;
                pnp_obey(p);
        }
}

Ticker pnp_ticker(Pnp *p)
{
        return (Ticker){"pnp", deadline, tick, p};
}

/* ---- settings ---- */

static void table_done(PnpTable *t)
{
        for (size_t i = 0; i < t->n_writables; i++) {
                free(t->writables[i].settings.initial);
                free(t->writables[i].wish);
                free(t->writables[i].value);
        }
        free(t->channels);
        free(t->reports);
        free(t->writables);
        free(t->commands);
        *t = (PnpTable){};
}

static const PnpChannel *find_channel(const PnpTable *t, const char *sensor, const char *channel)
{
        for (size_t i = 0; i < t->n_channels; i++)
                if (strcmp(t->channels[i].sensor, sensor) == 0 && strcmp(t->channels[i].channel, channel) == 0)
                        return &t->channels[i];
        return NULL;
}

/* Its place; the array has room for all. What it read so far is taken over. */
static size_t ask_for(PnpTable *t, const PnpTable *before, const char *sensor, const char *channel)
{
        const PnpChannel *known = find_channel(t, sensor, channel), *old = find_channel(before, sensor, channel);
        PnpChannel *c = &t->channels[t->n_channels];

        if (known)
                return (size_t)(known - t->channels);
        (void)snprintf(c->sensor, sizeof(c->sensor), "%s", sensor);
        (void)snprintf(c->channel, sizeof(c->channel), "%s", channel);
        if (old)
                c->extremes = old->extremes;
        return t->n_channels++;
}

static size_t count_reports(const PnpSettings *settings)
{
        size_t n = 0;

        for (size_t i = 0; i < settings->n_sensors; i++)
                n += settings->sensors[i].n_reports;
        return n;
}

static void add_reports(PnpTable *t, const PnpTable *before, const SensorSettings *s)
{
        for (size_t i = 0; i < s->n_reports; i++) {
                const ReportSettings *r = &s->reports[i];
                PnpReport *report = &t->reports[t->n_reports++];

                memcpy(report->property, r->property, sizeof(Name));
                memcpy(report->component, s->component, sizeof(Name));
                report->value = r->value;
                report->channel = ask_for(t, before, s->name, r->of);
                report->told = NAN;
        }
}

static void add_command(PnpTable *t, const PnpTable *before, const PnpSettings *settings, const CommandSettings *c)
{
        PnpCommand *command = &t->commands[t->n_commands++];
        size_t n = strcspn(c->of, ".");
        Name sensor;

        (void)snprintf(sensor, sizeof(sensor), "%.*s", (int)n, c->of);
        pnp_method(c, settings->sensors, settings->n_sensors, command->method);
        command->channel = ask_for(t, before, sensor, c->of + n + (c->of[n] == '.'));
}

static const PnpWritable *find_writable(const PnpTable *t, const WritableSettings *s)
{
        for (size_t i = 0; i < t->n_writables; i++) {
                const WritableSettings *other = &t->writables[i].settings;

                if (strcmp(pnp_property(other), pnp_property(s)) == 0 &&
                    strcmp(other->component, s->component) == 0 && other->type == s->type)
                        return &t->writables[i];
        }
        return NULL;
}

static bool copy_text(char **to, const char *text)
{
        *to = text ? strdup(text) : NULL;
        return *to || !text;
}

/* What is in effect stays so as long as the property is the same. */
static int add_writable(PnpTable *t, const PnpTable *before, const WritableSettings *settings)
{
        const PnpWritable *old = find_writable(before, settings);
        PnpWritable *w = &t->writables[t->n_writables++];

        w->settings = *settings;
        return copy_text(&w->settings.initial, settings->initial) && copy_text(&w->value, old ? old->value : NULL)
                       ? 0 : -ENOMEM;
}

/* calloc() may give NULL for nothing. */
static void *row_of(size_t n, size_t size)
{
        return calloc(n + 1, size);
}

static int fill(PnpTable *t, const PnpTable *before, const PnpSettings *settings)
{
        size_t n_reports = count_reports(settings);
        int r = 0;

        t->channels = row_of(n_reports + settings->n_commands, sizeof(*t->channels));
        t->reports = row_of(n_reports, sizeof(*t->reports));
        t->writables = row_of(settings->n_writables, sizeof(*t->writables));
        t->commands = row_of(settings->n_commands, sizeof(*t->commands));
        if (!t->channels || !t->reports || !t->writables || !t->commands)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_sensors; i++)
                add_reports(t, before, &settings->sensors[i]);
        for (size_t i = 0; i < settings->n_commands; i++)
                add_command(t, before, settings, &settings->commands[i]);
        for (size_t i = 0; i < settings->n_writables && r >= 0; i++)
                r = add_writable(t, before, &settings->writables[i]);
        return r;
}

int pnp_configure(Pnp *p, const PnpSettings *settings)
{
        PnpTable table = {};
        int r = fill(&table, &p->table, settings);

        if (r < 0) {
                table_done(&table);
                return r;
        }
        table_done(&p->table);
        p->table = table;
        p->has_read = p->twin_changed = p->look_back = true;
        return 0;
}

/* ---- life ---- */

int pnp_new(Pnp **ret, const Clock *clock, const TwinDesk *twin)
{
        Pnp *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->clock = clock;
        p->twin = *twin;
        p->told = document_new();
        if (!p->told) {
                free(p);
                return -ENOMEM;
        }
        p->started_usec = clock_boot(clock);
        p->later_usec = p->again_usec = USEC_INFINITY;
        *ret = p;
        return 0;
}

Pnp *pnp_free(Pnp *p)
{
        if (!p)
                return NULL;
        table_done(&p->table);
        document_free(p->told);
        free(p);
        return NULL;
}
