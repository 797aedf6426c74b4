/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-outlook.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/nearest.h"
#include "base/quantity.h"
#include "daemon/credential.h"
#include "flow/template.h"
#include "sensor/driver.h"

/* The line is that of the setting. */
static void warn(const Settings *s, Problems *warnings, const char *path, const char *fmt, ...)
        _printf_(4, 5);

static void warn(const Settings *s, Problems *warnings, const char *path, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        problems_add_about(warnings, node_nearest(s->tree, path)->place, "warning: ", path, fmt, ap);
        va_end(ap);
}

static void look_at_ca_file(const Settings *s, Problems *warnings)
{
        const char *file = s->hub.ca_file;
        _cleanup_close_ int fd = file ? open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;

        if (file && fd < 0)
                warn(s, warnings, "hub.ca_file", "%s cannot be read: %s", file, strerror(errno));
}

/* A systemd credential is there for the service alone; that the gateway has no name yet is seen without it. */
static int look_at_credential(const Settings *s, Problems *warnings)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        _cleanup_free_ char *error = NULL;
        bool nameless = s->hub.dps.id_scope && !s->hub.dps.registration_id;
        const char *path, *file;
        int r;

        file = credential_file(&s->hub, &path);
        if (nameless)
                path = "hub.dps.id_scope";
        else if (file[0] != '/')
                return 0;
        r = credential_find(&s->hub, &cs, &error);
        if (r > 0)
                warn(s, warnings, path, "%s", error);
        return r < 0 ? r : 0;
}

/* Of the file system that the directory lies on, or will: its parents are there before it. */
static int free_space(const char *directory, uint64_t *ret)
{
        _cleanup_free_ char *path = strdup(directory);
        struct statvfs found;
        char *slash;

        while (path && statvfs(path, &found) < 0) {
                slash = strrchr(path, '/');
                if (errno != ENOENT || !slash || slash == path)
                        return -errno;
                *slash = 0;
        }
        if (!path)
                return -ENOMEM;
        *ret = (uint64_t)found.f_bavail * found.f_frsize;
        return 0;
}

static void look_at_queue(const Settings *s, Problems *warnings)
{
        const char *directory = s->queue.directory;
        uint64_t space = 0;
        struct stat st;
        int r = stat(directory, &st) < 0 ? -errno : 0;

        if (r == -ENOTDIR || (r == 0 && !S_ISDIR(st.st_mode))) {
                warn(s, warnings, "queue.directory", "%s cannot be a directory: a file is in its place", directory);
                return;
        }
        if (free_space(directory, &space) < 0 || space >= s->queue.min_free_bytes)
                return;
        warn(s, warnings, "queue.min_free",
             "only %" PRIu64 " MiB are free on the file system of %s: the queue would not grow", space / (1024 * 1024),
             directory);
}

static void look_at_group(const Settings *s, Problems *warnings, const char *path, const char *group)
{
        if (group && !getgrnam(group))
                warn(s, warnings, path,
                     "there is no group \"%s\" on this system, and no socket before there is one: groupadd "
                     "--system %s, or name another",
                     group, group);
}

static void look_at_sensor(const Settings *s, const SensorSettings *sensor, Problems *warnings)
{
        const Node *node = node_child(node_child(s->tree, "sensors"), sensor->name);
        char path[128];

        (void)snprintf(path, sizeof(path), "sensors.%s.group", sensor->name);
        look_at_group(s, warnings, path, sensor->group);
        /* The default is longer than many intervals: only who wrote one may have meant something else. */
        if (node_child(node, "timeout") && sensor->timeout_usec > sensor->interval_usec) {
                (void)snprintf(path, sizeof(path), "sensors.%s.timeout", sensor->name);
                warn(s, warnings, path, "it is longer than the interval: a slow read makes the next ones late");
        }
}

/* Whose lines name their sensors; NULL: nobody's do. */
static const char *first_that_names_others(const Settings *s)
{
        for (size_t i = 0; i < s->n_sensors; i++)
                if (sensor_settings_name_others(&s->sensors[i]))
                        return s->sensors[i].name;
        return NULL;
}

/* A sensor that lines name needs no settings. But one that is called nearly as theirs is hardly meant. */
static void look_at_rule(const Settings *s, size_t i, Problems *warnings)
{
        const char *by_lines = first_that_names_others(s);
        Name sensor, channel;
        Nearest nearest;
        char path[64];

        if (!by_lines || !rule_channel_split(s->rules[i].channel, sensor, channel))
                return;
        nearest = nearest_begin(sensor);
        for (size_t k = 0; k < s->n_sensors; k++) {
                if (strcmp(s->sensors[k].name, sensor) == 0)
                        return;
                nearest_offer(&nearest, s->sensors[k].name);
        }
        if (!nearest.found)
                return;
        (void)snprintf(path, sizeof(path), "rules.%zu.channel", i);
        warn(s, warnings, path,
             "there is no sensor \"%s\", did you mean \"%s\"? As it is, it counts for lines of %s that name %s", sensor,
             nearest.found, by_lines, sensor);
}

static const SensorSettings *find_sensor(const Settings *s, const char *name)
{
        for (size_t i = 0; i < s->n_sensors; i++)
                if (strcmp(s->sensors[i].name, name) == 0)
                        return &s->sensors[i];
        return NULL;
}

static bool has_several_channels(const SensorSettings *s)
{
        return s->n_channels > 1 || (s->n_channels == 0 && s->description && s->description->n_channels > 1);
}

/* What is not alike, in time or in quality, goes in readings of their own. */
static bool may_part_channels(const RuleSettings *r)
{
        return deadband_is_set(&r->deadband) || r->window.length_usec > 0 || r->range.is_set ||
               r->watch.stale_after_usec > 0 || r->watch.frozen_after_usec > 0;
}

/* Of a reading that a rule left channels out of, another one would be the first. */
static void look_at_body(const Settings *s, size_t i, Problems *warnings)
{
        const SensorSettings *sensor;
        Name name, channel;
        const char *stream;
        char path[128];

        if (!may_part_channels(&s->rules[i]) || !rule_channel_split(s->rules[i].channel, name, channel))
                return;
        sensor = find_sensor(s, name);
        if (!sensor || !has_several_channels(sensor))
                return;
        stream = sensor->stream[0] ? sensor->stream : STREAM_DEFAULT;
        for (size_t k = 0; k < s->n_streams; k++) {
                if (strcmp(s->streams[k].name, stream) != 0 || !template_has_nameless_value(s->streams[k].body))
                        continue;
                (void)snprintf(path, sizeof(path), "streams.%s.body", stream);
                warn(s, warnings, path,
                     "${value} is that of the first channel that is sent, and the rule of %s may leave channels of %s "
                     "out: name the one that is meant, ${value[%s]}",
                     s->rules[i].channel, name, channel);
        }
}

/* What asks for more values than there are. An interval may be set from afar, for a while: no reason to refuse it. */
static void look_at_pace(const Settings *s, size_t i, Problems *warnings)
{
        const usec_t window = s->rules[i].window.length_usec, silence = s->rules[i].deadband.max_silence_usec;
        _cleanup_(buffer_done) Buffer interval = BUFFER_NULL, length = BUFFER_NULL;
        const SensorSettings *of;
        Name sensor, channel;
        char path[64];

        of = rule_channel_split(s->rules[i].channel, sensor, channel) ? find_sensor(s, sensor) : NULL;
        if (!of)
                return;
        quantity_print_time(&interval, of->interval_usec);
        quantity_print_time(&length, window);
        if (window > 0 && window < of->interval_usec) {
                (void)snprintf(path, sizeof(path), "rules.%zu.window", i);
                warn(s, warnings, path,
                     "sensor %s is read every %s, and a window of %s has one value or none: make it several times as "
                     "long as that",
                     sensor, interval.data ?: "", length.data ?: "");
        }
        if (silence > 0 && silence <= of->interval_usec) {
                (void)snprintf(path, sizeof(path), "rules.%zu.max_silence", i);
                warn(s, warnings, path,
                     "sensor %s is read every %s: each value would be sent, whatever the deadband is; make it longer "
                     "than that",
                     sensor, interval.data ?: "");
        }
}

/* One without a name is called by his number, "uid 1234". */
static void look_at_users(const Settings *s, Problems *warnings, const char *group, const Property *rows, size_t n)
{
        char path[256];

        for (size_t i = 0; i < n; i++) {
                if (strncmp(rows[i].value, "uid ", 4) == 0 || getpwnam(rows[i].value))
                        continue;
                (void)snprintf(path, sizeof(path), "%s.%.128s", group, rows[i].name);
                warn(s, warnings, path, "there is no user \"%s\" on this system: nobody could use it", rows[i].value);
        }
}

int settings_outlook(const Settings *s, Problems *warnings)
{
        int r;

        look_at_ca_file(s, warnings);
        look_at_queue(s, warnings);
        look_at_group(s, warnings, "metrics.group", s->metrics.group);
        r = look_at_credential(s, warnings);
        if (r < 0)
                return r;
        for (size_t i = 0; i < s->n_sensors; i++)
                look_at_sensor(s, &s->sensors[i], warnings);
        for (size_t i = 0; i < s->n_rules; i++) {
                look_at_rule(s, i, warnings);
                look_at_body(s, i, warnings);
                look_at_pace(s, i, warnings);
        }
        look_at_users(s, warnings, "twin.sections", s->twin.sections, s->twin.n_sections);
        look_at_users(s, warnings, "methods.registrants", s->methods.registrants, s->methods.n_registrants);
        problems_sort(warnings);
        return warnings->no_memory ? -ENOMEM : 0;
}
