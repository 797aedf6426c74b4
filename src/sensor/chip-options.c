/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a sensor may choose of its chip: a range, a gain, how long it measures.
 *
 * The choices make another description out of the chip's, in which some bits of what is written, some waits and some
 * scales have changed. Whoever reads the chip knows nothing of them.
 */

#include "sensor/chip.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "sensor/driver.h"

#define LISTS 3

static ChipSteps *list_at(const ChipDescription *c, unsigned i)
{
        const ChipSteps *lists[LISTS] = {&c->setup, &c->calibration, &c->measure};

        return (ChipSteps *)(uintptr_t)lists[i];
}

/* Bytes behind the register of which an option is; 0: the step is none of its. */
static unsigned bytes_of(const ChipOption *o, const ChipStep *s)
{
        if (o->mask == 0 || s->write.n <= o->reg.n || memcmp(s->write.bytes, o->reg.bytes, o->reg.n) != 0)
                return 0;
        return s->write.n - o->reg.n;
}

/* ---- does it make sense? ---- */

static int check_mask(const ChipDescription *c, const ChipOption *o, char **ret_error)
{
        size_t n = 0;

        if (o->mask == 0)
                return o->reg.n > 0 ? settings_bad(ret_error, "options.%s: mask is missing: which bits of what is "
                                                              "written to "
                                                   "the register are chosen, such as 0x0E00", o->name)
                                    : 0;
        for (unsigned i = 0; i < LISTS; i++)
                for (size_t k = 0; k < list_at(c, i)->n; k++) {
                        unsigned bytes = bytes_of(o, &list_at(c, i)->items[k]);

                        n += bytes > 0;
                        if (bytes > DECODE_BYTES_MAX)
                                return settings_bad(ret_error, "options.%s: of at most %d bytes bits can be chosen, "
                                                               "here %u "
                                                    "are written", o->name, DECODE_BYTES_MAX, bytes);
                        if (bytes > 0 && bytes < DECODE_BYTES_MAX && o->mask >> (8 * bytes) != 0)
                                return settings_bad(ret_error, "options.%s.mask: 0x%llX has more than the %u bits that "
                                                               "are "
                                                    "written", o->name, (unsigned long long)o->mask, 8 * bytes);
                }
        if (n > 0)
                return 0;
        return settings_bad(ret_error, "options.%s.%s: no step writes there, so there is nothing to choose", o->name,
                            o->reg.n > 0 ? "register" : "mask");
}

static int check_channels(const ChipDescription *c, const ChipOption *o, char **ret_error)
{
        for (unsigned i = 0; i < o->channels.n; i++) {
                Nearest nearest = nearest_begin(o->channels.items[i]);

                if (chip_channel(c, o->channels.items[i]))
                        continue;
                for (size_t k = 0; k < c->n_channels; k++)
                        nearest_offer(&nearest, c->channels[k].name);
                return settings_bad(ret_error, "options.%s.channels: there is no channel \"%s\"%s%s%s", o->name,
                                    o->channels.items[i], nearest.found ? "; did you mean \"" : "", nearest.found ?: "",
                                    nearest.found ? "\"?" : "");
        }
        return 0;
}

/* A write of the option, and somewhere behind it a wait. */
static bool has_wait(const ChipDescription *c, const ChipOption *o)
{
        for (unsigned i = 0; i < LISTS; i++) {
                bool written = false;

                for (size_t k = 0; k < list_at(c, i)->n; k++) {
                        const ChipStep *s = &list_at(c, i)->items[k];

                        if (written && s->wait_usec > 0)
                                return true;
                        written = written || bytes_of(o, s) > 0;
                }
        }
        return false;
}

static int check_choice(const ChipDescription *c, const ChipOption *o, size_t i, char **ret_error)
{
        const ChipChoice *choice = &o->choices[i];

        for (size_t k = 0; k < i; k++)
                if (strcmp(o->choices[k].is, choice->is) == 0)
                        return settings_bad(ret_error, "options.%s.choices.%zu.choice: there are two \"%s\"", o->name,
                                            i, choice->is);
        if ((choice->bits & ~o->mask) != 0)
                return settings_bad(ret_error,
                                    "options.%s.choices.%zu.bits: 0x%llX has bits that the mask 0x%llX does "
                                    "not let "
                                    "through",
                                    o->name, i, (unsigned long long)choice->bits, (unsigned long long)o->mask);
        if (!isfinite(choice->scale) || choice->scale == 0)
                return settings_bad(ret_error, "options.%s.choices.%zu.scale: a finite number other than 0", o->name,
                                    i);
        if (choice->wait_usec > 0 && !has_wait(c, o))
                return settings_bad(ret_error, "options.%s.choices.%zu.wait: behind what it changes there is no  { "
                                               "wait = ...; } "
                                    "that could become longer", o->name, i);
        return 0;
}

static int check_option(const ChipDescription *c, const ChipOption *o, char **ret_error)
{
        int r = check_mask(c, o, ret_error);

        if (r == 0)
                r = check_channels(c, o, ret_error);
        if (r == 0 && o->n_choices == 0)
                r = settings_bad(ret_error, "options.%s.choices: at least one, such as  choices = ( { choice = \"2\"; "
                                            "bits = "
                                 "0x08; scale = 0.5; } );", o->name);
        for (size_t i = 0; i < o->n_choices && r == 0; i++)
                r = check_choice(c, o, i, ret_error);
        return r;
}

int chip_check_options(const ChipDescription *c, char **ret_error)
{
        int r = 0;

        for (size_t i = 0; i < c->n_options && r == 0; i++)
                r = check_option(c, &c->options[i], ret_error);
        return r;
}

/* ---- another description ---- */

static bool copy_text(const char *from, char **to)
{
        return !from || (*to = strdup(from));
}

static bool copy_steps(const ChipSteps *from, ChipSteps *to)
{
        if (from->n == 0)
                return true;
        to->items = calloc(from->n, sizeof(*to->items));
        if (!to->items)
                return false;
        memcpy(to->items, from->items, from->n * sizeof(*to->items));
        to->n = from->n;
        return true;
}

static bool copy_channels(const ChipDescription *from, ChipDescription *to)
{
        to->channels = calloc(from->n_channels, sizeof(*to->channels));
        if (!to->channels)
                return false;
        for (size_t i = 0; i < from->n_channels; i++) {
                ChipChannel *channel = &to->channels[to->n_channels++];

                *channel = from->channels[i];
                channel->unit = channel->formula = NULL;
                if (!copy_text(from->channels[i].unit, &channel->unit) ||
                    !copy_text(from->channels[i].formula, &channel->formula))
                        return false;
        }
        return true;
}

/* All but the options, of which nothing is left to choose. */
static ChipDescription *copy(const ChipDescription *c)
{
        _cleanup_(chip_unrefp) ChipDescription *to = chip_new();

        if (!to)
                return NULL;
        to->addresses = c->addresses;
        to->identity = c->identity;
        to->verify = c->verify;
        to->crc = c->crc;
        if (!copy_text(c->title, &to->title) || !copy_text(c->datasheet, &to->datasheet) || !copy_channels(c, to))
                return NULL;
        for (unsigned i = 0; i < LISTS; i++)
                if (!copy_steps(list_at(c, i), list_at(to, i)))
                        return NULL;
        return TAKE_PTR(to);
}

/* ---- a choice ---- */

static void set_bits(uint8_t *bytes, unsigned n, const ChipOption *o, uint64_t bits)
{
        for (unsigned i = 0; i < n; i++) {
                unsigned shift = 8 * (o->little_endian ? i : n - 1 - i);

                bytes[i] = (uint8_t)((bytes[i] & ~(o->mask >> shift)) | (bits >> shift & 0xff));
        }
}

/* The wait behind a write is what the write takes. */
static void change_steps(ChipSteps *steps, const ChipOption *o, const ChipChoice *choice)
{
        usec_t longer = 0;

        for (size_t i = 0; i < steps->n; i++) {
                ChipStep *s = &steps->items[i];
                unsigned n = bytes_of(o, s);

                if (n > 0) {
                        set_bits(s->write.bytes + o->reg.n, n, o, choice->bits);
                        longer = choice->wait_usec;
                } else if (s->wait_usec > 0) {
                        s->wait_usec = MIN(usec_add(s->wait_usec, longer), (usec_t)CHIP_WAIT_MAX);
                        longer = 0;
                }
        }
}

static bool is_about(const ChipOption *o, const char *channel)
{
        for (unsigned i = 0; i < o->channels.n; i++)
                if (strcmp(o->channels.items[i], channel) == 0)
                        return true;
        return o->channels.n == 0;
}

static void change(ChipDescription *c, const ChipOption *o, const ChipChoice *choice)
{
        for (unsigned i = 0; i < LISTS; i++)
                change_steps(list_at(c, i), o, choice);
        for (size_t i = 0; i < c->n_channels; i++) {
                Conversion *conversion = &c->channels[i].conversion;

                if (!is_about(o, c->channels[i].name))
                        continue;
                conversion->scale *= choice->scale;
                conversion->decimals = decimals_scaled(conversion->decimals, choice->scale);
        }
}

#define LIST_MAX 256

/* "x", "y" or "z" */
static void list(char text[static LIST_MAX], size_t i, size_t n, const char *word, const char *last)
{
        size_t used = strlen(text);

        (void)snprintf(text + used, LIST_MAX - used, "%s\"%s\"", i == 0 ? "" : i + 1 < n ? ", " : last, word);
}

static int no_option(const ChipDescription *c, const char *name, char **ret_error)
{
        Nearest nearest = nearest_begin(name);
        char names[LIST_MAX] = "";

        if (c->n_options == 0)
                return settings_bad(ret_error, "options.%s: with a %s there is nothing to choose", name, c->title);
        for (size_t i = 0; i < c->n_options; i++) {
                nearest_offer(&nearest, c->options[i].name);
                list(names, i, c->n_options, c->options[i].name, " and ");
        }
        return nearest.found ? settings_bad(ret_error, "options.%s: a %s has no such option; did you mean \"%s\"?",
                                            name, c->title, nearest.found)
                             : settings_bad(ret_error, "options.%s: a %s has no such option, but %s", name, c->title,
                                            names);
}

static int no_choice(const ChipOption *o, const char *wanted, char **ret_error)
{
        Nearest nearest = nearest_begin(wanted);
        char choices[LIST_MAX] = "";

        for (size_t i = 0; i < o->n_choices; i++) {
                nearest_offer(&nearest, o->choices[i].is);
                list(choices, i, o->n_choices, o->choices[i].is, " or ");
        }
        return settings_bad(ret_error, "options.%s: expected %s; found \"%s\"%s%s%s", o->name, choices, wanted,
                            nearest.found ? "; did you mean \"" : "", nearest.found ?: "", nearest.found ? "\"?" : "");
}

static int choose(const ChipDescription *c, ChipDescription *to, const Property *wanted, char **ret_error)
{
        const ChipOption *o = NULL;

        if (!wanted->value)
                return 0;
        for (size_t i = 0; i < c->n_options && !o; i++)
                if (strcmp(c->options[i].name, wanted->name) == 0)
                        o = &c->options[i];
        if (!o)
                return no_option(c, wanted->name, ret_error);
        for (size_t i = 0; i < o->n_choices; i++)
                if (strcmp(o->choices[i].is, wanted->value) == 0) {
                        change(to, o, &o->choices[i]);
                        return 0;
                }
        return no_choice(o, wanted->value, ret_error);
}

int chip_choose(const ChipDescription *c, const Property *wanted, size_t n, ChipDescription **ret, char **ret_error)
{
        _cleanup_(chip_unrefp) ChipDescription *to = copy(c);
        int r = to ? 0 : -ENOMEM;

        for (size_t i = 0; i < n && r == 0; i++)
                r = choose(c, to, &wanted[i], ret_error);
        if (r == 0)
                *ret = TAKE_PTR(to);
        return r;
}
