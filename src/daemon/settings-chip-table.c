/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a chip's description can say. What its parts must have to fit one another, sensor/chip-check.c knows.
 */

#include "daemon/settings-chip.h"

#define AT(type, member)  .offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)
#define CHIP(member)      AT(ChipDescription, member)
#define STEP(member)      AT(ChipStep, member)
#define CHANNEL(member)   AT(ChipChannel, member)
#define OPTION(member)    AT(ChipOption, member)
#define CHOICE(member)    AT(ChipChoice, member)
#define NUMBER(low, high) .type = &value_integer, .min = low, .max = high
#define HEX(low, high)    .type = &value_hex, .min = low, .max = high
#define BYTES(low, high)  .type = &value_bytes, .min = low, .max = high
#define WORDS(...)        ((const char *const[]){__VA_ARGS__, NULL})
#define END               {}

static const SettingsRow identity_rows[] = {
        {"register", .type = &value_register, CHIP(identity.reg)},
        {"bytes", NUMBER(1, DECODE_BYTES_MAX), CHIP(identity.bytes)},
        {"mask", HEX(0, UINT64_MAX), CHIP(identity.mask)},
        {"value", HEX(0, UINT64_MAX), CHIP(identity.value)},
        END,
};

static const SettingsRow crc_rows[] = {
        {"polynomial", HEX(1, 0xff), CHIP(crc.polynomial)},
        {"seed", HEX(0, 0xff), CHIP(crc.seed)},
        END,
};

static const SettingsRow step_rows[] = {
        {"write", BYTES(0, 0xff), STEP(write), .example = "[ 0x2C, 0x06 ]"},
        {"wait", .type = &value_time, .min = 1, .max = CHIP_WAIT_MAX, STEP(wait_usec), .example = "\"16ms\""},
        {"read", .type = &value_name, STEP(read), .example = "\"block\""},
        {"register", .type = &value_register, STEP(reg)},
        {"bytes", NUMBER(1, CHIP_BYTES_MAX), STEP(bytes)},
        {"crc", NUMBER(1, CHIP_BYTES_MAX - 1), STEP(crc)},
        {"ready", HEX(1, UINT64_MAX), STEP(ready)},
        {"busy", HEX(1, UINT64_MAX), STEP(busy)},
        END,
};

static const SettingsMap step_map = {
        .element_size = sizeof(ChipStep),
        .noun = "a step",
        .max = CHIP_STEPS_MAX,
        .list = true,
};

static const SettingsRow channel_rows[] = {
        {"unit", .type = &value_text, CHANNEL(unit), .example = "\"Cel\""},
        {"from", .type = &value_name, CHANNEL(from), .example = "\"block\""},
        {"at", NUMBER(0, CHIP_BLOCK_MAX - 1), CHANNEL(at)},
        {"bytes", NUMBER(1, DECODE_BYTES_MAX), CHANNEL(decode.bytes)},
        {"endian", .type = &value_choice, .min = 0, .words = WORDS("big", "little"), CHANNEL(decode.little_endian),
         .fallback = "\"big\""},
        {"signed", .type = &value_boolean, CHANNEL(decode.is_signed), .fallback = "false"},
        {"mask", HEX(0, UINT64_MAX), CHANNEL(decode.mask)},
        {"shift", NUMBER(0, 63), CHANNEL(decode.shift)},
        {"formula", .type = &value_text, CHANNEL(formula), .example = "\"bmp280-pressure\""},
        {"with", .type = &value_name, CHANNEL(with), .example = "\"trim\""},
        {"polynomial", .type = &value_numbers, CHANNEL(conversion.polynomial)},
        {"table", .type = &value_curve, CHANNEL(conversion.table)},
        {"scale", .type = &value_real, CHANNEL(conversion.scale), .fallback = "1.0"},
        {"offset", .type = &value_real, CHANNEL(conversion.offset), .fallback = "0.0"},
        {"clamp", .type = &value_range, CHANNEL(conversion.clamp), .example = "[ 0.0, 100.0 ]"},
        {"decimals", NUMBER(1, 9), CHANNEL(conversion.decimals)},
        END,
};

static const SettingsMap channel_map = {
        .element_size = sizeof(ChipChannel),
        .noun = "a channel",
        .is_name = channel_name_is_valid,
        .max = READING_CHANNELS_MAX,
};

static const SettingsRow choice_rows[] = {
        {"choice", .type = &value_line, CHOICE(is), .required = true, .example = "\"6.144\""},
        {"bits", HEX(0, UINT64_MAX), CHOICE(bits)},
        {"scale", .type = &value_real, CHOICE(scale), .fallback = "1.0"},
        {"wait", .type = &value_time, .min = 1, .max = CHIP_WAIT_MAX, CHOICE(wait_usec), .example = "\"16ms\""},
        END,
};

static const SettingsMap choice_map = {
        .element_size = sizeof(ChipChoice),
        .noun = "a choice",
        .max = CHIP_CHOICES_MAX,
        .list = true,
};

static const SettingsRow option_rows[] = {
        {"register", .type = &value_register, OPTION(reg)},
        {"endian", .type = &value_choice, .min = 0, .words = WORDS("big", "little"), OPTION(little_endian),
         .fallback = "\"big\""},
        {"mask", HEX(0, UINT64_MAX), OPTION(mask)},
        {"channels", .type = &value_names, OPTION(channels), .example = "[ \"current\", \"power\" ]"},
        {"choices", .rows = choice_rows, .map = &choice_map, OPTION(choices)},
        END,
};

static const SettingsMap option_map = {
        .element_size = sizeof(ChipOption),
        .noun = "an option",
        .is_name = name_is_valid,
        .max = CHIP_OPTIONS_MAX,
};

const SettingsRow settings_chip_table[] = {
        {"title", .type = &value_line, CHIP(title), .required = true, .example = "\"Bosch BME280\""},
        {"datasheet", .type = &value_line, CHIP(datasheet), .example = "\"BST-BME280-DS002 1.6\""},
        {"addresses", BYTES(CHIP_ADDRESS_MIN, CHIP_ADDRESS_MAX), CHIP(addresses), .required = true,
         .example = "[ 0x48, 0x49 ]"},
        {"identify", .rows = identity_rows},
        {"verify", .type = &value_register, CHIP(verify), .example = "0x6B"},
        {"crc", .rows = crc_rows},
        {"setup", .rows = step_rows, .map = &step_map, CHIP(setup.items)},
        {"calibration", .rows = step_rows, .map = &step_map, CHIP(calibration.items)},
        {"measure", .rows = step_rows, .map = &step_map, CHIP(measure.items)},
        {"channels", .rows = channel_rows, .map = &channel_map, CHIP(channels)},
        {"options", .rows = option_rows, .map = &option_map, CHIP(options)},
        {"select", BYTES(0, 0xff), CHIP(select), .example = "[ 0x01, 0x02, 0x04, 0x08 ]"},
        {"release", HEX(0, 0xff), CHIP(release)},
        END,
};

/* What SettingsMap promises. */
#define ASSERT_MAP(type, array, count)                                                                \
        _Static_assert(offsetof(type, count) == offsetof(type, array) + sizeof(void *), "right behind")
ASSERT_MAP(ChipDescription, setup.items, setup.n);
ASSERT_MAP(ChipDescription, calibration.items, calibration.n);
ASSERT_MAP(ChipDescription, measure.items, measure.n);
ASSERT_MAP(ChipDescription, channels, n_channels);
ASSERT_MAP(ChipDescription, options, n_options);
ASSERT_MAP(ChipOption, choices, n_choices);
_Static_assert(offsetof(ChipChannel, name) == 0, "the name comes first");
_Static_assert(offsetof(ChipOption, name) == 0, "the name comes first");
