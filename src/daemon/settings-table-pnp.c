/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-table-rows.h"

static const SettingsRow writable_rows[] = {
        {"type", CHOICE(WRITABLE_DOUBLE, WORDS("double", "integer", "boolean", "string")), AT(WritableSettings, type),
         .required = true,
         .meaning = "What its value has to be; any other is refused with 400."},
        {"range", .type = &value_range, AT(WritableSettings, range), .example = "[ 5.0, 90.0 ]",
         .meaning = "Between what a number has to lie, both included. Without it any will do."},
        {"initial", .type = &value_plain, AT(WritableSettings, initial),
         .meaning = "What is in effect, and reported with 203 and version 0, while no service has written a value. "
                    "Without it nothing is reported until then."},
        {"component", .type = &value_name, AT(WritableSettings, component), .example = "\"thermostat1\"",
         .meaning = "The model's component that has the property. Without it that is the device itself."},
        {"property", .type = &value_name, AT(WritableSettings, property), .example = "\"targetTemperature\"",
         .meaning = "The property's name in the model. Without it that is PROPERTY; it is wanted where two components "
                    "have properties of one name."},
        END,
};

static void writable_done(void *element)
{
        free(((WritableSettings *)element)->initial);
}

static const SettingsMap writable_map = {
        .element_size = sizeof(WritableSettings),
        .done = writable_done,
        .noun = "a property",
        .is_name = name_is_valid,
        .max = 256,
};

void settings_pair_done(void *element)
{
        Property *p = element;

        free(p->name);
        free(p->value);
}

static const SettingsRow section_rows[] = {
        {"*", .type = &value_line, AT(Property, value), .example = "\"updater\"",
         .meaning = "The user that the section belongs to, whoever reports it first. Nobody else but root may report "
                    "it."},
        END,
};

static const SettingsMap section_map = {
        .element_size = sizeof(Property),
        .done = settings_pair_done,
        .noun = "a section",
        .max = 256,
        .loose = true,
};

const SettingsRow settings_twin_rows[] = {
        {"writable", .rows = writable_rows, .map = &writable_map, AT(Settings, writables),
         .meaning = "Properties that a service in the cloud may write. Each change is acknowledged, and told to local "
                    "services."},
        {"sections", .rows = section_rows, .map = &section_map, AT(Settings, twin.sections),
         .meaning = "Whose sections of the reported half are. One that is not named belongs to the user whose service "
                    "reported it first."},
        END,
};

const SettingsRow settings_command_rows[] = {
        {"builtin", CHOICE(0, WORDS("max-min-report")), AT(CommandSettings, builtin), .required = true,
         .meaning = "What is answered: `max-min-report` gives the highest and the lowest value of a channel and the "
                    "mean of its last ten, since the time that is the argument, or since the daemon began."},
        {"of", .type = &value_line, AT(CommandSettings, of), .required = true, .example = "\"room.temperature\"",
         .meaning = "The sensor and its channel. With a sensor that has a component the command is that component's."},
        {"command", .type = &value_name, AT(CommandSettings, command), .example = "\"getMaxMinReport\"",
         .meaning = "The command's name in the model. Without it that is COMMAND; it is wanted where two components "
                    "have commands of one name."},
        END,
};

static void command_done(void *element)
{
        free(((CommandSettings *)element)->of);
}

const SettingsMap settings_command_map = {
        .element_size = sizeof(CommandSettings),
        .done = command_done,
        .noun = "a command",
        .is_name = name_is_valid,
        .max = 256,
};

ASSERT_MAP(Settings, writables, n_writables);
ASSERT_MAP(Settings, twin.sections, twin.n_sections);
ASSERT_NAMED(WritableSettings);
ASSERT_NAMED(CommandSettings);
