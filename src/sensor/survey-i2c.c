/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey-core.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DEVICES "bus/i2c/devices"

/* ---- who has an address ---- */

static SurveyBus *find_number(Survey *s, unsigned number)
{
        for (size_t i = 0; i < s->n_buses; i++)
                if (s->buses[i].number == number)
                        return &s->buses[i];
        return NULL;
}

static int add_address(Survey *s, SurveyBus *bus, unsigned address, const char *folder, const char *entry)
{
        SurveyAddress *addresses = reallocarray(bus->addresses, bus->n_addresses + 1, sizeof(*addresses)), *a;
        _cleanup_free_ char *path = NULL;

        if (!addresses)
                return -ENOMEM;
        bus->addresses = addresses;
        a = &addresses[bus->n_addresses++];
        *a = (SurveyAddress){.address = address};
        a->is_held = i2c_holder_find(&a->holder, s->sysfs, bus->device, address);
        if (asprintf(&path, "%s/%s", folder, entry) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return class_device_line(path, "name", &a->type);
}

/* "1-0048": bus and address. Those of ten bits begin with an a, and are not for us. */
static int take_address(Survey *s, const char *folder, const char *entry, const I2cPort *port)
{
        unsigned number, address;
        SurveyBus *bus;
        int end = 0;

        if (sscanf(entry, "%u-%4x%n", &number, &address, &end) != 2 || entry[end] || address > CHIP_ADDRESS_MAX)
                return 0;
        bus = find_number(s, number);
        return bus ? add_address(s, bus, address, folder, entry) : 0;
}

/* ---- the buses ---- */

static int ask_functions(const I2cPort *port, const char *device)
{
        int fd = port->open(port, device), r;

        if (fd < 0)
                return fd;
        r = port->functions(port, fd);
        port->close(port, fd);
        return r;
}

static int add_bus(Survey *s, unsigned number, const I2cPort *port, SurveyBus **ret)
{
        SurveyBus *buses = reallocarray(s->buses, s->n_buses + 1, sizeof(*buses)), *bus;

        if (!buses)
                return -ENOMEM;
        s->buses = buses;
        bus = &buses[s->n_buses++];
        *bus = (SurveyBus){.number = number};
        (void)snprintf(bus->device, sizeof(bus->device), "/dev/i2c-%u", number);
        if (port)
                bus->functions = ask_functions(port, bus->device);
        *ret = bus;
        return 0;
}

static int take_bus(Survey *s, const char *folder, const char *entry, const I2cPort *port)
{
        _cleanup_free_ char *path = NULL;
        SurveyBus *bus;
        unsigned number;
        int end = 0, r;

        if (sscanf(entry, "i2c-%u%n", &number, &end) != 1 || entry[end] || find_number(s, number))
                return 0;
        r = add_bus(s, number, port, &bus);
        if (r < 0)
                return r;
        if (asprintf(&path, "%s/%s", folder, entry) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return class_device_line(path, "name", &bus->name);
}

/* ---- the folders ---- */

typedef int (*EntryFn)(Survey *s, const char *folder, const char *entry, const I2cPort *port);

static int for_each_entry(Survey *s, const char *class, EntryFn take, const I2cPort *port)
{
        _cleanup_free_ char *folder = NULL;
        char **entries;
        size_t n;
        int r;

        if (asprintf(&folder, "%s/%s", s->sysfs, class) < 0) {
                folder = NULL;
                return -ENOMEM;
        }
        r = class_device_files(folder, &entries, &n);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n && r == 0; i++)
                r = take(s, folder, entries[i], port);
        class_device_files_free(entries, n);
        return r;
}

static int by_number(const void *a, const void *b)
{
        const SurveyBus *x = a, *y = b;

        return (x->number > y->number) - (x->number < y->number);
}

int survey_i2c(Survey *s, const I2cPort *port)
{
        int r = for_each_entry(s, DEVICES, take_bus, port);

        if (r == 0)
                r = for_each_entry(s, "class/i2c-dev", take_bus, port);
        if (s->n_buses > 0)
                qsort(s->buses, s->n_buses, sizeof(*s->buses), by_number);
        return r == 0 ? for_each_entry(s, DEVICES, take_address, port) : r;
}

/* ---- probed ---- */

static void put_candidates(Buffer *b, const Finding *f)
{
        if (f->n_chips == 0 && !f->mux)
                buffer_append_string(b, "Answers. No description of a chip has this address (man hublink-chips).\n");
        else if (!f->is_identified)
                buffer_append_string(b, "Answers, and no register tells which chip it is. By its address it may be:\n");
        else
                buffer_append_string(b, "Answers, and its registers are those of:\n");
        for (size_t i = 0; i < f->n_chips; i++)
                buffer_printf(b, "  %s: %s\n", f->chips[i]->name, f->chips[i]->chip->title ?: "");
        if (f->mux)
                buffer_printf(b, "  a multiplexer %s: a sensor behind it says  mux = { address = 0x%02x; channel = 0; "
                                 "};\n"
                                 "  What is behind it was not looked for.\n",
                              f->mux->name, f->address);
}

static void put_channels(Buffer *b, const ChipDescription *chip)
{
        buffer_append_string(b, "Not measured, which would write to it; its channels:");
        for (size_t i = 0; i < chip->n_channels; i++)
                buffer_printf(b, "%s %s%s%s", i > 0 ? "," : "", chip->channels[i].name,
                              chip->channels[i].unit ? " in " : "", chip->channels[i].unit ?: "");
        buffer_append_char(b, '\n');
        for (size_t i = 0; i < chip->n_options; i++)
                buffer_printf(b, "%s%s%s", i > 0 ? ", " : "It can choose (man hublink-chips): ", chip->options[i].name,
                              i + 1 == chip->n_options ? "\n" : "");
}

static int propose(Survey *s, const SurveyBus *bus, const Finding *f)
{
        SurveySensor *sensor;
        bool is_sure = f->is_identified && f->n_chips == 1;
        int r = survey_add(s, "i2c", is_sure ? f->chips[0]->name : "chip", &sensor);

        if (r < 0)
                return r;
        sensor->settings.bus = strdup(bus->device);
        sensor->settings.address = f->address;
        if (f->n_chips > 0)
                memcpy(sensor->settings.chip, f->chips[0]->name, sizeof(Name));
        if (asprintf(&sensor->place, "%u-%04x", bus->number, f->address) < 0)
                sensor->place = NULL;
        if (!sensor->settings.bus || !sensor->place)
                return -ENOMEM;
        put_candidates(&sensor->remark, f);
        if (is_sure)
                put_channels(&sensor->remark, f->chips[0]->chip);
        return is_sure ? 0 : survey_say_why_not(sensor, "which chip it is has to be said");
}

static SurveyBus *find_bus(Survey *s, const char *bus)
{
        char room[PATH_MAX];
        const char *real = realpath(bus, room) ?: bus;

        for (size_t i = 0; i < s->n_buses; i++)
                if (strcmp(s->buses[i].device, bus) == 0 || strcmp(s->buses[i].device, real) == 0)
                        return &s->buses[i];
        return NULL;
}

int survey_probe(Survey *s, const I2cPort *port, const char *bus, const NamedChip *chips, size_t n_chips)
{
        SurveyBus *found = find_bus(s, bus);
        int r;

        if (!found)
                return -ENOENT;
        free(found->probe);
        found->probe = calloc(1, sizeof(*found->probe));
        if (!found->probe)
                return -ENOMEM;
        r = probe_bus(port, found->device, chips, n_chips, found->probe);
        for (size_t i = 0; i < found->probe->n_findings && r == 0; i++)
                r = propose(s, found, &found->probe->findings[i]);
        if (r < 0) {
                free(found->probe);
                found->probe = NULL;
        }
        return r;
}
