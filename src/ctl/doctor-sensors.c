/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sensors: is what each of them reads there, and may the daemon read it?
 */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/doctor.h"
#include "sensor/i2c-holder.h"
#include "sensor/sandbox.h"

#define WHY "Of this sensor nothing is read and nothing is sent."

/* What a kernel shows, and what programs leave while they run: a tree of files has it only where somebody kept it. */
static bool is_there_while_it_runs(const char *path)
{
        static const char *const folders[] = {"/dev/", "/sys/", "/proc/", "/run/"};

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                if (strncmp(path, folders[i], strlen(folders[i])) == 0)
                        return true;
        return false;
}

static void tell_left_out(Doctor *d, const SensorSettings *s, const char *what)
{
        doctor_unseen(d, "sensor", "left out: sensor %s: %s is there while that machine runs (--root)", s->name, what);
}

static void tell_absent(Doctor *d, const SensorSettings *s, const char *path, const char *remedy)
{
        if (doctor_sees_files_only(d) && is_there_while_it_runs(path))
                tell_left_out(d, s, path);
        else
                doctor_tell(d, VERDICT_PROBLEM, "sensor-absent", (Advice){WHY, remedy}, "sensor %s: %s is not there",
                            s->name, path);
}

/* The command that opens it, or what to write. */
static void tell_closed(Doctor *d, const SensorSettings *s, const char *device)
{
        char remedy[PATH_MAX + 128];
        const char *name = sandbox_remedy(NULL, device, EACCES);

        if (name)
                (void)snprintf(remedy, sizeof(remedy), "hublinkctl setup --enable %s", name);
        else
                (void)snprintf(remedy, sizeof(remedy), "systemctl edit hublinkd: [Service], PrivateDevices=no, "
                                                       "DeviceAllow=%s r; "
                               "then: systemctl restart hublinkd", device);
        doctor_tell(d, VERDICT_PROBLEM, "sensor-unit",
                    (Advice){"The unit keeps all devices away from hublinkd; " WHY, remedy},
                    "sensor %s: the unit does not let hublinkd have %s", s->name, device);
}

/* ---- I2C ---- */

static void tell_holder(Doctor *d, const SensorSettings *s, const I2cHolder *h)
{
        char remedy[512];

        if (*h->shown)
                (void)snprintf(remedy, sizeof(remedy),
                               "Read what that driver shows: driver = \"%s\"; device = \"%s\"; at = \"/%s/\"; or take "
                               "the address from it: echo %s > /sys/bus/i2c/drivers/%s/unbind",
                               h->kind, h->name, h->place, h->place, h->driver);
        else
                (void)snprintf(remedy, sizeof(remedy),
                               "Take the address from it: echo %s > /sys/bus/i2c/drivers/%s/unbind", h->place,
                               h->driver);
        doctor_tell(d, VERDICT_PROBLEM, "sensor-held",
                    (Advice){"Two who talk to one chip get each other's bytes, so hublinkd leaves it alone.", remedy},
                    "sensor %s: address 0x%02x on %s belongs to the kernel's driver %s", s->name, s->address, s->bus,
                    h->driver);
}

static void look_at_i2c(Doctor *d, const SensorSettings *s)
{
        char path[PATH_MAX], sysfs[PATH_MAX];
        I2cHolder holder;
        int r;

        doctor_place(d, s->bus, path);
        doctor_place(d, "/sys", sysfs);
        if (i2c_holder_find(&holder, sysfs, path, s->address)) {
                tell_holder(d, s, &holder);
                return;
        }
        if (access(path, F_OK) < 0 && !doctor_is_denied(d, -errno)) {
                tell_absent(d, s, s->bus, "modprobe i2c-dev; ls /dev/i2c-*; hublinkctl sensors scan; is the bus "
                                          "enabled (device tree, firmware)?");
                return;
        }
        if (!doctor_unit_opens(d, s->bus)) {
                tell_closed(d, s, s->bus);
                return;
        }
        r = doctor_as_daemon(d, may_read_write, path);
        if (r == -ENOTSUP)
                doctor_unseen(d, "sensor", "sensor %s: whether user hublink may use %s, only root can look", s->name,
                              s->bus);
        else if (r < 0)
                doctor_tell(d, VERDICT_PROBLEM, "sensor-rights",
                            (Advice){WHY, "hublinkctl setup --enable i2c; the device's group: ls -l /dev/i2c-*"},
                            "sensor %s: user hublink may not use %s: %s", s->name, s->bus, strerror(-r));
        else
                doctor_well(d, "sensor", "sensor %s: %s can be used", s->name, s->bus);
}

/* ---- files ---- */

static void tell_hidden(Doctor *d, const SensorSettings *s, const char *file, const char *word)
{
        char why[128];

        (void)snprintf(why, sizeof(why), "The unit's sandbox (%s) hides it from hublinkd; " WHY, word);
        doctor_tell(d, VERDICT_PROBLEM, "sensor-hidden",
                    (Advice){why, "Have it written elsewhere, such as below /run or /var/lib."},
                    "sensor %s: hublinkd does not see %s", s->name, file);
}

static void look_at_file(Doctor *d, const SensorSettings *s, const char *file, int (*question)(const char *path))
{
        char path[PATH_MAX];
        const char *word;
        int r;

        doctor_place(d, file, path);
        if (access(path, F_OK) < 0 && errno == ENOENT) {
                tell_absent(d, s, file, "Check the path, and whether what writes it runs.");
                return;
        }
        if ((word = doctor_unit_hides(d, file))) {
                tell_hidden(d, s, file, word);
                return;
        }
        if (strncmp(file, "/dev/", 5) == 0 && !doctor_unit_opens(d, file)) {
                tell_closed(d, s, file);
                return;
        }
        r = doctor_as_daemon(d, question, path);
        if (r == -ENOTSUP)
                doctor_unseen(d, "sensor", "sensor %s: whether user hublink may use %s, only root can look", s->name,
                              file);
        else if (r < 0)
                doctor_tell(d, VERDICT_PROBLEM, "sensor-rights",
                            (Advice){WHY, "Let user hublink read it, and pass the folders above: namei -l shows them"},
                            "sensor %s: user hublink may not use %s: %s", s->name, file, strerror(-r));
        else
                doctor_well(d, "sensor", "sensor %s: %s can be used", s->name, file);
}

static void look_at_files(Doctor *d, const SensorSettings *s)
{
        if (s->path)
                look_at_file(d, s, s->path, may_read);
        for (size_t i = 0; i < s->n_channels; i++)
                if (s->channels[i].path)
                        look_at_file(d, s, s->channels[i].path, may_read);
}

static void look_at_program(Doctor *d, const SensorSettings *s)
{
        char path[PATH_MAX];

        (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(s->command, "\n"), s->command);
        look_at_file(d, s, path, may_run);
}

/* ---- what the kernel shows by name ---- */

static bool says(const char *folder, const char *file, const char *word)
{
        _cleanup_free_ char *path = NULL, *text = NULL;

        if (asprintf(&path, "%s/%s", folder, file) < 0) {
                path = NULL;
                return false;
        }
        if (doctor_read(path, &text) < 0)
                return false;
        text[strcspn(text, "\n")] = 0;
        return strcmp(text, word) == 0;
}

/* By the driver's word for it, or by its label. */
static bool has_device(const Doctor *d, const char *class, const char *name)
{
        char named[PATH_MAX], folder[PATH_MAX];
        bool found = false;
        DIR *dir;

        (void)snprintf(named, sizeof(named), "/sys/%s", class);
        doctor_place(d, named, folder);
        dir = opendir(folder);
        for (struct dirent *e; dir && !found && (e = readdir(dir));) {
                _cleanup_free_ char *device = NULL;

                if (*e->d_name == '.' || asprintf(&device, "%s/%s", folder, e->d_name) < 0)
                        continue;
                found = says(device, "name", name) || says(device, "label", name);
        }
        if (dir)
                (void)closedir(dir);
        return found;
}

static void look_at_device(Doctor *d, const SensorSettings *s, const char *class)
{
        char words[256];

        if (has_device(d, class, s->device)) {
                doctor_well(d, "sensor", "sensor %s: the kernel shows %s", s->name, s->device);
                return;
        }
        (void)snprintf(words, sizeof(words), "the device %s (/sys/%s)", s->device, class);
        if (doctor_sees_files_only(d))
                tell_left_out(d, s, words);
        else
                tell_absent(d, s, words, "hublinkctl sensors scan shows those that are there; is the driver's module "
                                         "loaded (lsmod)?");
}

void doctor_sensors(Doctor *d)
{
        if (!d->settings) {
                doctor_unseen(d, "sensors", "the settings do not tell which there are");
                return;
        }
        for (size_t i = 0; i < d->settings->n_sensors; i++) {
                const SensorSettings *s = &d->settings->sensors[i];

                if (strcmp(s->driver, "i2c") == 0)
                        look_at_i2c(d, s);
                else if (strcmp(s->driver, "hwmon") == 0)
                        look_at_device(d, s, "class/hwmon");
                else if (strcmp(s->driver, "iio") == 0)
                        look_at_device(d, s, "bus/iio/devices");
                else if (strcmp(s->driver, "program") == 0)
                        look_at_program(d, s);
                else
                        look_at_files(d, s);
        }
        doctor_watches(d);
}
