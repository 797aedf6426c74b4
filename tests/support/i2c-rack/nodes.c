/* SPDX-License-Identifier: Apache-2.0 */

/* In /dev a bus has a node while it is plugged in, and in /sys a name. An address that a driver has is a device there, with a
 * link to its driver and a folder of its class. */

#include "rack.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

static gchar *node_path(Rack *r, guint bus)
{
        g_autofree gchar *root = umockdev_testbed_get_root_dir(r->testbed);

        return g_strdup_printf("%s/dev/i2c-%u", root, bus);
}

static gchar *device_path(Rack *r, guint bus, guint address)
{
        g_autofree gchar *sys = umockdev_testbed_get_sys_dir(r->testbed);

        return g_strdup_printf("%s/devices/rack/i2c-%u/%u-%04x", sys, bus, bus, address);
}

static gboolean put_file(const char *folder, const char *name, const char *value, GError **error)
{
        g_autofree gchar *path = g_build_filename(folder, name, NULL), *line = g_strdup_printf("%s\n", value);

        return g_file_set_contents(path, line, -1, error);
}

/* A link in folder, which is made if need be. */
static gboolean put_link(const char *folder, const char *name, const char *target, GError **error)
{
        g_autofree gchar *path = g_build_filename(folder, name, NULL);

        (void)g_mkdir_with_parents(folder, 0755);
        (void)g_unlink(path);
        if (symlink(target, path) == 0)
                return TRUE;
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
        return FALSE;
}

/* ---- buses ---- */

static gboolean bus_show(Rack *r, guint bus, GError **error)
{
        g_autofree gchar *sys = umockdev_testbed_get_sys_dir(r->testbed), *entry = g_strdup_printf("i2c-%u", bus);
        g_autofree gchar *folder = g_build_filename(sys, "devices/rack", entry, NULL);
        g_autofree gchar *name = g_strdup_printf("bus %u of a rack", bus);
        g_autofree gchar *devices = g_build_filename(sys, "bus/i2c/devices", NULL);

        (void)g_mkdir_with_parents(folder, 0755);
        return put_file(folder, "name", name, error) && put_link(devices, entry, folder, error);
}

/* A file, since umockdev's own node is a link to a terminal: one of the kernel's that is gone has no link left. */
gboolean node_make(Rack *r, guint bus, GError **error)
{
        g_autofree gchar *path = node_path(r, bus), *folder = g_path_get_dirname(path);

        (void)g_mkdir_with_parents(folder, 0755);
        return g_file_set_contents(path, "", 0, error) && bus_show(r, bus, error);
}

void node_remove(Rack *r, guint bus)
{
        g_autofree gchar *sys = umockdev_testbed_get_sys_dir(r->testbed), *path = node_path(r, bus);
        g_autofree gchar *link = g_strdup_printf("%s/bus/i2c/devices/i2c-%u", sys, bus);

        (void)g_unlink(path);
        (void)g_unlink(link);
}

/* ---- drivers ---- */

/* The class has a link to the folder of what is shown, which has its name and one value. Addresses that differ in their
 * last three bits have monitors of their own. */
static gboolean show(Rack *r, const char *device, guint address, const char *driver, const char *kind, const char *file,
                     const char *value, GError **error)
{
        gboolean is_hwmon = g_str_equal(kind, "hwmon");
        g_autofree gchar *sys = umockdev_testbed_get_sys_dir(r->testbed);
        g_autofree gchar *entry = is_hwmon ? g_strdup_printf("hwmon%u", 3 + (address & 7)) : g_strdup("iio:device2");
        g_autofree gchar *shown = is_hwmon ? g_build_filename(device, "hwmon", entry, NULL) : g_build_filename(device, entry, NULL);
        g_autofree gchar *class = g_build_filename(sys, is_hwmon ? "class/hwmon" : "bus/iio/devices", NULL);

        (void)g_mkdir_with_parents(shown, 0755);
        return put_file(shown, "name", driver, error) && put_file(shown, file, value, error) &&
               put_link(class, entry, shown, error);
}

gboolean driver_show(Rack *r, guint bus, guint address, const char *driver, const char *kind, const char *file,
                     const char *value, GError **error)
{
        g_autofree gchar *sys = umockdev_testbed_get_sys_dir(r->testbed), *device = device_path(r, bus, address);
        g_autofree gchar *place = g_path_get_basename(device);
        g_autofree gchar *devices = g_build_filename(sys, "bus/i2c/devices", NULL);
        g_autofree gchar *home = g_build_filename(sys, "bus/i2c/drivers", driver, NULL);

        (void)g_mkdir_with_parents(home, 0755);
        return put_link(device, "driver", home, error) && put_link(devices, place, device, error) &&
               show(r, device, address, driver, kind, file, value, error);
}

/* The device stays, as after an unbind. */
void driver_hide(Rack *r, guint bus, guint address)
{
        g_autofree gchar *device = device_path(r, bus, address), *link = g_build_filename(device, "driver", NULL);

        (void)g_unlink(link);
}
