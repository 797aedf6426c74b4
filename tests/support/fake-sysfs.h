/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fake sysfs - a tree of files as the kernel shows its devices
 *
 * Devices stand below devices/, by their places; classes and buses have links to them. A folder of its own, in memory where
 * that can be, as the kernel's is; gone in the end.
 */

typedef struct FakeSysfs {
        char root[40];
} FakeSysfs;

void fake_sysfs_init(FakeSysfs *f);
void fake_sysfs_done(FakeSysfs *f);

/* path: below the root; folders are made on the way. text: the kernel ends it by a newline, and so does this. */
void fake_sysfs_file(const FakeSysfs *f, const char *path, const char *text);
void fake_sysfs_folder(const FakeSysfs *f, const char *path);
void fake_sysfs_link(const FakeSysfs *f, const char *path, const char *target); /* both below the root */

/* files: "temp1_input=51000", "temp1_label=Core 0", ..., ended by NULL. name: NULL for none. */
void fake_sysfs_hwmon(const FakeSysfs *f, unsigned number, const char *place, const char *name,
                      const char *const *files);
void fake_sysfs_iio(const FakeSysfs *f, unsigned number, const char *place, const char *name, const char *const *files);
void fake_sysfs_zone(const FakeSysfs *f, unsigned number, const char *type, const char *temp);

/* An adapter, and what stands on it, at such a place; driver: NULL for none. */
void fake_sysfs_bus(const FakeSysfs *f, unsigned number, const char *place, const char *name);
void fake_sysfs_chip(const FakeSysfs *f, unsigned number, const char *place, unsigned address, const char *type,
                     const char *driver);
