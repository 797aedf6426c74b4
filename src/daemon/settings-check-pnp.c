/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What Plug and Play names across the settings: sensors, their channels, and properties that only one may tell.
 */

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "daemon/settings-check-core.h"
#include "flow/builtin-methods.h"
#include "flow/twin.h"
#include "sensor/driver.h"

/* Only who lists his channels, or names a chip or a model, can be wrong about them. */
static bool has_channel(const SensorSettings *s, const char *channel)
{
        const char *only = sensor_settings_channel(s);

        if (only)
                return strcmp(only, channel) == 0;
        for (size_t i = 0; i < s->n_channels; i++)
                if (strcmp(s->channels[i].name, channel) == 0)
                        return true;
        if (s->n_channels == 0 && s->description)
                return chip_channel(s->description, channel) != NULL;
        return s->n_channels == 0;
}

static void complain_channel(const Check *c, const char *path, const SensorSettings *s, const char *channel)
{
        Nearest nearest = nearest_begin(channel);
        const char *only = sensor_settings_channel(s);

        if (only)
                nearest_offer(&nearest, only);
        for (size_t i = 0; i < s->n_channels; i++)
                nearest_offer(&nearest, s->channels[i].name);
        for (size_t i = 0; s->n_channels == 0 && s->description && i < s->description->n_channels; i++)
                nearest_offer(&nearest, s->description->channels[i].name);
        if (nearest.found)
                check_complain(c, path, "sensor %s has no channel \"%s\"; did you mean \"%s\"?", s->name, channel,
                               nearest.found);
        else
                check_complain(c, path, "sensor %s has no channel \"%s\"", s->name, channel);
}

static bool is_reserved(const char *name)
{
        return strcmp(name, TWIN_SELF) == 0 || strcmp(name, TWIN_SETTINGS) == 0;
}

static bool is_component(const Settings *s, const char *name)
{
        for (size_t i = 0; i < s->n_sensors; i++)
                if (strcmp(s->sensors[i].component, name) == 0)
                        return true;
        for (size_t i = 0; i < s->n_writables; i++)
                if (strcmp(s->writables[i].component, name) == 0)
                        return true;
        return false;
}

static void check_reserved(const Check *c, const char *path, const char *name)
{
        if (is_reserved(name))
                check_complain(c, path, "\"%s\" stands for something else in the twin: hublink's own", name);
}

/* The twin has the device's own properties beside the components. */
static void check_own_property(const Check *c, const char *path, const char *name)
{
        check_reserved(c, path, name);
        if (is_component(c->settings, name))
                check_complain(c, path, "\"%s\" is a component's name: the device itself cannot have a property of it",
                               name);
}

/* Of its component, or of the device. */
static bool is_reported(const SensorSettings *s, size_t n_reports, const char *component, const char *property)
{
        for (size_t i = 0; i < n_reports; i++)
                if (strcmp(s->component, component) == 0 && strcmp(s->reports[i].property, property) == 0)
                        return true;
        return false;
}

static bool is_reported_before(const Check *c, const SensorSettings *s, size_t k)
{
        for (const SensorSettings *other = c->settings->sensors; other < s; other++)
                if (is_reported(other, other->n_reports, s->component, s->reports[k].property))
                        return true;
        return is_reported(s, k, s->component, s->reports[k].property);
}

static void check_reports(const Check *c, const SensorSettings *s)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "sensors.%s.component", s->name);
        check_reserved(c, path, s->component);
        if (node_is_faulty(check_group(c, "sensors", s->name)))
                return;
        for (size_t i = 0; i < s->n_reports; i++) {
                (void)snprintf(path, sizeof(path), "sensors.%s.report.%zu.of", s->name, i);
                if (!has_channel(s, s->reports[i].of))
                        complain_channel(c, path, s, s->reports[i].of);
                (void)snprintf(path, sizeof(path), "sensors.%s.report.%zu.property", s->name, i);
                if (!*s->component)
                        check_own_property(c, path, s->reports[i].property);
                if (is_reported_before(c, s, i))
                        check_complain(c, path, "\"%s\" is reported already", s->reports[i].property);
        }
}

static void check_initial(const Check *c, const WritableSettings *w)
{
        _cleanup_(buffer_done) Buffer expected = BUFFER_NULL;
        char path[128];

        (void)snprintf(path, sizeof(path), "twin.writable.%s.initial", w->name);
        if (w->initial && !pnp_value_fits(w, w->initial, &expected))
                check_complain(c, path, "%s", expected.data ?: "");
}

/* A property has one that tells it. */
static void check_alone(const Check *c, const WritableSettings *w, const char *path)
{
        const Settings *s = c->settings;

        for (size_t i = 0; i < s->n_sensors; i++)
                if (is_reported(&s->sensors[i], s->sensors[i].n_reports, w->component, pnp_property(w)))
                        check_complain(c, path, "sensor %s reports a property of this name", s->sensors[i].name);
        for (const WritableSettings *other = s->writables; other < w; other++)
                if (strcmp(pnp_property(other), pnp_property(w)) == 0 && strcmp(other->component, w->component) == 0)
                        check_complain(c, path, "twin.writable.%s is the same property", other->name);
}

static void check_writable(const Check *c, const WritableSettings *w)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "twin.writable.%s", w->name);
        if (node_is_faulty(node_nearest(c->settings->tree, path)))
                return;
        if (*w->component)
                check_reserved(c, path, w->component);
        else
                check_own_property(c, path, pnp_property(w));
        check_alone(c, w, path);
        (void)snprintf(path, sizeof(path), "twin.writable.%s.range", w->name);
        if (w->range.is_set && w->type != WRITABLE_DOUBLE && w->type != WRITABLE_INTEGER)
                check_complain(c, path, "only numbers have a range");
        check_initial(c, w);
}

/* Nobody but the daemon reports into its own. */
static void check_sections(const Check *c)
{
        const TwinSettings *twin = &c->settings->twin;
        char path[128];

        for (size_t i = 0; i < twin->n_sections; i++) {
                (void)snprintf(path, sizeof(path), "twin.sections.%.64s", twin->sections[i].name);
                check_reserved(c, path, twin->sections[i].name);
        }
}

static void check_services(const Check *c, const char *path, const char *method)
{
        const MethodsSettings *m = &c->settings->methods;

        for (size_t i = 0; i < m->n_services; i++)
                if (strcmp(m->services[i].name, method) == 0)
                        check_complain(c, path, "methods.services gives %s to another, %s", method,
                                       m->services[i].value);
}

static void check_method(const Check *c, const CommandSettings *command)
{
        char method[PNP_METHOD_MAX], other[PNP_METHOD_MAX], path[128];
        const Settings *s = c->settings;

        pnp_method(command, s->sensors, s->n_sensors, method);
        (void)snprintf(path, sizeof(path), "commands.%s", command->name);
        for (const CommandSettings *before = s->commands; before < command; before++) {
                if (!before->of)
                        continue;
                pnp_method(before, s->sensors, s->n_sensors, other);
                if (strcmp(method, other) == 0)
                        check_complain(c, path, "commands.%s is called by the same name, %s", before->name, method);
        }
        check_services(c, path, method);
        if (builtin_method_is(method))
                check_complain(c, path,
                               "hublinkd itself answers to %s: call this one by another name, such as  command = "
                               "\"my_%s\";",
                               method, method);
}

static void check_command(const Check *c, const CommandSettings *command)
{
        size_t n = strcspn(command->of, ".");
        Nearest nearest;
        char path[128];
        Name name;

        (void)snprintf(path, sizeof(path), "commands.%s.of", command->name);
        if (command->of[n] != '.' || n > NAME_LENGTH_MAX || !channel_name_is_valid(command->of + n + 1)) {
                check_complain_form(c, path, "a sensor and its channel, such as \"room.temperature\"");
                return;
        }
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, command->of);
        nearest = nearest_begin(name);
        for (size_t i = 0; i < c->settings->n_sensors; i++) {
                const SensorSettings *s = &c->settings->sensors[i];

                nearest_offer(&nearest, s->name);
                if (strcmp(s->name, name) != 0)
                        continue;
                if (!has_channel(s, command->of + n + 1))
                        complain_channel(c, path, s, command->of + n + 1);
                check_method(c, command);
                return;
        }
        if (check_group(c, "sensors", name))
                return;
        if (nearest.found)
                check_complain(c, path, "there is no sensor \"%s\"; did you mean \"%s\"?", name, nearest.found);
        else
                check_complain(c, path, "there is no sensor \"%s\"", name);
}

void check_pnp(const Check *c)
{
        const Settings *s = c->settings;

        for (size_t i = 0; i < s->n_sensors; i++)
                check_reports(c, &s->sensors[i]);
        for (size_t i = 0; i < s->n_writables; i++)
                check_writable(c, &s->writables[i]);
        check_sections(c);
        for (size_t i = 0; i < s->n_commands; i++)
                if (s->commands[i].of)
                        check_command(c, &s->commands[i]);
}
