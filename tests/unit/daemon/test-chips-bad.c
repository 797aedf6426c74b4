/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every kind of broken description of a chip, and of sensors that name chips, is told with its file, its line and words
 * that help.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/settings-chip.h"
#include "suite.h"

typedef struct BadCase {
        const char *text;
        unsigned line;
        const char *words; /* what the problem must say */
} BadCase;

#define HEAD "title = \"X\"; addresses = [ 0x48 ];\n"
#define READ "measure = ( { read = \"b\"; register = 0; bytes = 2; } );\n"
#define WRITE "setup = ( { wait = \"1ms\"; }, { write = [ 1, 2, 3 ]; } );\n"
#define GOOD "channels: { x: { from = \"b\"; bytes = 2; }; };\n"

static const BadCase chips[] = {
        /* ---- what is missing, what is unknown ---- */
        {"addresses = [ 0x48 ];\n" READ GOOD, 0, "the chip: title is missing: expected a text in quotes"},
        {"title = \"X\";\n" READ GOOD, 0, "the chip: addresses is missing: expected 1 to 32 whole numbers from 0x03 to 0x77"},
        {HEAD READ, 0, "channels: at least one"},
        {HEAD GOOD, 0, "measure: at least one step"},
        {HEAD READ GOOD "mesure = ( );\n", 4, "mesure: unknown setting; did you mean \"measure\"?"},
        {HEAD "measure = ( { read = \"b\";\n regster = 0; bytes = 2; } );\n" GOOD, 3,
         "measure.0.regster: unknown setting; did you mean \"register\"?"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2;\n unti = \"V\"; }; };\n", 4, "did you mean \"unit\"?"},
        {HEAD READ "channels: {\n 1x: { from = \"b\"; bytes = 2; }; };\n", 4, "cannot be understood"},
        {HEAD READ "channels: {\n t: { from = \"b\"; bytes = 2; }; };\n", 4, "a channel cannot have this name: t, s and q stand for"},

        /* ---- kinds and ranges ---- */
        {"title = \"X\";\n addresses = 0x48;\n" READ GOOD, 2, "addresses: expected 1 to 32 whole numbers"},
        {"title = \"X\";\n addresses = [ 0x48, 0x90 ];\n" READ GOOD, 2, "its number 2 does not fit"},
        {"title = \"X\";\n addresses = [ ];\n" READ GOOD, 2, "it has 0 of them"},
        {HEAD "measure = { read = \"b\"; };\n" GOOD, 2, "measure: expected a list, written  measure = ( { ... }, { ... } );"},
        {HEAD "measure = ( \"b\" );\n" GOOD, 2, "expected a group, written  { ... }  found"},
        {HEAD "setup = ( { write = [ 1, 256 ]; } );\n" READ GOOD, 2, "setup.0.write: expected 1 to 32 whole numbers from 0x00 to 0xFF"},
        {HEAD "setup = ( { write = 1; } );\n" READ GOOD, 2, "such as [ 0x2C, 0x06 ]; found 1"},
        {HEAD "setup = ( { wait = \"1min\"; } );\n" READ GOOD, 2, "setup.0.wait: expected a time"},
        {HEAD "measure = ( { read = \"b\"; bytes = 2;\n register = 0x10000; } );\n" GOOD, 3,
         "measure.0.register: expected a register from 0x00 to 0xFFFF, or 1 to 4 bytes"},
        {HEAD "measure = ( { read = \"b\"; register = [ 1, 2, 3, 4, 5 ]; bytes = 2; } );\n" GOOD, 2, "it has 5 of them"},
        {HEAD "measure = ( { read = \"a block\"; bytes = 2; } );\n" GOOD, 2, "measure.0.read: expected a name"},
        {HEAD "crc: { polynomial = 0x131; };\n" READ GOOD, 2, "crc.polynomial: expected a whole number from 0x01 to 0xFF"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 9; }; };\n", 3, "channels.x.bytes: expected a whole number from 1 to 8"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2; endian = \"middle\"; }; };\n", 3, "\"big\" or \"little\""},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2; polynomial = 5.0; }; };\n", 3,
         "channels.x.polynomial: expected 1 to 8 numbers, the constant first"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2; polynomial = ( 1.0, \"2\" ); }; };\n", 3, "its number 2 does not fit"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2; table = ( [ 0.0, 1.0 ], [ 1.0 ] ); }; };\n", 3,
         "channels.x.table: expected 2 to 64 points"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2; clamp = [ 5.0, 1.0 ]; }; };\n", 3,
         "channels.x.clamp: expected two numbers, the lower one first"},

        /* ---- steps ---- */
        {HEAD "setup = (\n { } );\n" READ GOOD, 3, "setup.0: a step is either  { write"},
        {HEAD "setup = ( { wait = \"1ms\"; },\n { write = [ 1 ]; wait = \"1ms\"; } );\n" READ GOOD, 3, "setup.1: a step is either"},
        {HEAD "measure = (\n { write = [ 1 ]; bytes = 2; } );\n" GOOD, 3, "belong to a step that reads: its block's name is missing"},
        {HEAD "measure = (\n { read = \"b\"; register = 0; } );\n" GOOD, 3, "measure.0: bytes is missing"},
        {HEAD "measure = ( { read = \"b\"; bytes = 4;\n crc = 2; } );\n" GOOD, 3, "nothing says how it is computed"},
        {HEAD "crc: { polynomial = 0x31; };\nmeasure = ( { read = \"b\"; bytes = 3;\n crc = 2; } );\n" GOOD, 4,
         "3 bytes are no whole number of 2"},
        {HEAD "crc: { polynomial = 0x31; };\nmeasure = ( { read = \"b\";\n bytes = 22; crc = 2; } );\n" GOOD, 4,
         "33 bytes on the wire in one read, at most 32"},
        {HEAD "measure = ( { read = \"b\"; bytes = 1;\n ready = 0x100; } );\n" GOOD, 3, "0x100 has more than the bits that are read"},
        {HEAD "measure = ( { read = \"b\"; bytes = 2;\n busy = 0x10000; } );\n" GOOD, 3, "measure.0.busy: 0x10000 has more than"},
        {HEAD "calibration = ( { read = \"c\"; bytes = 1;\n busy = 1; } );\n" READ GOOD, 3,
         "calibration.0.busy: only a measurement can be left out"},
        {HEAD "setup = (\n { wait = \"1ms\"; busy = 1; } );\n" READ GOOD, 3, "belong to a step that reads"},
        {HEAD "setup = ( {\n read = \"b\"; bytes = 1; } );\n" READ GOOD, 3, "belongs into calibration"},
        {HEAD "calibration = ( { read = \"c\"; bytes = 1;\n ready = 1; } );\n" READ GOOD, 3, "only a measurement can be left out"},
        {HEAD "calibration = ( { read = \"b\"; bytes = 1; } );\n" READ GOOD, 3, "\"b\" is a block of the calibration"},
        {HEAD "measure = ( { read = \"b\"; bytes = 32; }, { read = \"b\"; bytes = 32; }, { read = \"b\";\n bytes = 1; } );\n" GOOD, 3,
         "block \"b\" would have 65 bytes, at most 64"},

        /* ---- channels ---- */
        {HEAD READ "channels: {\n x: { bytes = 2; }; };\n", 4, "channels.x: from is missing: the block that is read; there are \"b\""},
        {HEAD READ "channels: { x: {\n from = \"c\"; bytes = 2; }; };\n", 4, "no step reads a block \"c\"; there are \"b\""},
        {HEAD READ "channels: { x: { from = \"b\";\n at = 1; bytes = 2; }; };\n", 4, "bytes 1 to 2 are beyond block \"b\", which has 2"},
        {HEAD READ "channels: { x: { from = \"b\";\n bytes = 3; }; };\n", 4, "bytes 0 to 2 are beyond block \"b\""},
        {HEAD READ "channels: {\n x: { from = \"b\"; }; };\n", 4, "channels.x.bytes: 1 to 8, not 0"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2;\n shift = 16; }; };\n", 4, "shift: 16 leaves nothing of 16 bits"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2;\n mask = 0x1FFFF; }; };\n", 4, "mask: 0x1FFFF has more than the 16 bits"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2;\n scale = 0.0; }; };\n", 4, "scale: a finite number other than 0"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2;\n table = ( [ 1.0, 2.0 ] ); }; };\n", 4, "at least two points"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2;\n table = ( [ 1.0, 2.0 ], [ 1.0, 3.0 ] ); }; };\n", 4,
         "the raw numbers rise from point to point; 1 does not, after 1"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2; polynomial = [ 1.0 ];\n table = ( [ 1.0, 2.0 ], [ 2.0, 3.0 ] ); }; };\n",
         4, "either a table or a polynomial"},
        {HEAD READ "channels: { x: { from = \"b\"; bytes = 2;\n with = \"b\"; }; };\n", 4, "only a formula takes calibration"},
        {HEAD READ "channels: { x: { from = \"b\";\n formula = \"bmp280-presure\"; with = \"b\"; }; };\n", 4,
         "there is no \"bmp280-presure\"; did you mean \"bmp280-pressure\"?"},
        {HEAD READ "channels: {\n x: { from = \"b\"; formula = \"bmp280-pressure\"; }; };\n", 4, "with is missing"},
        {HEAD READ "channels: { x: { from = \"b\"; formula = \"bmp280-pressure\";\n with = \"b\"; }; };\n", 4,
         "bmp280-pressure needs 24 bytes of calibration, \"b\" has 2"},
        {HEAD "calibration = ( { read = \"c\"; bytes = 24; } );\n" READ
         "channels: { x: { from = \"b\"; with = \"c\";\n formula = \"bmp280-pressure\"; }; };\n", 5,
         "channels.x.formula: bytes 0 to 5 are beyond block \"b\""},
        {HEAD READ "channels: { x: { from = \"b\"; formula = \"bmp280-pressure\"; with = \"b\";\n bytes = 2; }; };\n", 4,
         "a formula takes its bytes by itself"},

        /* ---- identity, multiplexer ---- */
        {HEAD "identify: {\n value = 0x58; };\n" READ GOOD, 2, "identify: register is missing"},
        {HEAD "identify: { register = 0xD0;\n bytes = 1; value = 0x158; };\n" READ GOOD, 3, "0x158 has more than the 8 bits"},
        {HEAD "identify: { register = 0xD0; bytes = 1; mask = 0x0F;\n value = 0x58; };\n" READ GOOD, 3,
         "0x58 has bits that the mask 0xF does not let through"},
        {HEAD WRITE "verify = 0x7F;\n" READ GOOD, 3, "verify: no step of setup writes to this register"},
        {HEAD READ GOOD "select = [ 1, 2 ];\n", 4, "a multiplexer has neither steps nor channels"},

        /* ---- options ---- */
        {HEAD WRITE READ GOOD "options: {\n 2x: { }; };\n", 6, "cannot be understood"},
        {HEAD WRITE READ GOOD "options: {\n gain = 2; };\n", 6, "options.gain: expected a group"},
        {HEAD WRITE READ GOOD "options: {\n gain: { register = 1; }; };\n", 6, "options.gain: mask is missing"},
        {HEAD WRITE READ GOOD "options: { gain: {\n register = 2; mask = 0x0F; choices = ( { choice = \"1\"; } ); }; };\n", 6,
         "options.gain.register: no step writes there"},
        {HEAD READ GOOD "options: { gain: {\n mask = 0x0F; choices = ( { choice = \"1\"; } ); }; };\n", 5,
         "options.gain.mask: no step writes there"},
        {HEAD WRITE READ GOOD "options: { gain: { register = 1;\n mask = 0x10000; choices = ( { choice = \"1\"; } ); }; };\n", 6,
         "options.gain.mask: 0x10000 has more than the 16 bits that are written"},
        {HEAD "setup = ( { write = [ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ]; } );\n" READ GOOD
         "options: {\n gain: { register = 1; mask = 1; choices = ( { choice = \"1\"; } ); }; };\n", 6,
         "of at most 8 bytes bits can be chosen, here 9 are written"},
        {HEAD WRITE READ GOOD "options: { gain: {\n register = 1; mask = 0x0F; }; };\n", 5, "options.gain.choices: at least one"},
        {HEAD WRITE READ GOOD "options: { gain: { register = 1; mask = 0x0F; choices = (\n { bits = 1; } ); }; };\n", 6,
         "options.gain.choices.0: choice is missing: expected a text"},
        {HEAD WRITE READ GOOD "options: { gain: { register = 1; mask = 0x0F; choices = ( { choice = 5;\n bits = 1; } ); }; };\n", 5,
         "options.gain.choices.0.choice: expected a text"},
        {HEAD WRITE READ GOOD "options: { gain: { register = 1; mask = 0x0F; choices = ( { choice = \"1\"; },\n { choice = \"2\";\n"
         " bits = 0x1F; } ); }; };\n", 7, "options.gain.choices.1.bits: 0x1F has bits that the mask 0xF does not let through"},
        {HEAD WRITE READ GOOD "options: { gain: { register = 1; mask = 0x0F; choices = ( { choice = \"1\"; },\n { choice = \"1\"; }"
         " ); }; };\n", 6, "options.gain.choices.1.choice: there are two \"1\""},
        {HEAD WRITE READ GOOD "options: { gain: { choices = ( { choice = \"1\";\n scale = 0.0; } ); }; };\n", 6,
         "options.gain.choices.0.scale: a finite number other than 0"},
        {HEAD WRITE READ GOOD "options: { gain: { register = 1; mask = 1; choices = ( { choice = \"1\";\n wait = \"1ms\"; } ); }; };\n",
         6, "options.gain.choices.0.wait: behind what it changes there is no  { wait"},
        {HEAD WRITE READ GOOD "options: { gain: {\n channels = [ \"X\" ]; choices = ( { choice = \"1\"; } ); }; };\n", 6,
         "options.gain.channels: there is no channel \"X\"; did you mean \"x\"?"},
        {HEAD WRITE READ GOOD "options: { gain: {\n channels = \"x\"; choices = ( { choice = \"1\"; } ); }; };\n", 6,
         "options.gain.channels: expected a list of names, such as [ \"current\", \"power\" ]; found \"x\""},
        {HEAD WRITE READ GOOD "options: { gain: {\n channels = [ \"x\", \"-\" ]; choices = ( { choice = \"1\"; } ); }; };\n", 6,
         "its number 2 does not fit"},
        {"title = \"X\"; addresses = [ 0x70 ]; select = [ 1, 2 ];\noptions: { a: { choices = ( { choice = \"1\"; } ); }; };\n", 1,
         "a multiplexer has neither steps nor channels nor options"},
};

START_TEST(a_description_is_told_with_its_line)
{
        const BadCase *bad = &chips[_i];
        _cleanup_(chip_unrefp) ChipDescription *chip = NULL;
        _cleanup_(node_freep) Node *tree = NULL;
        SettingsFiles files = {};
        Problems problems = {};
        char place[32];
        int r = settings_read_text("x.conf", bad->text, strlen(bad->text), &files, &tree, &problems);

        if (r == 0)
                ck_assert_int_eq(settings_chip(tree, &chip, &problems), 0);
        ck_assert_ptr_null(chip);
        for (size_t i = 0; i < problems.n; i++)
                (void)fprintf(stderr, "# %s\n", problems.items[i].text);
        ck_assert_msg(problems.n == 1, "%zu problems in: %s", problems.n, bad->text);
        (void)snprintf(place, sizeof(place), bad->line > 0 ? "x.conf:%u: " : "x.conf: ", bad->line);
        ck_assert_msg(strncmp(problems.items[0].text, place, strlen(place)) == 0, "%s: expected %s",
                      problems.items[0].text, place);
        ck_assert_msg(strstr(problems.items[0].text, bad->words), "%s: expected %s", problems.items[0].text, bad->words);
        problems_done(&problems);
        settings_files_done(&files);
}
END_TEST

START_TEST(what_is_good_is_taken)
{
        static const char text[] = HEAD READ GOOD;
        _cleanup_(chip_unrefp) ChipDescription *chip = NULL;
        _cleanup_(node_freep) Node *tree = NULL;
        SettingsFiles files = {};
        Problems problems = {};

        ck_assert_int_eq(settings_read_text("x.conf", text, strlen(text), &files, &tree, &problems), 0);
        ck_assert_int_eq(settings_chip(tree, &chip, &problems), 0);
        ck_assert_ptr_nonnull(chip);
        ck_assert_uint_eq(problems.n, 0);
        settings_files_done(&files);
}
END_TEST

/* ---- sensors that name chips ---- */

#define ON_BUS(rest) "driver = \"i2c\"; bus = 1; chip = \"tmp102\"; " rest " };\n"
#define SENSOR(rest) "sensors: { s: { driver = \"i2c\"; bus = 1;\n" rest " }; };\n"

static const BadCase sensors[] = {
        {SENSOR("chip = \"sht33x\"; address = 0x44;"), 2, "sensors.s.chip: there is no chip \"sht33x\"; did you mean \"sht3x\"?"},
        {SENSOR("chip = \"thermonuclear\"; address = 0x44;"), 2, "expected thermonuclear.conf in " CONF_DIR "/chips or "},
        {SENSOR("chip = \"../hublink\"; address = 0x44;"), 2, "sensors.s.chip: expected a name"},
        {SENSOR("chip = 5; address = 0x44;"), 2, "sensors.s.chip: expected a name"},
        {SENSOR("chip = \"sht3x\"; address = 0x46;"), 2, "sensors.s.address: a sht3x is at 0x44 or 0x45, not at 0x46"},
        {SENSOR("chip = \"sht3x\";"), 1, "sensors.s: address is missing"},
        {SENSOR("chip = \"sht3x\"; address = 0x44; channels: {\n humidty: { }; };"), 3,
         "sensors.s.channels.humidty: a sht3x has no such channel; did you mean \"humidity\"?"},
        {SENSOR("chip = \"sht3x\"; address = 0x44; channels: { humidity: {\n register = 4; }; };"), 3,
         "sensors.s.channels.humidity.register: a chip's i2c sensor has no such setting"},
        {SENSOR("chip = \"tca9548a\"; address = 0x70;"), 2, "sensors.s.chip: a tca9548a measures nothing"},
        {SENSOR("chip = \"scd4x\"; address = 0x62;\n timeout = \"300ms\";"), 3,
         "sensors.s.timeout: a scd4x alone takes 502 ms where it is measured for the first time"},
        {SENSOR("chip = \"sht3x\"; address = 0x44; mux: {\n channel = 2; };"), 2, "sensors.s.mux: address is missing"},
        {SENSOR("chip = \"sht3x\"; address = 0x44;\n mux: { address = 0x60; };"), 3,
         "sensors.s.mux.address: a tca9548a is at 0x70 to 0x77, not at 0x60"},
        {SENSOR("chip = \"sht3x\"; address = 0x44;\n mux: { address = 0x70; channel = 8; };"), 3,
         "sensors.s.mux.channel: a tca9548a has channels 0 to 7, not 8"},
        {SENSOR("chip = \"sht3x\"; address = 0x44;\n mux: { address = 0x44; };"), 3, "sensors.s.mux.address: the chip has the same"},
        {SENSOR("chip = \"sht3x\"; address = 0x44;\n mux: { chip = \"tca9548b\"; address = 0x70; };"), 3,
         "sensors.s.mux.chip: there is no chip \"tca9548b\"; did you mean \"tca9548a\"?"},
        {SENSOR("chip = \"sht3x\"; address = 0x44;\n mux: { chip = \"tmp102\"; address = 0x70; };"), 3,
         "sensors.s.mux.chip: a tmp102 is no multiplexer"},
        {SENSOR("chip = \"sht3x\"; address = 0x44;\n mux: { adress = 0x70; };"), 3, "did you mean \"address\"?"},
        {SENSOR("chip = \"sht3x\"; address = 0x44; report = (\n { property = \"p\"; of = \"humidty\"; value = \"max\"; } );"), 3,
         "sensors.s.report.0.of: sensor s has no channel \"humidty\"; did you mean \"humidity\"?"},
        {SENSOR("chip = \"ads1115\"; address = 0x48; options: {\n rnage = \"2.048\"; };"), 3,
         "sensors.s.options.rnage: a TI ADS1115 has no such option; did you mean \"range\"?"},
        {SENSOR("chip = \"ads1115\"; address = 0x48; options: {\n colour = \"2.048\"; };"), 3,
         "sensors.s.options.colour: a TI ADS1115 has no such option, but \"range\" and \"rate\""},
        {SENSOR("chip = \"ads1115\"; address = 0x48; options: {\n range = \"2.084\"; };"), 3,
         "sensors.s.options.range: expected \"6.144\", \"4.096\", \"2.048\", \"1.024\", \"0.512\" or \"0.256\"; found "
         "\"2.084\"; did you mean \"2.048\"?"},
        {SENSOR("chip = \"ads1115\"; address = 0x48; options: {\n range = 2.048; };"), 3,
         "sensors.s.options.range: expected a text in quotes"},
        {SENSOR("chip = \"tmp102\"; address = 0x48; options: {\n range = \"2.048\"; };"), 3,
         "sensors.s.options.range: with a TI TMP102 there is nothing to choose"},
        {SENSOR("chip = \"veml7700\"; address = 0x10; options: { integration = \"800\"; };\n timeout = \"1500ms\";"), 3,
         "sensors.s.timeout: a veml7700 alone takes 1650 ms where it is measured for the first time"},
        {SENSOR("address = 0x44; channels: { x: { register = 1; }; };\n options: { range = \"2.048\"; };"), 3,
         "sensors.s.options: an i2c sensor has no such setting"},
        {SENSOR("address = 0x44; chanels: { };"), 2, "sensors.s.chanels: unknown setting; did you mean \"channels\"?"},
        {"sensors: {\n one: { driver = \"i2c\"; bus = 1; chip = \"mpu6050\"; address = 0x68; };\n"
         "two: { driver = \"i2c\"; bus = 1; chip = \"mpu6050\"; address = 0x68;\n"
         "options: { acceleration_range = \"16\"; }; }; };", 4,
         "sensors.two.options: sensor one is of the same chip and chooses otherwise"},
        {"sensors: {\n far: { " ON_BUS("mux: { address = 0x70; }; address = 0x48;") "near: { " ON_BUS("address = 0x48;") "};", 3,
         "sensors.near.address: sensor far has it behind a multiplexer of the same bus, where this one would answer as well"},
        {"sensors: {\n near: { " ON_BUS("address = 0x48;") "far: { " ON_BUS("mux: { address = 0x70; }; address = 0x48;") "};", 2,
         "sensors.near.address: sensor far has it behind a multiplexer"},
        {"sensors: {\n far: { " ON_BUS("mux: { address = 0x70; }; address = 0x48;") "air: { driver = \"i2c\"; bus = 1; address = "
         "0x70; channels: { x: { register = 0; }; }; }; };", 3, "sensors.air.address: there is the multiplexer of sensor far"},
        {"sensors: { s: { driver = \"file\"; path = \"/x\"; channels: { v: {}; };\n chip = \"sht3x\"; }; };\n", 2,
         "sensors.s.chip: a file sensor has no such setting"},
};

START_TEST(a_sensor_is_told_with_its_line)
{
        const BadCase *bad = &sensors[_i];
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};
        bool found = false;
        char place[256];

        ck_assert_int_eq(settings_load_text(&s, CONF_DIR "/x.conf", bad->text, SETTINGS_STATE_DIR, &problems),
                         SETTINGS_E_BAD);
        (void)snprintf(place, sizeof(place), CONF_DIR "/x.conf:%u: ", bad->line);
        for (size_t i = 0; i < problems.n; i++) {
                (void)fprintf(stderr, "# %s\n", problems.items[i].text);
                found = found || (strncmp(problems.items[i].text, place, strlen(place)) == 0 &&
                                  strstr(problems.items[i].text, bad->words));
        }
        ck_assert_msg(found, "expected %s%s", place, bad->words);
        /* a slip is told once; one without channels is told of that too */
        ck_assert_uint_le(problems.n, strstr(bad->words, "chanels") ? 2 : 1);
        problems_done(&problems);
}
END_TEST

/* Namesakes that never answer together. */
START_TEST(chips_of_one_address_may_be_behind_channels)
{
        static const char text[] =
                "sensors: { a: { " ON_BUS("mux: { address = 0x70; channel = 1; }; address = 0x48;")
                "b: { " ON_BUS("mux: { address = 0x70; channel = 2; }; address = 0x48;")
                "c: { " ON_BUS("mux: { address = 0x71; channel = 1; }; address = 0x48;")
                "d: { driver = \"i2c\"; bus = 2; chip = \"tmp102\"; address = 0x48; }; };";
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};

        ck_assert_int_eq(settings_load_text(&s, CONF_DIR "/x.conf", text, SETTINGS_STATE_DIR, &problems), 0);
        ck_assert_uint_eq(problems.n, 0);
        problems_done(&problems);
}
END_TEST

/* ---- files ---- */

static void put(const char *folder, const char *name, const char *text)
{
        _cleanup_free_ char *path = NULL;
        FILE *f;

        ck_assert_int_gt(asprintf(&path, "%s/%s", folder, name), 0);
        f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        (void)fputs(text, f);
        ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_file_is_read_once_and_told_once)
{
        static const char main_text[] = "sensors: { a: { driver = \"i2c\"; bus = 1; chip = \"odd\"; address = 0x48; };\n"
                                        "b: { driver = \"i2c\"; bus = 1; chip = \"odd\"; address = 0x49; }; };\n";
        char folder[] = "/tmp/test-chips-XXXXXX", main_file[64], chips_folder[64], place[128];
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};

        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(main_file, sizeof(main_file), "%s/main.conf", folder);
        (void)snprintf(chips_folder, sizeof(chips_folder), "%s/chips", folder);
        ck_assert_int_eq(mkdir(chips_folder, 0700), 0);
        put(folder, "main.conf", main_text);
        put(chips_folder, "odd.conf", "title = \"Odd\"; addresses = [ 0x48, 0x49 ];\n" READ "channels: { };\n");
        ck_assert_int_eq(settings_load(&s, main_file, SETTINGS_STATE_DIR, &problems), SETTINGS_E_BAD);
        ck_assert_uint_eq(problems.n, 1);
        (void)snprintf(place, sizeof(place), "%s/odd.conf:3: channels: at least one", chips_folder);
        ck_assert_msg(strncmp(problems.items[0].text, place, strlen(place)) == 0, "%s", problems.items[0].text);
        problems_done(&problems);

        /* one's own file goes before that of the same name which comes with hublink; both sensors share it */
        put(chips_folder, "odd.conf", "title = \"Odd\"; addresses = [ 0x48, 0x49 ];\n" READ GOOD);
        ck_assert_int_eq(settings_load(&s, main_file, SETTINGS_STATE_DIR, &problems), 0);
        ck_assert_ptr_eq(s->sensors[0].description, s->sensors[1].description);
        ck_assert_str_eq(s->sensors[0].description->title, "Odd");
        ck_assert_uint_eq(s->files.n, 2);
        (void)snprintf(place, sizeof(place), "%s/odd.conf", chips_folder);
        (void)unlink(place);
        (void)unlink(main_file);
        (void)rmdir(chips_folder);
        (void)rmdir(folder);
}
END_TEST

/* For those who look for chips: all that come with hublink but for the one that is replaced, and what is wrong alone is left
 * out and told. */
START_TEST(all_that_can_be_had_are_listed)
{
        char folder[] = "/tmp/test-chips-XXXXXX", main_file[64], chips_folder[64], place[128];
        static const char *const files[] = {"odd.conf", "broken.conf", "no chip.conf", ".hidden.conf", "readme.txt"};
        static const char whole[] = "title = \"Odd\"; addresses = [ 0x48 ];\n" READ GOOD;
        Problems problems = {};
        NamedChip *found;
        size_t n, n_own = 0;

        ck_assert_int_eq(settings_chips_list(CONF_DIR "/none.conf", &found, &n, &problems), 0);
        ck_assert_uint_eq(problems.n, 0);
        ck_assert_uint_ge(n, 18);
        for (size_t i = 0; i < n; i++) {
                ck_assert_ptr_nonnull(found[i].chip->title);
                ck_assert(i == 0 || strcmp(found[i - 1].name, found[i].name) < 0);
        }
        settings_chips_list_free(found, n);

        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(main_file, sizeof(main_file), "%s/main.conf", folder);
        (void)snprintf(chips_folder, sizeof(chips_folder), "%s/chips", folder);
        ck_assert_int_eq(mkdir(chips_folder, 0700), 0);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                put(chips_folder, files[i], i == 1 ? "title = 5;\n" : whole);
        ck_assert_int_eq(settings_chips_list(main_file, &found, &n, &problems), 0);
        ck_assert_uint_ge(problems.n, 1);
        (void)snprintf(place, sizeof(place), "%s/broken.conf:", chips_folder);
        for (size_t i = 0; i < problems.n; i++)
                ck_assert_msg(strncmp(problems.items[i].text, place, strlen(place)) == 0, "%s", problems.items[i].text);
        for (size_t i = 0; i < n; i++)
                n_own += strcmp(found[i].chip->title, "Odd") == 0 && strcmp(found[i].name, "odd") == 0;
        ck_assert_uint_eq(n_own, 1);
        settings_chips_list_free(found, n);
        problems_done(&problems);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                (void)snprintf(place, sizeof(place), "%s/%s", chips_folder, files[i]);
                (void)unlink(place);
        }
        (void)rmdir(chips_folder);
        (void)rmdir(folder);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/chips-bad");
        TCase *c = suite_case(s, "descriptions");

        tcase_add_loop_test(c, a_description_is_told_with_its_line, 0, ARRAY_SIZE(chips));
        tcase_add_test(c, what_is_good_is_taken);
        c = suite_case(s, "sensors");
        tcase_add_loop_test(c, a_sensor_is_told_with_its_line, 0, ARRAY_SIZE(sensors));
        tcase_add_test(c, chips_of_one_address_may_be_behind_channels);
        c = suite_case(s, "files");
        tcase_add_test(c, a_file_is_read_once_and_told_once);
        tcase_add_test(c, all_that_can_be_had_are_listed);
        return suite_run(s);
}
