/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-table-rows.h"

static const SettingsRow c2d_rows[] = {
        {"*", .type = &value_line, AT(Property, value), .example = "\"reboot\"",
         .meaning = "What the message's property of this name has to be."},
        END,
};

static const SettingsMap c2d_map = {
        .element_size = sizeof(Property),
        .noun = "a property",
        .max = 16,
        .loose = true,
};

const SettingsRow settings_command_unit_rows[] = {
        {"method", .type = &value_line, AT(CommandUnitSettings, method), .example = "\"reboot\"",
         .meaning = "The direct method that starts it. Without it none does."},
        {"c2d", .rows = c2d_rows, .map = &c2d_map, AT(CommandUnitSettings, c2d),
         .meaning = "A message from the cloud that has all these properties starts it. Without any no message does."},
        {"timeout", TIME(USEC_PER_SEC, USEC_PER_DAY), AT(CommandUnitSettings, timeout_usec), .fallback = "\"20s\"",
         .meaning = "When a unit that has not ended is stopped, and answered with 504. With `method` it has to be "
                    "below `methods.timeout`."},
        {"idempotent", .type = &value_boolean, AT(CommandUnitSettings, idempotent), .fallback = "false",
         .meaning = "Done twice is as good as once. So a message of which it is not known what came of it starts the "
                    "unit once more; otherwise it is rejected."},
        END,
};

static void command_unit_done(void *element)
{
        CommandUnitSettings *s = element;

        free(s->method);
        for (size_t i = 0; i < s->n_c2d; i++)
                settings_pair_done(&s->c2d[i]);
        free(s->c2d);
}

const SettingsMap settings_command_unit_map = {
        .element_size = sizeof(CommandUnitSettings),
        .done = command_unit_done,
        .noun = "a command",
        .is_name = name_is_valid,
        .max = COMMAND_UNITS_MAX,
};

ASSERT_MAP(Settings, command_units, n_command_units);
ASSERT_MAP(CommandUnitSettings, c2d, n_c2d);
ASSERT_NAMED(CommandUnitSettings);
