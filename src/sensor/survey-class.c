/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey-core.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "sensor/text-file.h"

/* ---- files ---- */

int class_device_line(const char *folder, const char *file, char **ret)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_free_ char *path = NULL;
        Sample ignored;
        int r;

        *ret = NULL;
        if (asprintf(&path, "%s/%s", folder, file) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = text_file_load(path, &text, &ignored);
        if (r != 0)
                return MIN(r, 0);
        buffer_append(&text, "", 1);
        if (buffer_error(&text) < 0)
                return -ENOMEM;
        text.data[strcspn(text.data, "\n")] = 0;
        if (!*text.data || !utf8_is_valid(text.data, strlen(text.data)))
                return 0;
        *ret = strdup(text.data);
        return *ret ? 0 : -ENOMEM;
}

void class_device_files_free(char **files, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(files[i]);
        free(files);
}

/* temp2 before temp10, and not as the locale has it. */
static int by_count(const void *a, const void *b)
{
        return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int add_file(char ***files, size_t *n, const char *name)
{
        char **more = reallocarray(*files, *n + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        *files = more;
        more[*n] = strdup(name);
        return more[*n] ? (++*n, 0) : -ENOMEM;
}

int class_device_files(const char *folder, char ***ret, size_t *ret_n)
{
        char **files = NULL;
        size_t n = 0;
        int r = 0;
        DIR *dir = opendir(folder);

        if (!dir)
                goto done; /* gone by now, or not for us: nothing to read there */
        for (struct dirent *e; r == 0 && (e = readdir(dir));)
                if (e->d_name[0] != '.')
                        r = add_file(&files, &n, e->d_name);
        (void)closedir(dir);
        if (r < 0) {
                class_device_files_free(files, n);
                return r;
        }
        if (n > 0)
                qsort(files, n, sizeof(*files), by_count);
done:
        *ret = files;
        *ret_n = n;
        return 0;
}

/* ---- the devices ---- */

static void device_done(ClassDevice *d)
{
        free(d->entry);
        free(d->folder);
        free(d->real);
        free(d->name);
        free(d->also);
}

void class_devices_done(ClassDevices *d)
{
        for (size_t i = 0; i < d->n; i++)
                device_done(&d->items[i]);
        free(d->items);
        *d = (ClassDevices){};
}

static int device_fill(ClassDevice *d, const char *sysfs, const char *class, const char *entry, const char *name_file,
                       const char *label_file)
{
        int r;

        d->entry = strdup(entry);
        if (asprintf(&d->folder, "%s/%s/%s", sysfs, class, entry) < 0)
                d->folder = NULL;
        if (!d->entry || !d->folder)
                return -ENOMEM;
        d->real = realpath(d->folder, NULL) ?: strdup("");
        r = d->real ? class_device_line(d->folder, name_file, &d->name) : -ENOMEM;
        return r == 0 && label_file ? class_device_line(d->folder, label_file, &d->also) : r;
}

static bool answers_to(const ClassDevice *d, const char *word)
{
        return (d->name && strcmp(d->name, word) == 0) || (d->also && strcmp(d->also, word) == 0);
}

static bool is_called_alone(const ClassDevices *d, size_t i, const char *word)
{
        for (size_t k = 0; k < d->n; k++)
                if (k != i && answers_to(&d->items[k], word))
                        return false;
        return true;
}

/* A driver calls all its devices the same; whoever built the board says which of them it is. */
static void prefer_labels(ClassDevices *d)
{
        for (size_t i = 0; i < d->n; i++) {
                ClassDevice *device = &d->items[i];
                char *name = device->name;

                if (!device->also || !is_called_alone(d, i, device->also))
                        continue;
                device->name = device->also;
                device->also = name;
                device->by_label = true;
        }
}

static int by_name_and_place(const void *a, const void *b)
{
        const ClassDevice *x = a, *y = b;
        int r = !x->name || !y->name ? !x->name - !y->name : strverscmp(x->name, y->name);

        return r != 0 ? r : strverscmp(x->real, y->real) ?: strverscmp(x->entry, y->entry);
}

static int list(ClassDevices *d, char **entries, size_t n, const char *sysfs, const char *prefix, const char *name_file,
                const char *label_file)
{
        int r = 0;

        d->items = calloc(n + 1, sizeof(*d->items));
        if (!d->items)
                return -ENOMEM;
        for (size_t i = 0; i < n && r == 0; i++)
                if (strncmp(entries[i], prefix, strlen(prefix)) == 0)
                        r = device_fill(&d->items[d->n++], sysfs, d->class, entries[i], name_file, label_file);
        if (r == 0)
                prefer_labels(d);
        qsort(d->items, d->n, sizeof(*d->items), by_name_and_place);
        return r;
}

int class_devices_list(ClassDevices *ret, const char *sysfs, const char *class, const char *prefix,
                       const char *name_file, const char *label_file)
{
        _cleanup_free_ char *folder = NULL;
        char **entries;
        size_t n;
        int r;

        *ret = (ClassDevices){.class = class};
        if (asprintf(&folder, "%s/%s", sysfs, class) < 0) {
                folder = NULL;
                return -ENOMEM;
        }
        r = class_device_files(folder, &entries, &n);
        if (r < 0)
                return r;
        r = list(ret, entries, n, sysfs, prefix, name_file, label_file);
        class_device_files_free(entries, n);
        if (r < 0)
                class_devices_done(ret);
        return r;
}

/* ---- what tells them apart ---- */

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Does the kernel count such parts of a path as they come? nvme0, i2c-1, host2, 0:0:0:0 are counted; coretemp.0, 1-0048
 * and 0000:3d:00.0 say what is where. */
static bool is_counted(const char *part, size_t n)
{
        size_t end = n;

        while (end > 0 && is_digit(part[end - 1]))
                end--;
        if (end == n)
                return false;
        if (end == 0 || is_letter(part[end - 1]) || part[end - 1] == ':')
                return true;
        return part[end - 1] == '-' && end > 1 && is_letter(part[end - 2]);
}

static bool is_alone(const ClassDevices *d, size_t i, const char *part)
{
        for (size_t k = 0; k < d->n; k++)
                if (k != i && answers_to(&d->items[k], d->items[i].name) && strstr(d->items[k].real, part))
                        return false;
        return true;
}

/* The deepest part of its path that no other has, "/1-0048/", of those that are counted or of those that are not. */
static int find_part(const ClassDevices *d, size_t i, bool counted, char **ret)
{
        const char *real = d->items[i].real, *devices = strstr(real, "/devices/");
        size_t end = strlen(real);

        *ret = NULL;
        if (!devices)
                return 0;
        /* the last one is the entry itself, a number of this boot */
        while (end > 0 && real[end] != '/')
                end--;
        while (real + end > devices + strlen("/devices")) {
                _cleanup_free_ char *part = NULL;
                size_t begin = end;

                while (real[--begin] != '/')
                        ;
                part = strndup(real + begin, end + 1 - begin);
                if (!part)
                        return -ENOMEM;
                if (is_counted(real + begin + 1, end - begin - 1) == counted && is_alone(d, i, part)) {
                        *ret = TAKE_PTR(part);
                        return 0;
                }
                end = begin;
        }
        return 0;
}

int class_device_at(const ClassDevices *d, size_t i, char **ret, bool *ret_is_told_apart, bool *ret_is_counted)
{
        int r;

        *ret = NULL;
        *ret_is_counted = false;
        *ret_is_told_apart = is_alone(d, i, "");
        if (*ret_is_told_apart)
                return 0;
        r = find_part(d, i, false, ret);
        if (r == 0 && !*ret) {
                *ret_is_counted = true;
                r = find_part(d, i, true, ret);
        }
        *ret_is_told_apart = *ret;
        return r;
}
