/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "file" - numbers and texts out of any file
 *
 * All channels come from one reading of the file (sensor/text-channels.h). A channel may name a file of its own: so
 * several attributes of a device make one reading. Each file is read once a turn.
 *
 * Reading may block for long (a driver that waits for its hardware), so it happens on a worker; each path has
 * its own, so that one that hangs holds up nobody else.
 */

#include "sensor/driver.h"

#include <errno.h>
#include <string.h>

#include "sensor/text-channels.h"
#include "sensor/text-file.h"

typedef struct File {
        SensorSettings settings;
        TextChannels *channels;
        Buffer content;
} File;

static const char *path_of(const SensorSettings *s, size_t i)
{
        return s->channels[i].path ? s->channels[i].path : s->path;
}

static int file_check(const SensorSettings *s, char **ret_error)
{
        if (s->path && s->path[0] != '/')
                return settings_bad(ret_error, "path: \"%s\" must begin with /", s->path);
        for (size_t i = 0; i < s->n_channels; i++) {
                const ChannelSettings *c = &s->channels[i];

                if (c->path && c->path[0] != '/')
                        return settings_bad(ret_error, "channels.%s.path: \"%s\" must begin with /", c->name, c->path);
                if (!path_of(s, i))
                        return settings_bad(ret_error, "path: is missing, here or in channels.%s; such as "
                                                       "\"/proc/loadavg\"",
                                            c->name);
        }
        if (!s->path && s->n_channels == 0)
                return settings_bad(ret_error, "path: is missing; such as \"/proc/loadavg\"");
        return text_channels_check(s, ret_error);
}

static void file_close(void *device)
{
        File *f = device;

        if (!f)
                return;
        text_channels_free(f->channels);
        buffer_done(&f->content);
        sensor_settings_done(&f->settings);
        free(f);
}
DEFINE_CLEANUP(File *, file_close);

static int file_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                     char error[static SENSOR_ERROR_MAX])
{
        _cleanup_(file_closep) File *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        r = sensor_settings_copy(settings, &f->settings);
        if (r >= 0)
                r = text_channels_new(&f->channels, &f->settings);
        if (r < 0)
                return r;
        *ret_device = TAKE_PTR(f);
        return 0;
}

/* Has this channel's file been read for one before it? */
static bool is_first_of_path(const SensorSettings *s, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (strcmp(path_of(s, k), path_of(s, i)) == 0)
                        return false;
        return true;
}

static int take_path(File *f, size_t first, Sample *sample)
{
        const SensorSettings *s = &f->settings;
        const char *path = path_of(s, first);
        int r = text_file_load(path, &f->content, sample);

        for (size_t i = first; i < s->n_channels && r == 0; i++)
                if (strcmp(path_of(s, i), path) == 0)
                        r = text_channels_take_one(f->channels, i, f->content.data, f->content.size, path, sample);
        return r;
}

static int file_read(void *device, Sample *sample)
{
        File *f = device;

        for (size_t i = 0; i < f->settings.n_channels; i++) {
                int r = is_first_of_path(&f->settings, i) ? take_path(f, i, sample) : 0;

                if (r != 0)
                        return r;
        }
        sample->n_channels = f->settings.n_channels;
        return 0;
}

static const char *file_shares(const SensorSettings *settings)
{
        return settings->path ? settings->path : path_of(settings, 0);
}

const SensorDriver driver_file = {
        .name = "file",
        .blocks = true,
        .check = file_check,
        .open = file_open,
        .read = file_read,
        .close = file_close,
        .shares = file_shares,
};
