/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/i2c-holder.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *last_part(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* "/dev/i2c-1", or "/dev/rack" that is a link to it: 1. */
static bool bus_number(const char *bus, unsigned *ret)
{
        char room[PATH_MAX];
        const char *real;

        if (sscanf(last_part(bus), "i2c-%u", ret) == 1)
                return true;
        real = realpath(bus, room);
        return real && sscanf(last_part(real), "i2c-%u", ret) == 1;
}

static bool find_driver(I2cHolder *h)
{
        char link[sizeof(h->folder) + 8], target[256];
        ssize_t n;

        (void)snprintf(link, sizeof(link), "%s/driver", h->folder);
        n = readlink(link, target, sizeof(target) - 1);
        if (n < 0)
                return false;
        target[n] = 0;
        (void)snprintf(h->driver, sizeof(h->driver), "%.31s", last_part(target));
        return true;
}

static void read_name(I2cHolder *h)
{
        char path[sizeof(h->shown) + 8];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/name", h->shown);
        f = fopen(path, "re");
        if (!f)
                return;
        if (fgets(h->name, sizeof(h->name), f))
                h->name[strcspn(h->name, "\n")] = 0;
        (void)fclose(f);
}

/* The first entry of folder whose name begins so. */
static bool find_shown(I2cHolder *h, const char *below, const char *prefix, const char *kind)
{
        char folder[sizeof(h->folder) + 8];
        DIR *dir;

        (void)snprintf(folder, sizeof(folder), "%s%s", h->folder, below);
        dir = opendir(folder);
        if (!dir)
                return false;
        for (struct dirent *e; !*h->shown && (e = readdir(dir));)
                if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
                        (void)snprintf(h->shown, sizeof(h->shown), "%s/%.48s", folder, e->d_name);
        (void)closedir(dir);
        if (!*h->shown)
                return false;
        h->kind = kind;
        read_name(h);
        return true;
}

bool i2c_holder_find(I2cHolder *ret, const char *sysfs, const char *bus, unsigned address)
{
        unsigned number;
        int n;

        *ret = (I2cHolder){};
        if (!bus_number(bus, &number))
                return false;
        (void)snprintf(ret->place, sizeof(ret->place), "%u-%04x", number % 100000, address & 0x3ff);
        n = snprintf(ret->folder, sizeof(ret->folder), "%s/bus/i2c/devices/%s", sysfs ?: "/sys", ret->place);
        if (n >= (int)sizeof(ret->folder) || !find_driver(ret))
                return false;
        if (!find_shown(ret, "/hwmon", "hwmon", "hwmon"))
                (void)find_shown(ret, "", "iio:device", "iio");
        return true;
}
