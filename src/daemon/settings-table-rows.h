/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rows - how the rows of the settings are written, and the groups that have a file of their own
 *
 * settings-table.c          what is where, and all groups that have no file of their own
 * settings-table-hub.c      the hub
 * settings-table-sensors.c  sensors
 * settings-table-rules.c    rules
 * settings-table-pnp.c      Plug and Play
 * settings-table-commands.c  commands that start a unit
 *
 * A row's meaning is a sentence or a few, for hublink.conf(5): what it is, and what is so without it. It does not
 * repeat what the row knows, range and default. Names of settings and words of files stand in `such marks`.
 */

#include "daemon/settings.h"
#include "daemon/settings-table.h"

#define KB ((uint64_t)1024)
#define MB (1024 * KB)
#define GB (1024 * MB)

#define AT(type, member)       .offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)
#define TIME(low, high)        .type = &value_time, .min = low, .max = high
#define SPAN(low, high)        .type = &value_span, .min = low, .max = high
#define SIZE(low, high)        .type = &value_size, .min = low, .max = high
#define NUMBER(low, high)      .type = &value_integer, .min = low, .max = high
#define HEX(low, high)         .type = &value_hex, .min = low, .max = high
#define CHOICE(first, list)    .type = &value_choice, .min = first, .words = list
#define WORD(list)             .type = &value_word, .words = list
#define WORDS(...)             ((const char *const[]){__VA_ARGS__, NULL})
#define END                    {}

/* What SettingsMap promises. */
#define ASSERT_MAP(type, array, count)                                                                \
        _Static_assert(offsetof(type, count) == offsetof(type, array) + sizeof(void *), "right behind")
#define ASSERT_NAMED(type) _Static_assert(offsetof(type, name) == 0, "the name comes first")

extern const SettingsRow settings_hub_rows[];
extern const SettingsRow settings_sensor_rows[];
extern const SettingsMap settings_sensor_map;
extern const SettingsRow settings_rule_rows[];
extern const SettingsMap settings_rule_map;
extern const SettingsRow settings_twin_rows[];
extern const SettingsRow settings_command_rows[];
extern const SettingsMap settings_command_map;
extern const SettingsRow settings_command_unit_rows[];
extern const SettingsMap settings_command_unit_map;

/* Of what has a name and a text, as Property does: both its own. */
void settings_pair_done(void *element);
