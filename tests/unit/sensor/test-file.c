/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/driver.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "suite.h"

static char folder[32], path[64];

static void setup(void)
{
        strcpy(folder, "/tmp/hublink-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/value", folder);
}

static void teardown(void)
{
        char command[64];

        (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
        ck_assert_int_eq(system(command), 0);
}

static void write_file(const void *data, size_t n)
{
        FILE *f = fopen(path, "w");

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(data, 1, n, f), n);
        ck_assert_int_eq(fclose(f), 0);
}

static SensorSettings file_settings(const char *from, ChannelSettings *channels, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                channels[i].scale = channels[i].scale ? channels[i].scale : 1;
                if (!channels[i].name[0])
                        (void)snprintf(channels[i].name, sizeof(Name), "c%zu", i);
        }
        return (SensorSettings){.name = "x", .driver = (char *)"file", .path = (char *)(uintptr_t)from,
                                .interval_usec = USEC_PER_SEC, .channels = channels, .n_channels = n};
}

/* Reads it once: 0 and the sample, or SENSOR_E_FAILED. The device is for the caller to close. */
static int read_file(const char *from, ChannelSettings *channels, size_t n, Sample *sample, void **ret_device)
{
        SensorSettings s = file_settings(from, channels, n);
        char error[SENSOR_ERROR_MAX], *bad = NULL;

        ck_assert_msg(sensor_settings_check(&s, &bad) == 0, "%s", bad);
        ck_assert_int_eq(driver_file.open(&s, &(DriverTools){}, ret_device, error), 0);
        return driver_file.read(*ret_device, sample);
}

#define MEMINFO                                                                                                      \
        "MemTotal:        2031884 kB\nMemFree:          123456 kB\nMemAvailable:    1543210 kB\nBuffers:           " \
        "98765 kB\n"

START_TEST(values_are_found)
{
        static const struct {
                const char *content;
                ChannelSettings channel;
                double value;
        } cases[] = {
                {"48312\n", {.scale = 0.001}, 48.312},
                {"  -5 \n\n", {}, -5},
                {"0.52 0.58 0.59 1/123 4567\n", {.field = 1}, 0.52},
                {"0.52 0.58 0.59 1/123 4567\n", {.field = 2}, 0.58},
                {"0.52 0.58 0.59 1/123 4567\n", {.field = 5}, 4567},
                {"0.52 0.58 0.59 1/123 4567\n", {.pattern = (char *)"/([0-9]+)"}, 123},
                {MEMINFO, {.pattern = (char *)"^MemAvailable: +([0-9]+)"}, 1543210},
                {MEMINFO, {.pattern = (char *)"^MemAvailable: +([0-9]+)", .scale = 1024, .offset = 1},
                 1543210.0 * 1024 + 1},
                {MEMINFO, {.pattern = (char *)"[0-9]+"}, 2031884}, /* the whole of the first match */
                {"a\nb\n7\n", {.field = 3}, 7},
                {"1e3", {}, 1000},
                {"42", {.scale = -0.5, .offset = 1}, -20},
                {"5\0", {}, 5},
                {"x=3.5;y=4", {.pattern = (char *)"y=([^;]*)"}, 4},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ChannelSettings channel = cases[i].channel;
                Sample sample;
                void *device;

                write_file(cases[i].content, strlen(cases[i].content) + (i == 12));
                ck_assert_msg(read_file(path, &channel, 1, &sample, &device) == 0, "case %zu: %s", i, sample.error);
                ck_assert_uint_eq(sample.n_channels, 1);
                ck_assert_int_eq(sample.channels[0].value.kind, VALUE_NUMBER);
                ck_assert_msg(sample.channels[0].value.number == cases[i].value, "case %zu: %.17g", i,
                              sample.channels[0].value.number);
                driver_file.close(device);
        }
}
END_TEST

START_TEST(what_is_no_value_says_why)
{
        static const struct {
                const char *content;
                size_t n; /* 0: as a text */
                ChannelSettings channel;
                Refusal refusal;
                const char *words;
        } cases[] = {
                {"", 0, {}, REFUSAL_MALFORMED, "is empty"},
                {" \n\n", 0, {}, REFUSAL_MALFORMED, "is empty"},
                {"hello", 0, {}, REFUSAL_MALFORMED, "\"hello\" in "},
                {"12 13", 0, {}, REFUSAL_MALFORMED, "`field` or `pattern` picks a part"},
                {"12,5", 0, {}, REFUSAL_MALFORMED, "is not a number"},
                {"0x1f", 0, {}, REFUSAL_MALFORMED, "is not a number"},
                {"\x01\x02\xff garbage of more than thirty-two characters", 0, {}, REFUSAL_MALFORMED,
                 "\"??? garbage of more than thirty-...\""},
                {"1 2", 0, {.field = 3}, REFUSAL_MALFORMED, "has no field 3"},
                {"1 x", 0, {.field = 2}, REFUSAL_MALFORMED, "\"x\""},
                {"abc", 0, {.pattern = (char *)"[0-9]+"}, REFUSAL_MALFORMED, "finds nothing"},
                {"nan", 0, {}, REFUSAL_NAN, "says \"nan\""},
                {"-NaN\n", 0, {}, REFUSAL_NAN, "says"},
                {"inf", 0, {}, REFUSAL_NAN, "says"},
                {"-Infinity", 0, {}, REFUSAL_NAN, "says"},
                {"1e999", 0, {}, REFUSAL_RANGE, "beyond"},
                {"1e300", 0, {.scale = 1e300}, REFUSAL_RANGE, "beyond"},
                {"1\0002", 3, {}, REFUSAL_MALFORMED, "is not a number"},
                {"\xff\xfe", 0, {.text = true}, REFUSAL_MALFORMED, "not UTF-8"},
                {"a\0b", 3, {.text = true}, REFUSAL_MALFORMED, "not UTF-8"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ChannelSettings channel = cases[i].channel;
                Sample sample;
                void *device;

                write_file(cases[i].content, cases[i].n ? cases[i].n : strlen(cases[i].content));
                ck_assert_int_eq(read_file(path, &channel, 1, &sample, &device), SENSOR_E_FAILED);
                ck_assert_msg(sample.refusal == cases[i].refusal && strstr(sample.error, cases[i].words),
                              "case %zu: %s: %s", i, refusal_to_string(sample.refusal), sample.error);
                driver_file.close(device);
        }
}
END_TEST

START_TEST(what_cannot_be_read_says_why)
{
        ChannelSettings channel = {};
        Sample sample;
        void *device;

        ck_assert_int_eq(read_file("/no/such/file", &channel, 1, &sample, &device), SENSOR_E_FAILED);
        ck_assert_int_eq(sample.refusal, REFUSAL_UNREADABLE);
        ck_assert_ptr_nonnull(strstr(sample.error, "/no/such/file does not exist"));
        driver_file.close(device);
        ck_assert_int_eq(read_file(folder, &channel, 1, &sample, &device), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(sample.error, "is a folder"));
        driver_file.close(device);
        /* a pipe without a writer must not hang */
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        ck_assert_int_eq(read_file(path, &channel, 1, &sample, &device), SENSOR_E_FAILED);
        driver_file.close(device);
        ck_assert_int_eq(read_file("/dev/zero", &channel, 1, &sample, &device), SENSOR_E_FAILED);
        ck_assert_int_eq(sample.refusal, REFUSAL_TOO_LONG);
        driver_file.close(device);
        ck_assert_int_eq(read_file("/proc/self/mem", &channel, 1, &sample, &device), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(sample.error, "the device behind /proc/self/mem does not answer"));
        driver_file.close(device);
}
END_TEST

/* As the service manager does for PrivateTmp=, seen by this process alone. */
static bool cover_var_tmp(void)
{
        char origin[128];

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return false;
        (void)snprintf(origin, sizeof(origin), "%s/systemd-private-0a-hublinkd.service-x", folder);
        ck_assert_int_eq(mkdir(origin, 0755), 0);
        ck_assert_int_eq(mount(origin, "/var/tmp", NULL, MS_BIND, NULL), 0);
        return true;
}

START_TEST(what_the_unit_hides_is_told_as_hidden)
{
        ChannelSettings channel = {};
        Sample sample;
        void *device;

        if (!cover_var_tmp())
                return; /* nobody lets us mount: what hides which path is in test-sandbox.c */
        ck_assert_int_eq(read_file("/var/tmp/value", &channel, 1, &sample, &device), SENSOR_E_FAILED);
        ck_assert_int_eq(sample.refusal, REFUSAL_UNREADABLE);
        ck_assert_msg(strstr(sample.error, "/var/tmp/value is hidden from this service by its unit (PrivateTmp): have it written "
                                           "elsewhere"),
                      "%s", sample.error);
        driver_file.close(device);
        ck_assert_int_eq(umount("/var/tmp"), 0);
}
END_TEST

START_TEST(texts_are_taken_and_bounded)
{
        char content[READING_TEXT_MAX + 1];
        ChannelSettings channels[] = {{.text = true}, {.text = true, .field = 2},
                                      {.text = true, .pattern = (char *)"v([0-9.]+)"}};
        Sample sample;
        void *device;

        write_file(" Gr\xc3\xbc\xc3\x9f v1.2 Gott\n", 18);
        ck_assert_int_eq(read_file(path, channels, ARRAY_SIZE(channels), &sample, &device), 0);
        ck_assert_str_eq(sample.channels[0].value.text, "Gr\xc3\xbc\xc3\x9f v1.2 Gott");
        ck_assert_str_eq(sample.channels[1].value.text, "v1.2");
        ck_assert_str_eq(sample.channels[2].value.text, "1.2");
        driver_file.close(device);
        memset(content, 'x', sizeof(content));
        write_file(content, READING_TEXT_MAX);
        ck_assert_int_eq(read_file(path, channels, 1, &sample, &device), 0);
        write_file(content, READING_TEXT_MAX + 1);
        ck_assert_int_eq(driver_file.read(device, &sample), SENSOR_E_FAILED);
        ck_assert_int_eq(sample.refusal, REFUSAL_TOO_LONG);
        write_file("", 0);
        ck_assert_int_eq(driver_file.read(device, &sample), 0);
        ck_assert_str_eq(sample.channels[0].value.text, "");
        driver_file.close(device);
}
END_TEST

START_TEST(this_machine_can_be_read)
{
        ChannelSettings load[] = {{.field = 1}, {.field = 2}, {.field = 3}};
        ChannelSettings memory[] = {{.pattern = (char *)"^MemTotal: +([0-9]+)"},
                                    {.pattern = (char *)"^MemAvailable: +([0-9]+)"}};
        ChannelSettings thermal[] = {{.scale = 0.001}};
        Sample sample;
        void *device;

        ck_assert_msg(read_file("/proc/loadavg", load, ARRAY_SIZE(load), &sample, &device) == 0, "%s", sample.error);
        ck_assert_uint_eq(sample.n_channels, 3);
        ck_assert(sample.channels[0].value.number >= 0);
        driver_file.close(device);
        ck_assert_msg(read_file("/proc/meminfo", memory, ARRAY_SIZE(memory), &sample, &device) == 0, "%s",
                      sample.error);
        ck_assert(sample.channels[0].value.number > sample.channels[1].value.number);
        driver_file.close(device);
        /* many a machine has no sensor: then in words */
        if (read_file("/sys/class/thermal/thermal_zone0/temp", thermal, 1, &sample, &device) == 0)
                ck_assert(sample.channels[0].value.number > -60 && sample.channels[0].value.number < 150);
        else
                ck_assert_int_eq(sample.refusal, REFUSAL_UNREADABLE);
        driver_file.close(device);
}
END_TEST

START_TEST(settings_are_checked)
{
        static const struct {
                const char *member;
                SensorSettings sensor;
                ChannelSettings channel;
        } cases[] = {
                {"path", {}, {.scale = 1}},
                {"path", {.path = (char *)"proc/loadavg"}, {.scale = 1}},
                {"interval", {.path = (char *)"/x", .interval_usec = 1}, {.scale = 1}},
                {"timeout", {.path = (char *)"/x", .timeout_usec = 1}, {.scale = 1}},
                {"channels.c.pattern", {.path = (char *)"/x"}, {.scale = 1, .pattern = (char *)"("}},
                {"channels.c.pattern", {.path = (char *)"/x"}, {.scale = 1, .field = 1, .pattern = (char *)"x"}},
                {"channels.c.scale", {.path = (char *)"/x"}, {.scale = 2, .text = true}},
                {"channels.c.scale", {.path = (char *)"/x"}, {.scale = 0}},
                {"channels.c.scale", {.path = (char *)"/x"}, {.scale = __builtin_inf()}},
                {"channels.c.offset", {.path = (char *)"/x"}, {.scale = 1, .offset = __builtin_nan("")}},
                {"channels.q", {.path = (char *)"/x"}, {.name = "q", .scale = 1}},
                {"stream", {.path = (char *)"/x", .stream = "1x"}, {.scale = 1}},
                {"model", {.path = (char *)"/x", .model = (char *)"wind"}, {.scale = 1}},
                {"driver", {.path = (char *)"/x", .driver = (char *)"fiel"}, {.scale = 1}},
                {NULL, {.path = (char *)"/x"}, {.scale = 1, .pattern = (char *)"(x)"}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SensorSettings s = cases[i].sensor;
                ChannelSettings channel = cases[i].channel;
                char *error = NULL;

                strcpy(s.name, "x");
                if (!channel.name[0])
                        strcpy(channel.name, "c");
                s.driver = s.driver ? s.driver : (char *)"file";
                s.interval_usec = s.interval_usec ? s.interval_usec : USEC_PER_SEC;
                s.channels = &channel;
                s.n_channels = 1;
                ck_assert_int_eq(sensor_settings_check(&s, &error), cases[i].member ? SENSOR_E_BAD : 0);
                ck_assert_msg(!cases[i].member || (strncmp(error, cases[i].member, strlen(cases[i].member)) == 0 &&
                                                   error[strlen(cases[i].member)] == ':'),
                              "case %zu: %s", i, error);
                free(error);
        }
}
END_TEST

/* ---- settings as data ---- */

static SensorSettings full(ChannelSettings *channels)
{
        channels[0] = (ChannelSettings){.name = "a", .unit = (char *)"Cel", .scale = 1, .pattern = (char *)"x"};
        channels[1] = (ChannelSettings){.name = "b", .scale = 2, .bytes = 2};
        return (SensorSettings){.name = "n", .driver = (char *)"file", .stream = "s", .interval_usec = 1,
                                .timeout_usec = 2,
                                .channels = channels, .n_channels = 2, .path = (char *)"/p", .bus = (char *)"/b",
                                .address = 3, .listen = (char *)"l", .format = (char *)"f", .group = (char *)"g",
                                .max_rate = 4, .max_line = 5, .max_clients = 6, .model = (char *)"m", .seed = 7};
}

START_TEST(copies_are_equal_and_changes_are_seen)
{
        ChannelSettings channels[2], other_channels[2];
        SensorSettings s = full(channels), copy, other;

        ck_assert_int_eq(sensor_settings_copy(&s, &copy), 0);
        ck_assert(sensor_settings_equal(&s, &copy));
        ck_assert_ptr_ne(copy.path, s.path);
        sensor_settings_done(&copy);
        ck_assert_ptr_null(copy.channels);
        sensor_settings_done(&copy);

#define CHANGED(change)                                                                                              \
        do {                                                                                                         \
                other = full(other_channels);                                                                        \
                other.change;                                                                                        \
                ck_assert_msg(!sensor_settings_equal(&s, &other), #change);                                          \
                ck_assert_msg(!sensor_settings_equal(&other, &s), #change);                                          \
        } while (0)
        CHANGED(name[0] = 'x');
        CHANGED(driver = (char *)"i2c");
        CHANGED(stream[0] = 0);
        CHANGED(interval_usec++);
        CHANGED(timeout_usec++);
        CHANGED(n_channels--);
        CHANGED(path = NULL);
        CHANGED(bus = NULL);
        CHANGED(address++);
        CHANGED(listen = NULL);
        CHANGED(format = NULL);
        CHANGED(group = NULL);
        CHANGED(max_rate++);
        CHANGED(max_line++);
        CHANGED(max_clients++);
        CHANGED(model = NULL);
        CHANGED(seed++);
        CHANGED(channels[0].name[0] = 'x');
        CHANGED(channels[0].unit = (char *)"K");
        CHANGED(channels[0].scale++);
        CHANGED(channels[0].offset++);
        CHANGED(channels[0].field++);
        CHANGED(channels[0].pattern = NULL);
        CHANGED(channels[0].text = true);
        CHANGED(channels[1].reg++);
        CHANGED(channels[1].bytes++);
        CHANGED(channels[1].little_endian = true);
        CHANGED(channels[1].is_signed = true);
        CHANGED(channels[1].mask++);
        CHANGED(channels[1].shift++);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/file");
        TCase *c = suite_case(s, "files");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, values_are_found);
        tcase_add_test(c, what_is_no_value_says_why);
        tcase_add_test(c, what_cannot_be_read_says_why);
        tcase_add_test(c, what_the_unit_hides_is_told_as_hidden);
        tcase_add_test(c, texts_are_taken_and_bounded);
        tcase_add_test(c, this_machine_can_be_read);
        c = suite_case(s, "settings");
        tcase_add_test(c, settings_are_checked);
        tcase_add_test(c, copies_are_equal_and_changes_are_seen);
        return suite_run(s);
}
