/* SPDX-License-Identifier: Apache-2.0 */
#include "rack.h"

#include <errno.h>
#include <linux/i2c.h>
#include <string.h>

#define SMBUS_WORDS (I2C_FUNC_SMBUS_BYTE | I2C_FUNC_SMBUS_BYTE_DATA | I2C_FUNC_SMBUS_WORD_DATA)

/* An order and its words. The first thing that is wrong is kept. */
typedef struct Order {
        Rack *rack;
        gchar **words;
        guint n;
        const char *wrong;
        gchar *told;
} Order;

static void refuse(Order *o, const char *why)
{
        if (!o->wrong)
                o->wrong = why;
}

/* ---- words ---- */

static const char *word(const Order *o, guint i)
{
        return i < o->n ? o->words[i] : "";
}

static guint number(Order *o, guint i, guint max)
{
        gchar *end;
        guint64 n = g_ascii_strtoull(word(o, i), &end, 0);

        if (end == word(o, i) || *end || n > max)
                refuse(o, "a number that is too large, or none");
        return (guint)MIN(n, max);
}

static gsize hexadecimal(Order *o, guint i, guint8 *bytes, gsize max)
{
        const char *text = word(o, i);
        gsize n = strlen(text) / 2;

        if (n == 0 || strlen(text) % 2 != 0 || n > max) {
                refuse(o, "no bytes, half ones or too many");
                return 0;
        }
        for (gsize k = 0; k < n; k++) {
                if (g_ascii_xdigit_value(text[2 * k]) < 0 || g_ascii_xdigit_value(text[2 * k + 1]) < 0)
                        refuse(o, "bytes are hexadecimal");
                bytes[k] = (guint8)(g_ascii_xdigit_value(text[2 * k]) << 4 | g_ascii_xdigit_value(text[2 * k + 1]));
        }
        return n;
}

static gboolean yes(Order *o, guint i)
{
        if (!g_str_equal(word(o, i), "yes") && !g_str_equal(word(o, i), "no"))
                refuse(o, "yes or no");
        return g_str_equal(word(o, i), "yes");
}

static Bus *bus(Order *o, guint i)
{
        guint n = number(o, i, RACK_BUSES - 1);

        if (!o->wrong && !o->rack->buses[n].made)
                refuse(o, "there is no such bus");
        return &o->rack->buses[n];
}

/* Some chip, also when something is wrong. */
static Chip *chip(Order *o, guint i)
{
        Chip *c = rack_chip(o->rack, word(o, i));

        if (!c)
                refuse(o, "there is no such chip");
        return c ?: &o->rack->chips[0];
}

/* ---- buses ---- */

static void plug(Order *o, Bus *b)
{
        b->here = TRUE;
        b->generation++;
        if (!node_make(o->rack, (guint)(b - o->rack->buses), NULL))
                refuse(o, "its node cannot be made");
}

static void order_bus(Order *o)
{
        static const struct {
                const char *name;
                gulong functions;
        } kinds[] = {
                {"plain", I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL},
                {"smbus", SMBUS_WORDS | I2C_FUNC_SMBUS_I2C_BLOCK},
                {"words", SMBUS_WORDS},
                {"mute", 0},
        };
        guint n = number(o, 1, RACK_BUSES - 1), kind = 0;
        Bus *b = &o->rack->buses[n];

        while (kind < G_N_ELEMENTS(kinds) && !g_str_equal(word(o, 2), kinds[kind].name))
                kind++;
        if (kind == G_N_ELEMENTS(kinds) || b->made)
                refuse(o, "it is plain, smbus, words or mute, and made once");
        if (o->wrong)
                return;
        b->functions = kinds[kind].functions;
        b->made = TRUE;
        plug(o, b);
        if (!calls_attach(o->rack, n, NULL))
                refuse(o, "umockdev does not take it");
}

static void order_plug(Order *o)
{
        Bus *b = bus(o, 1);

        if (!o->wrong && !b->here)
                plug(o, b);
}

static void order_unplug(Order *o)
{
        Bus *b = bus(o, 1);

        if (!o->wrong)
                rack_unplug(o->rack, (guint)(b - o->rack->buses));
}

static void order_hold(Order *o)
{
        Bus *b = bus(o, 1);
        guint address = number(o, 2, G_N_ELEMENTS(b->held) - 1);

        if (o->n != 7 || (!g_str_equal(word(o, 4), "hwmon") && !g_str_equal(word(o, 4), "iio")))
                refuse(o, "bus, address, driver, hwmon or iio, file and value");
        if (o->wrong)
                return;
        /* Calls are served beside the orders: who is told that the address is held finds by whom. */
        if (!driver_show(o->rack, (guint)(b - o->rack->buses), address, word(o, 3), word(o, 4), word(o, 5), word(o, 6), NULL))
                refuse(o, "its files cannot be made");
        else
                b->held[address] = TRUE;
}

static void order_let(Order *o)
{
        Bus *b = bus(o, 1);
        guint address = number(o, 2, G_N_ELEMENTS(b->held) - 1);

        if (o->wrong)
                return;
        b->held[address] = FALSE;
        driver_hide(o->rack, (guint)(b - o->rack->buses), address);
}

static void order_forced(Order *o)
{
        o->told = g_strdup_printf("%u", o->rack->forced);
}

/* ---- chips ---- */

static void order_chip(Order *o)
{
        Chip c = {.bus = number(o, 2, RACK_BUSES - 1), .address = number(o, 3, 0x77), .kind = _CHIP_KIND_MAX};

        for (ChipKind k = 0; k < _CHIP_KIND_MAX; k++)
                if (g_str_equal(word(o, 4), chip_kind_name(k)))
                        c.kind = k;
        if (c.kind == _CHIP_KIND_MAX)
                refuse(o, "it is of bytes, words or commands, or a mux");
        if (o->n > 5) {
                c.mux = chip(o, 5);
                c.channel = number(o, 6, 7);
        }
        if (g_strlcpy(c.name, word(o, 1), sizeof(c.name)) >= sizeof(c.name) || rack_chip(o->rack, c.name) ||
            o->rack->n_chips == RACK_CHIPS)
                refuse(o, "its name is too long or taken, or there are too many");
        if (!o->wrong)
                o->rack->chips[o->rack->n_chips++] = c;
}

static void order_set(Order *o)
{
        Chip *c = chip(o, 1);
        guint at = number(o, 2, 255) * (c->kind == CHIP_WORDS ? 2 : 1);
        guint8 bytes[64];
        gsize n = hexadecimal(o, 3, bytes, sizeof(bytes));

        if (c->kind > CHIP_WORDS || at + n > sizeof(c->registers))
                refuse(o, "it has no such registers");
        if (!o->wrong)
                memcpy(c->registers + at, bytes, n);
}

/* It takes the place of an earlier one to the same command. */
static void order_answer(Order *o)
{
        Chip *c = chip(o, 1);
        ChipAnswer a = {.takes_usec = number(o, 3, 60000) * G_GUINT64_CONSTANT(1000)};
        gsize at = 0;

        a.n_command = hexadecimal(o, 2, a.command, sizeof(a.command));
        a.n = hexadecimal(o, 4, a.bytes, sizeof(a.bytes));
        while (at < c->n_answers && (c->answers[at].n_command != a.n_command ||
                                     memcmp(c->answers[at].command, a.command, a.n_command) != 0))
                at++;
        if (c->kind != CHIP_COMMANDS || at == CHIP_ANSWERS_MAX)
                refuse(o, "it takes no commands, or no more of them");
        if (o->wrong)
                return;
        c->answers[at] = a;
        c->n_answers = MAX(c->n_answers, at + 1);
}

/* What it was told to open it forgets without power. */
static void order_absent(Order *o)
{
        Chip *c = chip(o, 1);
        gboolean absent = yes(o, 2);

        if (o->wrong)
                return;
        c->absent = absent;
        if (c->kind == CHIP_MUX)
                c->pointer = 0;
}

static void order_spoil(Order *o)
{
        Chip *c = chip(o, 1);
        gboolean spoiled = yes(o, 2);

        if (!o->wrong)
                c->spoiled = spoiled;
}

static void order_slow(Order *o)
{
        Chip *c = chip(o, 1);
        guint ms = number(o, 2, 60000);

        if (!o->wrong)
                c->slow_usec = ms * G_GUINT64_CONSTANT(1000);
}

static void order_fail(Order *o)
{
        Chip *c = chip(o, 1);
        int error = 0;

        while (error < 134 && !g_str_equal(error == 0 ? "0" : strerrorname_np(error) ?: "", word(o, 2)))
                error++;
        if (error == 134)
                refuse(o, "the name of an error, or 0");
        if (!o->wrong)
                c->error = error;
}

static void order_pull(Order *o)
{
        Chip *c = chip(o, 1);
        gboolean pulls = yes(o, 2);

        if (!o->wrong)
                c->pulls = pulls;
}

static void order_reached(Order *o)
{
        o->told = g_strdup_printf("%u", o->rack->transfers[chip(o, 1) - o->rack->chips]);
}

/* ---- all ---- */

static const struct {
        const char *name;
        void (*carry_out)(Order *o);
} orders[] = {
        {"absent", order_absent}, {"answer", order_answer}, {"bus", order_bus},         {"chip", order_chip},
        {"fail", order_fail},     {"forced", order_forced}, {"hold", order_hold},       {"let", order_let},
        {"plug", order_plug},     {"pull", order_pull},     {"reached", order_reached}, {"set", order_set},
        {"slow", order_slow},     {"spoil", order_spoil},   {"unplug", order_unplug},
};

static void carry_out(Order *o)
{
        for (gsize i = 0; i < G_N_ELEMENTS(orders); i++)
                if (g_str_equal(word(o, 0), orders[i].name)) {
                        orders[i].carry_out(o);
                        return;
                }
        refuse(o, "there is no such order");
}

gchar *rack_order(Rack *r, const char *line)
{
        g_autofree gchar *text = g_strdup(line);
        g_auto(GStrv) all = g_strsplit_set(g_strstrip(text), " \t", -1);
        g_autofree gchar **words = g_new0(gchar *, g_strv_length(all) + 1);
        Order o = {.rack = r, .words = words};
        g_autofree gchar *told = NULL;

        for (guint i = 0; all[i]; i++)
                if (*all[i])
                        words[o.n++] = all[i];
        if (o.n > 0 && words[0][0] != '#')
                carry_out(&o);
        told = o.told;
        if (o.wrong)
                return g_strdup_printf("no: %s: %s", line, o.wrong);
        return told ? g_strdup_printf("ok %s", told) : g_strdup("ok");
}
