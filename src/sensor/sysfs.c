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

/* The first line of it, as a string. */
static int end_line(Buffer *text)
{
        buffer_append(text, "", 1);
        if (buffer_error(text) < 0)
                return -ENOMEM;
        text->data[strcspn(text->data, "\n")] = 0;
        return 0;
}

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

/* Whole parts of a path, as they stand between its slashes: "1-0048" is not in "/11-0048/". */
static bool has_part(const char *path, const char *part)
{
        size_t n = strlen(part);

        if (n == 0)
                return true;
        for (const char *p = strstr(path, part); p; p = strstr(p + 1, part))
                if ((p == path || *part == '/' || p[-1] == '/') && (p[n] == 0 || p[n] == '/' || part[n - 1] == '/'))
                        return true;
        return false;
}

/* The driver's word for a device, or that of whoever built the board. A device may lack either. 0, 1: it is not
 * called so, -ENOMEM */
static int ask_name(SysfsDevice *d, const char *folder, Search *search)
{
        static const char *const files[] = {"name", "label"};
        bool called = false, seen = false;

        for (size_t i = 0; i < ARRAY_SIZE(files) && !called; i++) {
                _cleanup_free_ char *path = NULL;
                Sample sample;
                int r;

                if (asprintf(&path, "%s/%s", folder, files[i]) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = text_file_load(path, &d->text, &sample);
                if (r == 0)
                        r = end_line(&d->text);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                seen = true;
                if (search)
                        add_word(search->names, d->text.data);
                called = strcmp(d->text.data, d->settings.device) == 0;
        }
        if (search)
                search->n_seen += seen;
        return !called;
}

static int try_entry(SysfsDevice *d, const char *entry, Search *search)
{
        _cleanup_free_ char *folder = NULL, *real = NULL;
        int r;

        if (asprintf(&folder, "%s/%s", d->class, entry) < 0) {
                folder = NULL;
                return -ENOMEM;
        }
        real = realpath(folder, NULL);
        if (!real)
                return errno == ENOMEM ? -ENOMEM : 0;
        r = ask_name(d, real, search);
        if (r != 0)
                return r < 0 ? r : 0;
        add_word(search->paths, place_of(real));
        if (d->settings.at && !has_part(real, d->settings.at))
                return 0;
        /* Where it really is, below its parent: the same number may soon be below another one. */
        if (search->n_found++ == 0)
                d->folder = TAKE_PTR(real);
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
                return sample_fail(sample, REFUSAL_UNREADABLE, "%u devices are called %s%s: `at` picks one, by parts "
                                   "of its path: %s", search.n_found, name, d->settings.at ? " there" : "",
                                   search.paths);
        if (search.paths[0])
                return sample_fail(sample, REFUSAL_UNREADABLE, "no device called %s has \"%s\" in its path; there is "
                                                               "%s",
                                   name, d->settings.at, search.paths);
        return sample_fail(sample, REFUSAL_UNREADABLE, "no device in %s is called %s; there %s", d->class, name,
                           search.n_seen > 0 ? search.names : "is none");
}

static int read_found(SysfsDevice *d, SysfsChannelFn read_channel, Sample *sample)
{
        int r = sysfs_find(d, sample);

        for (size_t i = 0; i < d->settings.n_channels && r == 0; i++) {
                sample->channels[i].name = d->settings.channels[i].name;
                r = read_channel(d, &d->settings.channels[i], &sample->channels[i].value, sample);
        }
        sample->n_channels = d->settings.n_channels;
        return r;
}

/* Devices may be numbered anew while it runs. What was read is the device's if it was still called so afterwards; if
 * not, good or bad, it was another one's, or nobody's: then it is looked for again. */
int sysfs_read(SysfsDevice *d, SysfsChannelFn read_channel, Sample *sample)
{
        bool known = d->folder;
        int r = read_found(d, read_channel, sample), asked;

        if (r < 0 || !d->folder)
                return r;
        asked = ask_name(d, d->folder, NULL);
        if (asked > 0 && known) {
                sysfs_forget(d);
                r = read_found(d, read_channel, sample);
                asked = r == 0 ? ask_name(d, d->folder, NULL) : 0;
        }
        if (asked < 0)
                r = asked;
        else if (asked > 0 && r == 0)
                r = sample_fail(sample, REFUSAL_UNREADABLE, "%s was not called %s any more when it had been read",
                                d->folder, d->settings.device);
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
        if (r == 0)
                r = end_line(&d->text);
        if (r == 0)
                *ret = d->text.data;
        return r;
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

/* Which of two that have it would depend on the order in which the kernel made them. */
int sysfs_find_label(SysfsDevice *d, const char *label, const char *end, char **ret, Sample *sample)
{
        _cleanup_free_ char *found = NULL;
        DIR *dir = opendir(d->folder);
        int r = 0;

        *ret = NULL;
        if (!dir)
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s cannot be read: %s", d->folder,
                                   strerrordesc_np(errno));
        for (struct dirent *e; r == 0 && (e = readdir(dir));) {
                size_t n = strlen(e->d_name);
                const char *text;
                Sample ignored;

                if (n < 7 || strcmp(e->d_name + n - 6, "_label") != 0 ||
                    sysfs_text(d, e->d_name, &text, &ignored) != 0 || strcmp(text, label) != 0)
                        continue;
                if (found)
                        r = sample_fail(sample, REFUSAL_UNREADABLE, "%s and %s in %s have the label \"%s\": "
                                        "`attribute` picks one", found, e->d_name, d->folder, label);
                else if (!(found = strdup(e->d_name)))
                        r = -ENOMEM;
        }
        closedir(dir);
        if (r == 0 && !found)
                return sample_fail(sample, REFUSAL_UNREADABLE, "nothing in %s has the label \"%s\"", d->folder, label);
        if (r == 0 && asprintf(ret, "%.*s%s", (int)(strlen(found) - 6), found, end) < 0) {
                *ret = NULL;
                r = -ENOMEM;
        }
        return r;
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
