/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "sensor/text-file.h"

#define LIST_MAX 160 /* bytes of an error that tell what there is */

/* ---- settings ---- */

static bool is_file_name(const char *s)
{
        return *s && !strchr(s, '/') && s[0] != '.';
}

int sysfs_check(const SensorSettings *s, char **ret_error)
{
        if (!s->device)
                return settings_bad(ret_error, "device: is missing; what the device's file `name` says, such as "
                                               "\"coretemp\"");
        if (s->n_channels == 0)
                return settings_bad(ret_error, "channels: at least one");
        for (size_t i = 0; i < s->n_channels; i++) {
                const ChannelSettings *c = &s->channels[i];

                if (!c->attribute == !c->label)
                        return settings_bad(ret_error, "channels.%s.attribute: %s", c->name,
                                            c->label ? "attribute or label, not both"
                                                     : "is missing; such as \"temp1_input\"");
                if (c->attribute && !is_file_name(c->attribute))
                        return settings_bad(ret_error, "channels.%s.attribute: the name of a file of the device, such "
                                                       "as \"temp1_input\"",
                                            c->name);
        }
        return 0;
}

/* ---- life ---- */

void sysfs_close(void *device)
{
        SysfsDevice *d = device;

        if (!d)
                return;
        free(d->class);
        free(d->folder);
        buffer_done(&d->text);
        sensor_settings_done(&d->settings);
        free(d);
}
DEFINE_CLEANUP(SysfsDevice *, sysfs_close);

int sysfs_open(const SensorSettings *settings, const DriverTools *tools, const char *class, SysfsDevice **ret)
{
        _cleanup_(sysfs_closep) SysfsDevice *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;
        r = sensor_settings_copy(settings, &d->settings);
        if (r < 0)
                return r;
        if (asprintf(&d->class, "%s/%s", tools->sysfs ?: "/sys", class) < 0) {
                d->class = NULL;
                return -ENOMEM;
        }
        *ret = TAKE_PTR(d);
        return 0;
}

/* ---- finding ---- */

void sysfs_forget(SysfsDevice *d)
{
        free(d->folder);
        d->folder = NULL;
}

int sysfs_place(void *device, const char *folder)
{
        SysfsDevice *d = device;

        sysfs_forget(d);
        d->folder = strdup(folder);
        return d->folder ? 0 : -ENOMEM;
}

/* What was seen on the way, for the words. */
typedef struct Search {
        unsigned n_found, n_seen;
        char names[LIST_MAX], paths[LIST_MAX];
} Search;

static void add_word(char list[static LIST_MAX], const char *word)
{
        size_t n = strlen(list);

        if (n + strlen(word) + 8 < LIST_MAX)
                (void)snprintf(list + n, LIST_MAX - n, "%s%s", n > 0 ? ", " : "", word);
        else if (n > 0 && n + 5 < LIST_MAX && strcmp(list + n - 3, "...") != 0)
                (void)strcat(list, ", ...");
}

/* The part of a device's path that tells where it is: without the number of this boot. */
static const char *place_of(const char *real)
{
        static char none[] = "";
        const char *devices = strstr(real, "/devices/");

        return devices ? devices + 9 : none;
}

static int try_entry(SysfsDevice *d, const char *entry, Search *search)
{
        _cleanup_free_ char *folder = NULL, *name_file = NULL, *real = NULL;
        const char *name;
        Sample sample;

        if (asprintf(&folder, "%s/%s", d->class, entry) < 0) {
                folder = NULL;
                return -ENOMEM;
        }
        if (asprintf(&name_file, "%s/name", folder) < 0) {
                name_file = NULL;
                return -ENOMEM;
        }
        if (text_file_load(name_file, &d->text, &sample) != 0)
                return 0;
        buffer_append(&d->text, "", 1);
        if (buffer_error(&d->text) < 0)
                return -ENOMEM;
        d->text.data[strcspn(d->text.data, "\n")] = 0;
        name = d->text.data;
        search->n_seen++;
        add_word(search->names, name);
        if (strcmp(name, d->settings.device) != 0)
                return 0;
        real = realpath(folder, NULL);
        if (!real)
                return errno == ENOMEM ? -ENOMEM : 0;
        add_word(search->paths, place_of(real));
        if (d->settings.at && !strstr(real, d->settings.at))
                return 0;
        if (search->n_found++ == 0)
                d->folder = TAKE_PTR(folder);
        return 0;
}

int sysfs_find(SysfsDevice *d, Sample *sample)
{
        const char *name = d->settings.device;
        Search search = {};
        int r = 0;
        DIR *dir;

        if (d->folder)
                return 0;
        dir = opendir(d->class);
        if (!dir)
                return text_file_fail(d->class, errno, sample);
        for (struct dirent *e; r == 0 && (e = readdir(dir));)
                if (e->d_name[0] != '.')
                        r = try_entry(d, e->d_name, &search);
        closedir(dir);
        if (r == 0 && search.n_found == 1)
                return 0;
        sysfs_forget(d);
        if (r < 0)
                return r;
        if (search.n_found > 1)
                return sample_fail(sample, REFUSAL_UNREADABLE, "%u devices are called %s%s: `at` picks one, by a part "
                                                               "of "
                                   "its path: %s", search.n_found, name, d->settings.at ? " there" : "", search.paths);
        if (search.paths[0])
                return sample_fail(sample, REFUSAL_UNREADABLE, "no device called %s has \"%s\" in its path; there is "
                                                               "%s",
                                   name, d->settings.at, search.paths);
        return sample_fail(sample, REFUSAL_UNREADABLE, "no device in %s is called %s; there %s", d->class, name,
                           search.n_seen > 0 ? search.names : "is none");
}

int sysfs_read(SysfsDevice *d, SysfsChannelFn read_channel, Sample *sample)
{
        int r = sysfs_find(d, sample);

        for (size_t i = 0; i < d->settings.n_channels && r == 0; i++) {
                sample->channels[i].name = d->settings.channels[i].name;
                r = read_channel(d, &d->settings.channels[i], &sample->channels[i].value, sample);
        }
        sample->n_channels = d->settings.n_channels;
        if (r != 0)
                sysfs_forget(d);
        return r;
}

const char *sysfs_found_unit(void *device, size_t i)
{
        const SysfsDevice *d = device;

        return d->units[i];
}

const char *sysfs_shares(const SensorSettings *settings)
{
        return settings->device;
}

/* ---- attributes ---- */

static int path_of(const SysfsDevice *d, const char *attribute, char **ret)
{
        if (asprintf(ret, "%s/%s", d->folder, attribute) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

bool sysfs_has(const SysfsDevice *d, const char *attribute)
{
        _cleanup_free_ char *path = NULL;

        return path_of(d, attribute, &path) == 0 && access(path, F_OK) == 0;
}

int sysfs_text(SysfsDevice *d, const char *attribute, const char **ret, Sample *sample)
{
        _cleanup_free_ char *path = NULL;
        int r = path_of(d, attribute, &path);

        if (r == 0)
                r = text_file_load(path, &d->text, sample);
        if (r != 0)
                return r;
        buffer_append(&d->text, "", 1);
        if (buffer_error(&d->text) < 0)
                return -ENOMEM;
        d->text.data[strcspn(d->text.data, "\n")] = 0;
        *ret = d->text.data;
        return 0;
}

int sysfs_number(SysfsDevice *d, const char *attribute, double *ret, Sample *sample)
{
        const char *text;
        int r = sysfs_text(d, attribute, &text, sample);

        if (r != 0)
                return r;
        if (number_parse(text, ret) < 0)
                return sample_fail(sample, REFUSAL_MALFORMED, "\"%.32s\" in %s/%s is not a number", text, d->folder,
                                   attribute);
        return 0;
}

int sysfs_value(const ChannelSettings *c, const char *attribute, double x, double parts, Value *ret, Sample *sample)
{
        /* divided, 25080 thousandths are 25.08 to the last digit; times 0.001 they are not */
        x = x / parts * c->scale + c->offset;
        if (!isfinite(x))
                return sample_fail(sample, REFUSAL_RANGE, "channel %s: %s is beyond what a number can hold", c->name,
                                   attribute);
        *ret = (Value){.kind = VALUE_NUMBER, .number = x};
        return 0;
}
