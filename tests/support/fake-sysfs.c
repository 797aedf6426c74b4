/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-sysfs.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "suite.h"

void fake_sysfs_init(FakeSysfs *f)
{
        strcpy(f->root, "/dev/shm/hublink-fake-sysfs-XXXXXX");
        if (mkdtemp(f->root))
                return;
        strcpy(f->root, "/tmp/hublink-fake-sysfs-XXXXXX");
        insist(mkdtemp(f->root));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
        return remove(path);
}

void fake_sysfs_done(FakeSysfs *f)
{
        insist(nftw(f->root, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

/* ---- files ---- */

static void path_of(const FakeSysfs *f, const char *path, char ret[static PATH_MAX])
{
        insist(snprintf(ret, PATH_MAX, "%s/%s", f->root, path) < PATH_MAX);
}

/* All folders on the way to it. */
static void make_way(char *path)
{
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                insist(mkdir(path, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }
}

void fake_sysfs_folder(const FakeSysfs *f, const char *path)
{
        char full[PATH_MAX];

        path_of(f, path, full);
        make_way(full);
        insist(mkdir(full, 0755) == 0 || errno == EEXIST);
}

void fake_sysfs_file(const FakeSysfs *f, const char *path, const char *text)
{
        char full[PATH_MAX];
        FILE *file;

        path_of(f, path, full);
        make_way(full);
        file = fopen(full, "we");
        insist(file);
        insist(fprintf(file, "%s\n", text) >= 0);
        insist(fclose(file) == 0);
}

void fake_sysfs_link(const FakeSysfs *f, const char *path, const char *target)
{
        char full[PATH_MAX], to[PATH_MAX];

        path_of(f, path, full);
        path_of(f, target, to);
        make_way(full);
        insist(symlink(to, full) == 0);
}

/* ---- devices ---- */

static void add_device(const FakeSysfs *f, const char *device, const char *link, const char *name,
                       const char *const *files)
{
        char path[PATH_MAX];

        fake_sysfs_folder(f, device);
        fake_sysfs_link(f, link, device);
        if (name) {
                (void)snprintf(path, sizeof(path), "%s/name", device);
                fake_sysfs_file(f, path, name);
        }
        for (; files && *files; files++) {
                const char *value = strchr(*files, '=') + 1;

                (void)snprintf(path, sizeof(path), "%s/%.*s", device, (int)(value - 1 - *files), *files);
                fake_sysfs_file(f, path, value);
        }
}

void fake_sysfs_hwmon(const FakeSysfs *f, unsigned number, const char *place, const char *name,
                      const char *const *files)
{
        char device[256], link[64];

        (void)snprintf(device, sizeof(device), "devices/%s/hwmon/hwmon%u", place, number);
        (void)snprintf(link, sizeof(link), "class/hwmon/hwmon%u", number);
        add_device(f, device, link, name, files);
}

void fake_sysfs_iio(const FakeSysfs *f, unsigned number, const char *place, const char *name, const char *const *files)
{
        char device[256], link[64];

        (void)snprintf(device, sizeof(device), "devices/%s/iio:device%u", place, number);
        (void)snprintf(link, sizeof(link), "bus/iio/devices/iio:device%u", number);
        add_device(f, device, link, name, files);
}

void fake_sysfs_zone(const FakeSysfs *f, unsigned number, const char *type, const char *temp)
{
        char device[64], link[64], files[2][64];

        (void)snprintf(device, sizeof(device), "devices/virtual/thermal/thermal_zone%u", number);
        (void)snprintf(link, sizeof(link), "class/thermal/thermal_zone%u", number);
        (void)snprintf(files[0], sizeof(files[0]), "type=%s", type);
        (void)snprintf(files[1], sizeof(files[1]), "temp=%s", temp);
        add_device(f, device, link, NULL, (const char *const[]){files[0], files[1], NULL});
}

/* ---- buses ---- */

void fake_sysfs_bus(const FakeSysfs *f, unsigned number, const char *place, const char *name)
{
        char device[256], link[64];

        (void)snprintf(device, sizeof(device), "devices/%s/i2c-%u", place, number);
        (void)snprintf(link, sizeof(link), "bus/i2c/devices/i2c-%u", number);
        add_device(f, device, link, name, NULL);
}

void fake_sysfs_chip(const FakeSysfs *f, unsigned number, const char *place, unsigned address, const char *type,
                     const char *driver)
{
        char device[256], link[64], path[300], target[64];

        (void)snprintf(device, sizeof(device), "devices/%s/i2c-%u/%u-%04x", place, number, number, address);
        (void)snprintf(link, sizeof(link), "bus/i2c/devices/%u-%04x", number, address);
        add_device(f, device, link, type, NULL);
        if (!driver)
                return;
        (void)snprintf(path, sizeof(path), "%s/driver", device);
        (void)snprintf(target, sizeof(target), "bus/i2c/drivers/%s", driver);
        fake_sysfs_folder(f, target);
        fake_sysfs_link(f, path, target);
}
