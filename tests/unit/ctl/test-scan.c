/* SPDX-License-Identifier: Apache-2.0 */

/* What was found, as settings: whatever a machine calls its devices, they load, and say what was found. */

#include "ctl/scan.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "daemon/settings.h"
#include "fake-clock.h"
#include "fake-i2c.h"
#include "fake-sysfs.h"
#include "suite.h"

#define FILES(...) ((const char *const[]){__VA_ARGS__, NULL})

static FakeSysfs sysfs;
static Survey *survey;
static Buffer text;

static void setup(void)
{
        fake_sysfs_init(&sysfs);
}

static void teardown(void)
{
        survey = survey_free(survey);
        buffer_done(&text);
        fake_sysfs_done(&sysfs);
}

static void look(void)
{
        survey = survey_free(survey);
        ck_assert_int_eq(survey_new(&survey, sysfs.root, NULL), 0);
        ck_assert_int_eq(survey_name(survey), 0);
}

static Settings *load(void)
{
        Settings *settings = NULL;
        Problems problems = {};
        int r;

        buffer_clear(&text);
        scan_put_settings(&text, survey);
        insist(buffer_error(&text) == 0);
        r = settings_load_text(&settings, "scan.conf", text.data, "/tmp", &problems);
        ck_assert_msg(r == 0, "%s\n%s", problems.n > 0 ? problems.items[0].text : "", text.data);
        problems_done(&problems);
        return settings;
}

static const SensorSettings *find(const Settings *settings, const char *name)
{
        for (size_t i = 0; i < settings->n_sensors; i++)
                if (strcmp(settings->sensors[i].name, name) == 0)
                        return &settings->sensors[i];
        return NULL;
}

static bool same(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool has_channel(const SensorSettings *s, const ChannelSettings *c)
{
        for (size_t i = 0; i < s->n_channels; i++)
                if (strcmp(s->channels[i].name, c->name) == 0)
                        return same(s->channels[i].attribute, c->attribute) && same(s->channels[i].label, c->label) &&
                               same(s->channels[i].unit, c->unit) && s->channels[i].scale == c->scale;
        return false;
}

/* What works is there to the letter, what does not is not, and there is nothing else. */
static void hold_against_survey(const Settings *settings)
{
        size_t n = 0;

        for (size_t i = 0; i < survey->n_sensors; i++) {
                const SurveySensor *sensor = &survey->sensors[i];
                const SensorSettings *s = find(settings, sensor->settings.name);

                insist(!s == (sensor->why_not != NULL));
                if (!s)
                        continue;
                n++;
                ck_assert_str_eq(s->driver, sensor->settings.driver);
                insist(same(s->device, sensor->settings.device) && same(s->at, sensor->settings.at) &&
                       same(s->path, sensor->settings.path) && s->interval_usec == sensor->settings.interval_usec);
                for (size_t k = 0; k < sensor->settings.n_channels; k++)
                        ck_assert_msg(has_channel(s, &sensor->settings.channels[k]) == !sensor->channels[k].error, "%s.%s",
                                      s->name, sensor->settings.channels[k].name);
        }
        ck_assert_uint_eq(settings->n_sensors, n);
}

static void check_all(void)
{
        Settings *settings;

        look();
        settings = load();
        hold_against_survey(settings);
        settings_free(settings);
        for (size_t i = 0; i < text.size; i++) /* nothing that moves a cursor */
                insist((unsigned char)text.data[i] >= 0x20 || text.data[i] == '\n');
        insist(utf8_is_valid(text.data, text.size));
}

static json_object *json(void)
{
        json_object *root;

        buffer_clear(&text);
        scan_put_json(&text, survey);
        insist(buffer_error(&text) == 0);
        root = json_tokener_parse(text.data);
        ck_assert_msg(root != NULL, "%s", text.data);
        return root;
}

/* ---- as settings ---- */

START_TEST(a_gateway_is_told_with_values_and_units)
{
        static const char *const lines[] = {
                "# I2C bus /dev/i2c-1: bcm2835\n",
                "#   0x48 tmp102: belongs to driver lm75 of the kernel; driver hwmon reads it: device tmp102, at /1-0048/\n",
                "#   0x50 24c02: declared, but no driver of the kernel has it\n",
                "#   Not probed: hublinkctl sensors scan --probe 1 asks who is there.\n",
                "  # coretemp, now /sys/class/hwmon/hwmon4 (platform/coretemp.0)\n  coretemp: {\n    driver = \"hwmon\";\n"
                "    device = \"coretemp\";\n    interval = \"10s\";\n    channels: {\n"
                "      package_id_0: { label = \"Package id 0\"; };  # 51.5 Cel\n"
                "      # temp2: { attribute = \"temp2_input\"; };  # \"junk\" in ",
                "  # Its number may be another one after the next boot.\n  soc: {\n    driver = \"file\";\n"
                "    path = \"/sys/class/thermal/thermal_zone3/temp\";\n    interval = \"10s\";\n    channels: {\n"
                "      temperature: { scale = 0.001; unit = \"Cel\"; };  # 40 Cel\n",
                "  # Not as it is: none of its values can be read now.\n  # dead: {\n  #   driver = \"hwmon\";\n",
        };

        fake_sysfs_bus(&sysfs, 1, "platform/a", "bcm2835");
        fake_sysfs_chip(&sysfs, 1, "platform/a", 0x48, "tmp102", "lm75");
        fake_sysfs_chip(&sysfs, 1, "platform/a", 0x50, "24c02", NULL);
        fake_sysfs_hwmon(&sysfs, 0, "platform/a/i2c-1/1-0048", "tmp102", FILES("temp1_input=1000"));
        fake_sysfs_hwmon(&sysfs, 4, "platform/coretemp.0", "coretemp",
                         FILES("temp1_input=51500", "temp1_label=Package id 0", "temp2_input=junk"));
        fake_sysfs_hwmon(&sysfs, 5, "platform/dead", "dead", FILES("temp1_input=junk"));
        fake_sysfs_zone(&sysfs, 3, "soc", "40000");
        check_all();
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                ck_assert_msg(strstr(text.data, lines[i]) != NULL, "%s\n%s", lines[i], text.data);
}
END_TEST

START_TEST(nothing_at_all_loads_too)
{
        check_all();
        ck_assert_ptr_nonnull(strstr(text.data, "# I2C: no bus."));
        fake_sysfs_hwmon(&sysfs, 0, "platform/a", NULL, NULL);
        fake_sysfs_hwmon(&sysfs, 1, "platform/b", "dead", FILES("temp1_input=junk"));
        check_all();
        ck_assert_uint_eq(survey->n_sensors, 2);
}
END_TEST

static uint64_t draw(FakeRandom *dice)
{
        return dice->random.draw(dice->random.userdata) >> 8;
}

/* Names and labels of any bytes, by seeded dice: the settings hold those very bytes, or none of them. */
START_TEST(any_bytes_load)
{
        static const char *const pieces[] = {"\"", "\\", "#", "};", "/*", "*/", "//", "\t", "\x1b[2J", "\x7f", "\xc2\x85", "\r",
                                             "\xe2\x80\xae", "\xff", "\xc3\xa9", "@include \"x\"", "a", "7", " ", "%s",
                                             "\\x41", "\\n", "'", "${value}"};
        FakeRandom dice;

        fake_random_init(&dice, 17);
        for (unsigned round = 0; round < 60; round++) {
                char words[3][128] = {}, label[160];
                Settings *settings;

                for (size_t w = 0; w < 3; w++)
                        for (uint64_t n = draw(&dice) % 6 + 1; n > 0; n--)
                                strcat(words[w], pieces[draw(&dice) % ARRAY_SIZE(pieces)]);
                (void)snprintf(label, sizeof(label), "temp1_label=%s", words[1]);
                fake_sysfs_hwmon(&sysfs, round, "platform/a", words[0], FILES(label, "temp1_input=1000"));
                fake_sysfs_zone(&sysfs, round, "soc", words[2]);
                fake_sysfs_bus(&sysfs, round, "platform/a", words[2]);
                check_all();
                settings = load();
                settings_free(settings);
                json_object_put(json());
        }
}
END_TEST

START_TEST(more_than_settings_take_load)
{
        for (unsigned i = 0; i < 600; i++) {
                char place[32];

                (void)snprintf(place, sizeof(place), "platform/p.%u", i);
                fake_sysfs_hwmon(&sysfs, i, place, "same", FILES("temp1_input=1000"));
        }
        check_all();
        ck_assert_ptr_nonnull(strstr(text.data, "# Not as it is: a gateway has at most 256 sensors."));
        ck_assert_uint_lt(text.size, 160 * 1024);
}
END_TEST

/* ---- probed ---- */

static ChipDescription bme = {.holders = 2, .title = (char *)"B ME", .addresses = {1, {0x76}}, .identity = {{1, {0xd0}}, 1, 0, 0x60}};
static ChipDescription tmp102 = {.holders = 2, .title = (char *)"T 2", .addresses = {1, {0x48}}};
static const NamedChip chips[] = {{"bme280", &bme}, {"tmp102", &tmp102}};

static void probe(FakeI2c *i2c)
{
        fake_i2c_init(i2c);
        fake_i2c_set(i2c, 0x76, 0xd0, "\x60", 1);
        fake_i2c_set(i2c, 0x48, 0, "", 1);
        i2c->chips[0x20].present = true;
        i2c->chips[0x20].error = -EBUSY;
        fake_sysfs_bus(&sysfs, 1, "platform/a", "adapter");
        ck_assert_int_eq(survey_new(&survey, sysfs.root, &i2c->port), 0);
        ck_assert_int_eq(survey_probe(survey, &i2c->port, FAKE_I2C_BUS, chips, ARRAY_SIZE(chips)), 0);
        ck_assert_int_eq(survey_name(survey), 0);
}

START_TEST(what_was_probed_is_told)
{
        static const char *const lines[] = {
                "# I2C bus /dev/i2c-1: adapter; plain I2C and SMBus\n",
                "#   0x20: belongs to a driver of the kernel\n",
                "#   Probed: 2 of 112 addresses answered, see below.\n",
                ("  # 0x48 on /dev/i2c-1\n  # Answers, and no register tells which chip it is. By its address it may be:\n"
                 "  #   tmp102: T 2\n  # Not as it is: which chip it is has to be said.\n  # chip: {\n"),
                "  # Answers, and its registers are those of:\n  #   bme280: B ME\n",
                "  bme280: {\n    driver = \"i2c\";\n    bus = \"/dev/i2c-1\";\n    address = 0x76;\n    chip = \"bme280\";\n",
        };
        FakeI2c i2c;

        probe(&i2c);
        scan_put_settings(&text, survey);
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                ck_assert_msg(strstr(text.data, lines[i]) != NULL, "%s\n%s", lines[i], text.data);
        fake_i2c_done(&i2c);
}
END_TEST

/* ---- as JSON ---- */

static json_object *at(json_object *o, const char *path)
{
        json_object *found;

        ck_assert_msg(json_pointer_get(o, path, &found) == 0, "%s", path);
        return found;
}

static const char *word(json_object *o, const char *path)
{
        return json_object_get_string(at(o, path));
}

START_TEST(json_has_it_all)
{
        json_object *root;
        FakeI2c i2c;

        fake_sysfs_hwmon(&sysfs, 0, "platform/a", "we\"ird", FILES("temp1_input=51500", "temp1_label=A \"b\"", "temp2_input=x"));
        probe(&i2c);
        root = json();
        ck_assert_str_eq(word(root, "/buses/0/device"), "/dev/i2c-1");
        ck_assert_str_eq(word(root, "/buses/0/adapter"), "plain");
        ck_assert_int_eq(json_object_get_int(at(root, "/buses/0/probe/found/1/address")), 0x76);
        ck_assert_str_eq(word(root, "/buses/0/probe/found/1/chips/0"), "bme280");
        ck_assert(json_object_get_boolean(at(root, "/buses/0/probe/found/1/identified")));
        ck_assert(!json_object_get_boolean(at(root, "/buses/0/probe/found/0/identified")));
        ck_assert_int_eq(json_object_get_int(at(root, "/buses/0/probe/held/0")), 0x20);
        ck_assert_str_eq(word(root, "/sensors/0/device"), "we\"ird");
        ck_assert_str_eq(word(root, "/sensors/0/channels/0/label"), "A \"b\"");
        ck_assert(json_object_get_double(at(root, "/sensors/0/channels/0/value")) == 51.5);
        ck_assert_str_eq(word(root, "/sensors/0/channels/0/unit"), "Cel");
        ck_assert_ptr_null(at(root, "/sensors/0/channels/1/value"));
        ck_assert_ptr_nonnull(word(root, "/sensors/0/channels/1/error"));
        ck_assert_ptr_null(at(root, "/sensors/2/why_not"));
        ck_assert_str_eq(word(root, "/sensors/2/chip"), "bme280");
        json_object_put(root);
        fake_i2c_done(&i2c);
}
END_TEST

START_TEST(errors_say_what_to_do)
{
        static const struct {
                int error;
                const char *words;
        } cases[] = {{EACCES, "usermod -aG i2c"}, {EPERM, "SupplementaryGroups=i2c"}, {ENOENT, "modprobe i2c-dev"},
                     {EOPNOTSUPP, "no way to ask"}, {EIO, "/dev/i2c-1: "}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                buffer_clear(&text);
                scan_put_error(&text, "/dev/i2c-1", cases[i].error);
                ck_assert_msg(strstr(text.data, cases[i].words) && strstr(text.data, "/dev/i2c-1"), "%s", text.data);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("ctl/scan");
        TCase *c = suite_case(s, "what was found, told");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_gateway_is_told_with_values_and_units);
        tcase_add_test(c, nothing_at_all_loads_too);
        tcase_add_test(c, any_bytes_load);
        tcase_add_test(c, more_than_settings_take_load);
        tcase_add_test(c, what_was_probed_is_told);
        tcase_add_test(c, json_has_it_all);
        tcase_add_test(c, errors_say_what_to_do);
        return suite_run(s);
}
