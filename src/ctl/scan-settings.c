/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "base/visible.h"

/* ---- words ---- */

/* In quotes, so that it reads back to the same bytes and moves nothing on a terminal. */
static void put_quoted(Buffer *b, const char *s)
{
        size_t left = strlen(s);

        buffer_append_char(b, '"');
        while (left > 0) {
                size_t n = MAX(utf8_character(s, left), (size_t)1), before = b->size;

                if (*s == '"' || *s == '\\')
                        buffer_append_char(b, '\\');
                visible_text(b, s, n);
                if (b->size - before > n && *s != '"' && *s != '\\') { /* it is not to be seen */
                        buffer_truncate(b, before);
                        for (size_t i = 0; i < n; i++)
                                buffer_printf(b, "\\x%02x", (unsigned char)s[i]);
                }
                s += n;
                left -= n;
        }
        buffer_append_char(b, '"');
}

/* A line of a comment, of which each part may come from anywhere. */
static void put_remark(Buffer *b, const char *indent, const char *text, size_t n)
{
        buffer_printf(b, "%s# ", indent);
        visible_text(b, text, n);
        buffer_append_char(b, '\n');
}

static void put_remarks(Buffer *b, const char *indent, const char *lines)
{
        while (*lines) {
                size_t n = strcspn(lines, "\n");

                put_remark(b, indent, lines, n);
                lines += n + (lines[n] != 0);
        }
}

void scan_put_error(Buffer *b, const char *device, int error)
{
        switch (error) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
                buffer_printf(b, "there is no %s: is the bus switched on, and the module i2c-dev loaded (modprobe "
                                 "i2c-dev)?",
                              device);
                break;
        case EACCES:
        case EPERM:
                buffer_printf(b, "you may not open %s: be root, or in group i2c (usermod -aG i2c USER, and log in "
                                 "anew); hublinkd needs the group, too: SupplementaryGroups=i2c in its unit", device);
                break;
        case EOPNOTSUPP:
        case ENOTTY: /* it does not tell that it has one */
                buffer_printf(b, "the adapter of %s has no way to ask whether somebody is there", device);
                break;
        default:
                buffer_printf(b, "%s: %s", device, strerrordesc_np(error) ?: "it failed");
        }
}

/* ---- buses ---- */

static const char *adapter_words(int functions)
{
        if (functions == -ENOTTY)
                return "; it does not tell what it can do";
        return functions <= 0 ? "" : functions & I2C_CAN_PLAIN ? "; plain I2C and SMBus" : "; SMBus only";
}

static void put_address(Buffer *b, const SurveyAddress *a)
{
        _cleanup_(buffer_done) Buffer line = BUFFER_NULL;
        const I2cHolder *h = &a->holder;

        buffer_printf(&line, "  0x%02x", a->address);
        if (a->type)
                buffer_printf(&line, " %s", a->type);
        if (!a->is_held)
                buffer_append_string(&line, ": declared, but no driver of the kernel has it");
        else if (*h->shown)
                buffer_printf(&line, ": belongs to driver %s of the kernel; driver %s reads it: device %s, at /%s/",
                              h->driver, h->kind, h->name, h->place);
        else
                buffer_printf(&line, ": belongs to driver %s of the kernel, which shows it neither by hwmon nor by IIO",
                              h->driver);
        if (buffer_error(&line) == 0)
                put_remark(b, "", line.data, line.size);
}

static bool is_listed(const SurveyBus *bus, unsigned address)
{
        for (size_t i = 0; i < bus->n_addresses; i++)
                if (bus->addresses[i].address == address)
                        return true;
        return false;
}

static void put_probe(Buffer *b, const SurveyBus *bus)
{
        const Probe *p = bus->probe;

        if (!p) {
                buffer_printf(b, "#   Not probed: hublinkctl sensors scan --probe %u asks who is there.\n",
                              bus->number);
                return;
        }
        for (unsigned address = PROBE_FIRST; address <= PROBE_LAST; address++)
                if (p->held[address] && !is_listed(bus, address))
                        buffer_printf(b, "#   0x%02x: belongs to a driver of the kernel\n", address);
        buffer_printf(b, "#   Probed: %zu of %u addresses answered%s\n", p->n_findings, PROBE_LAST - PROBE_FIRST + 1,
                      p->n_findings > 0 ? ", see below." : ".");
        if (p->n_stuck > 0)
                buffer_printf(b, "#   The bus was stuck or busy at %u of them: a chip may hold a line low.\n",
                              p->n_stuck);
        if (p->n_left_out > 0)
                buffer_printf(b, "#   Left alone: %u addresses of memories, to which this adapter could only write.\n",
                              p->n_left_out);
        if (p->n_findings > 0)
                buffer_append_string(b, "#   hublinkd opens it when it is in the group of the file, mostly i2c: "
                                        "systemctl edit hublinkd, SupplementaryGroups=i2c\n");
}

static void put_bus(Buffer *b, const SurveyBus *bus)
{
        _cleanup_(buffer_done) Buffer line = BUFFER_NULL;

        buffer_printf(&line, "I2C bus %s: %s%s", bus->device, bus->name ?: "its adapter has no name",
                      adapter_words(bus->functions));
        if (buffer_error(&line) == 0)
                put_remark(b, "", line.data, line.size);
        if (bus->functions < 0 && bus->functions != -ENOTTY) {
                buffer_append_string(b, "#   ");
                scan_put_error(b, bus->device, -bus->functions);
                buffer_append_char(b, '\n');
        }
        for (size_t i = 0; i < bus->n_addresses; i++)
                put_address(b, &bus->addresses[i]);
        put_probe(b, bus);
}

/* ---- sensors ---- */

static void put_look(Buffer *b, const SurveyChannel *look)
{
        buffer_append_string(b, "  # ");
        if (look->error)
                visible_string(b, look->error);
        else
                buffer_printf(b, "%.7g%s%s", look->value, look->unit ? " " : "", look->unit ?: "");
        buffer_append_char(b, '\n');
}

/* One that fails would take the others with it: it is there, but as a comment. */
static void put_channel(Buffer *b, const char *indent, const ChannelSettings *c, const SurveyChannel *look)
{
        buffer_printf(b, "%s    %s%s: {", indent, look->error ? "# " : "", c->name);
        if (c->attribute || c->label) {
                buffer_append_string(b, c->label ? " label = " : " attribute = ");
                put_quoted(b, c->label ?: c->attribute);
                buffer_append_char(b, ';');
        }
        if (c->scale != 1)
                buffer_printf(b, " scale = %.9g;", c->scale);
        if (c->unit) {
                buffer_append_string(b, " unit = ");
                put_quoted(b, c->unit);
                buffer_append_char(b, ';');
        }
        buffer_append_string(b, " };");
        put_look(b, look);
}

static void put_text(Buffer *b, const char *indent, const char *key, const char *value)
{
        if (!value)
                return;
        buffer_printf(b, "%s  %s = ", indent, key);
        put_quoted(b, value);
        buffer_append_string(b, ";\n");
}

static void put_members(Buffer *b, const char *indent, const SurveySensor *sensor)
{
        const SensorSettings *s = &sensor->settings;

        put_text(b, indent, "driver", s->driver);
        put_text(b, indent, "device", s->device);
        put_text(b, indent, "at", s->at);
        put_text(b, indent, "path", s->path);
        put_text(b, indent, "bus", s->bus);
        if (s->bus)
                buffer_printf(b, "%s  address = 0x%02x;\n", indent, s->address);
        if (s->bus) /* where it is to be said, it is to be seen that it is */
                put_text(b, indent, "chip", *s->chip ? s->chip : "?");
        buffer_printf(b, "%s  interval = \"%llus\";\n", indent, (unsigned long long)(s->interval_usec / USEC_PER_SEC));
        if (s->n_channels == 0)
                return;
        buffer_printf(b, "%s  channels: {\n", indent);
        for (size_t i = 0; i < s->n_channels; i++)
                put_channel(b, indent, &s->channels[i], &sensor->channels[i]);
        buffer_printf(b, "%s  };\n", indent);
}

static void put_title(Buffer *b, const SurveySensor *s)
{
        _cleanup_(buffer_done) Buffer line = BUFFER_NULL;

        if (s->settings.bus)
                buffer_printf(&line, "0x%02x on %s", s->settings.address, s->settings.bus);
        else
                buffer_printf(&line, "%s, now %s (%s)", s->called ?: "without a name", s->path, s->place);
        if (buffer_error(&line) == 0)
                put_remark(b, "  ", line.data, line.size);
}

static void put_sensor(Buffer *b, const SurveySensor *s)
{
        const char *indent = s->why_not ? "  # " : "  ";

        buffer_append_char(b, '\n');
        put_title(b, s);
        if (s->remark.size > 0)
                put_remarks(b, "  ", s->remark.data);
        if (s->why_not) {
                buffer_append_string(b, "  # Not as it is: ");
                visible_string(b, s->why_not);
                buffer_append_string(b, ".\n");
                if (s->is_beyond || (s->settings.n_channels == 0 && !s->settings.bus))
                        return; /* a file of settings has at most 1 MiB */
        }
        buffer_printf(b, "%s%s: {\n", indent, s->settings.name);
        put_members(b, indent, s);
        buffer_printf(b, "%s};\n", indent);
}

void scan_put_settings(Buffer *b, const Survey *s)
{
        buffer_append_string(b, "# What hublinkctl sensors scan found on this machine, as settings of hublinkd: for a "
                                "file of\n"
                                "# conf.d. The values are those of this moment, as hublinkd would read them.\n");
        if (s->n_buses == 0)
                buffer_append_string(b, "#\n# I2C: no bus. Where one should be: is it switched on, and the module "
                                        "i2c-dev loaded?\n");
        for (size_t i = 0; i < s->n_buses; i++) {
                buffer_append_string(b, "#\n");
                put_bus(b, &s->buses[i]);
        }
        if (s->n_sensors == 0) {
                buffer_append_string(b, "#\n# Sensors: no driver of the kernel shows any.\n");
                return;
        }
        buffer_append_string(b, "\nsensors: {");
        for (size_t i = 0; i < s->n_sensors; i++)
                put_sensor(b, &s->sensors[i]);
        buffer_append_string(b, "};\n");
}
