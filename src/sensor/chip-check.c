/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What of a chip's description can be said to be wrong without the chip.
 *
 * Steps are walked in the order in which they run, with the blocks as they fill: so a channel is held against what
 * it will find.
 */

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "sensor/chip.h"
#include "sensor/formula.h"

typedef struct Blocks {
        struct {
                const char *name;
                unsigned bytes;
                bool constant; /* of the calibration */
        } items[CHIP_BLOCKS_MAX];
        size_t n;
} Blocks;

static int bad(char **ret_error, const char *fmt, ...) _printf_(2, 3);

static int bad(char **ret_error, const char *fmt, ...)
{
        char *text;
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        *ret_error = text;
        return 1;
}

/* ---- blocks ---- */

static long block_find(const Blocks *b, const char *name)
{
        for (size_t i = 0; i < b->n; i++)
                if (strcmp(b->items[i].name, name) == 0)
                        return (long)i;
        return -1;
}

static int block_fill(Blocks *b, const char *list, size_t i, const ChipStep *s, bool constant, char **ret_error)
{
        long k = block_find(b, s->read);

        if (k < 0) {
                if (b->n == ARRAY_SIZE(b->items))
                        return bad(ret_error, "%s.%zu.read: at most %d blocks", list, i, CHIP_BLOCKS_MAX);
                k = (long)b->n++;
                b->items[k].name = s->read;
                b->items[k].bytes = 0;
                b->items[k].constant = constant;
        }
        if (b->items[k].constant != constant)
                return bad(ret_error, "%s.%zu.read: \"%s\" is a block of the calibration, which stays: take another "
                                      "name",
                           list, i, s->read);
        if (b->items[k].bytes + s->bytes > CHIP_BLOCK_MAX)
                return bad(ret_error, "%s.%zu.bytes: block \"%s\" would have %u bytes, at most %d can be", list, i,
                           s->read, b->items[k].bytes + s->bytes, CHIP_BLOCK_MAX);
        b->items[k].bytes += s->bytes;
        return 0;
}

/* ---- steps ---- */

static bool has_bits(const ChipStep *s, uint64_t bits)
{
        return bits == 0 || s->bytes == DECODE_BYTES_MAX ||
               (s->bytes < DECODE_BYTES_MAX && bits >> (8 * s->bytes) == 0);
}

static int check_read(const ChipDescription *c, const char *list, size_t i, const ChipStep *s, char **ret_error)
{
        if (s->bytes == 0)
                return bad(ret_error, "%s.%zu: bytes is missing: how many are read", list, i);
        if (s->crc > 0 && s->bytes % s->crc != 0)
                return bad(ret_error, "%s.%zu.crc: %u bytes are no whole number of %u; bytes counts the data alone, "
                                      "crc how "
                           "many of them come before each check byte", list, i, s->bytes, s->crc);
        if (s->crc > 0 && c->crc.polynomial == 0)
                return bad(ret_error, "%s.%zu.crc: nothing says how it is computed: the chip needs  crc: { polynomial "
                                      "= "
                           "0x31; seed = 0xFF; };  from its data sheet", list, i);
        if (chip_wire_bytes(s) > CHIP_BYTES_MAX)
                return bad(ret_error, "%s.%zu.bytes: %u bytes on the wire in one read, at most %d can be: make two of "
                                      "it",
                           list, i, chip_wire_bytes(s), CHIP_BYTES_MAX);
        if (!has_bits(s, s->ready))
                return bad(ret_error, "%s.%zu.ready: 0x%llX has more than the bits that are read", list, i,
                           (unsigned long long)s->ready);
        if (!has_bits(s, s->busy))
                return bad(ret_error, "%s.%zu.busy: 0x%llX has more than the bits that are read", list, i,
                           (unsigned long long)s->busy);
        return 0;
}

static int check_step(const ChipDescription *c, const char *list, size_t i, const ChipStep *s, char **ret_error)
{
        unsigned kinds = (s->write.n > 0) + (s->wait_usec > 0) + (*s->read != 0);

        if (kinds != 1)
                return bad(ret_error, "%s.%zu: a step is either  { write = [ ... ]; }  or  { wait = \"16ms\"; }  or  "
                           "{ read = \"block\"; ... }", list, i);
        if (!*s->read && (s->reg.n > 0 || s->bytes > 0 || s->crc > 0 || s->ready != 0 || s->busy != 0))
                return bad(ret_error, "%s.%zu: register, bytes, crc, ready and busy belong to a step that reads: its "
                                      "block's "
                           "name is missing, such as  read = \"block\"", list, i);
        return *s->read ? check_read(c, list, i, s, ret_error) : 0;
}

static int check_steps(const ChipDescription *c, const char *list, const ChipSteps *steps, Blocks *blocks,
                       char **ret_error)
{
        bool constant = steps == &c->calibration;
        int r = 0;

        for (size_t i = 0; i < steps->n && r == 0; i++) {
                const ChipStep *s = &steps->items[i];

                r = check_step(c, list, i, s, ret_error);
                if (r == 0 && (s->ready != 0 || s->busy != 0) && steps != &c->measure)
                        r = bad(ret_error, "%s.%zu.%s: only a measurement can be left out", list, i,
                                s->ready != 0 ? "ready" : "busy");
                if (r == 0 && *s->read && steps == &c->setup)
                        r = bad(ret_error, "%s.%zu.read: what is read at the beginning and kept belongs into "
                                           "calibration",
                                list, i);
                if (r == 0 && *s->read)
                        r = block_fill(blocks, list, i, s, constant, ret_error);
        }
        return r;
}

/* ---- channels ---- */

/* The names of all blocks, for "there are ...". */
static const char *block_names(const Blocks *b, char *text, size_t size)
{
        size_t n = 0;

        text[0] = 0;
        for (size_t i = 0; i < b->n && n < size; i++)
                n += (size_t)snprintf(text + n, size - n, "%s\"%s\"", i > 0 ? ", " : "", b->items[i].name);
        return text;
}

static int check_block(const Blocks *blocks, const ChipChannel *ch, const char *member, const char *name, long *ret,
                       char **ret_error)
{
        char names[160];

        *ret = block_find(blocks, name);
        if (*ret >= 0)
                return 0;
        if (!*name)
                return bad(ret_error, "channels.%s: %s is missing: the block that is read; there are %s", ch->name,
                           member, block_names(blocks, names, sizeof(names)));
        return bad(ret_error, "channels.%s.%s: no step reads a block \"%s\"; there are %s", ch->name, member, name,
                   block_names(blocks, names, sizeof(names)));
}

static int check_formula(const Blocks *blocks, const ChipChannel *ch, char **ret_error)
{
        const Formula *f = formula_find(ch->formula);
        long k;
        int r;

        if (!f) {
                Nearest nearest = nearest_begin(ch->formula);

                for (size_t i = 0; formula_at(i); i++)
                        nearest_offer(&nearest, formula_at(i)->name);
                return nearest.found ? bad(ret_error, "channels.%s.formula: there is no \"%s\"; did you mean \"%s\"?",
                                           ch->name, ch->formula, nearest.found)
                                     : bad(ret_error, "channels.%s.formula: there is no \"%s\"", ch->name, ch->formula);
        }
        if (ch->decode.bytes != 0)
                return bad(ret_error, "channels.%s.bytes: a formula takes its bytes by itself", ch->name);
        r = check_block(blocks, ch, "with", ch->with, &k, ret_error);
        if (r != 0)
                return r;
        if (blocks->items[k].bytes < f->calibration)
                return bad(ret_error, "channels.%s.with: %s needs %u bytes of calibration, \"%s\" has %u", ch->name,
                           f->name, f->calibration, ch->with, blocks->items[k].bytes);
        return 0;
}

static int check_table(const ChipChannel *ch, char **ret_error)
{
        const Curve *t = &ch->conversion.table;

        if (t->n == 1)
                return bad(ret_error, "channels.%s.table: at least two points", ch->name);
        for (unsigned i = 1; i < t->n; i++)
                if (!(t->points[i].raw > t->points[i - 1].raw))
                        return bad(ret_error, "channels.%s.table: the raw numbers rise from point to point; %g does "
                                              "not, "
                                   "after %g", ch->name, t->points[i].raw, t->points[i - 1].raw);
        if (t->n > 0 && ch->conversion.polynomial.n > 0)
                return bad(ret_error, "channels.%s.table: either a table or a polynomial", ch->name);
        return 0;
}

static int check_conversion(const ChipChannel *ch, char **ret_error)
{
        if (!isfinite(ch->conversion.scale) || ch->conversion.scale == 0)
                return bad(ret_error, "channels.%s.scale: a finite number other than 0", ch->name);
        if (!isfinite(ch->conversion.offset))
                return bad(ret_error, "channels.%s.offset: a finite number", ch->name);
        return check_table(ch, ret_error);
}

static int check_channel(const Blocks *blocks, const ChipChannel *ch, char **ret_error)
{
        unsigned bytes;
        char why[120];
        long k;
        int r;

        r = check_block(blocks, ch, "from", ch->from, &k, ret_error);
        if (r == 0 && ch->formula)
                r = check_formula(blocks, ch, ret_error);
        if (r != 0)
                return r;
        if (!ch->formula && *ch->with)
                return bad(ret_error, "channels.%s.with: only a formula takes calibration", ch->name);
        if (!ch->formula && !decode_check(&ch->decode, why, sizeof(why)))
                return bad(ret_error, "channels.%s.%s", ch->name, why);
        bytes = ch->formula ? formula_find(ch->formula)->bytes : ch->decode.bytes;
        if (ch->at + bytes > blocks->items[k].bytes)
                return bad(ret_error, "channels.%s.%s: bytes %u to %u are beyond block \"%s\", which has %u", ch->name,
                           ch->at > 0 ? "at" : ch->formula ? "formula" : "bytes", ch->at, ch->at + bytes - 1, ch->from,
                           blocks->items[k].bytes);
        return check_conversion(ch, ret_error);
}

/* ---- the whole ---- */

static int check_identity(const ChipIdentity *id, char **ret_error)
{
        char why[120];

        if (id->reg.n == 0)
                return id->bytes > 0 || id->mask != 0 || id->value != 0
                               ? bad(ret_error, "identify: register is missing: the one that tells the chip, such as "
                                                "0xD0")
                               : 0;
        if (!decode_check(&(Decode){.bytes = id->bytes, .mask = id->mask}, why, sizeof(why)))
                return bad(ret_error, "identify.%s", why);
        if (id->bytes < DECODE_BYTES_MAX && id->value >> (8 * id->bytes) != 0)
                return bad(ret_error, "identify.value: 0x%llX has more than the %u bits that are read",
                           (unsigned long long)id->value, 8 * id->bytes);
        if (id->mask != 0 && (id->value & ~id->mask) != 0)
                return bad(ret_error, "identify.value: 0x%llX has bits that the mask 0x%llX does not let through",
                           (unsigned long long)id->value, (unsigned long long)id->mask);
        return 0;
}

int chip_check(const ChipDescription *c, char **ret_error)
{
        Blocks blocks = {};
        int r;

        if (chip_is_multiplexer(c)) {
                if (c->n_channels > 0 || c->setup.n > 0 || c->calibration.n > 0 || c->measure.n > 0 || c->n_options > 0)
                        return bad(ret_error, "select: a multiplexer has neither steps nor channels nor options of its "
                                              "own");
                return 0;
        }
        if (c->n_channels == 0)
                return bad(ret_error, "channels: at least one, such as  channels: { temperature: { from = \"block\"; "
                                      "bytes = "
                           "2; }; };  (or select, if it is a multiplexer)");
        if (c->measure.n == 0)
                return bad(ret_error, "measure: at least one step, such as  measure = ( { read = \"block\"; register = "
                                      "0; "
                           "bytes = 2; } );");
        r = check_identity(&c->identity, ret_error);
        if (r == 0)
                r = check_steps(c, "setup", &c->setup, &blocks, ret_error);
        if (r == 0)
                r = check_steps(c, "calibration", &c->calibration, &blocks, ret_error);
        if (r == 0)
                r = check_steps(c, "measure", &c->measure, &blocks, ret_error);
        if (r == 0 && c->verify.n > 0 && !chip_verified(c))
                r = bad(ret_error, "verify: no step of setup writes to this register, so there is nothing to compare");
        for (size_t i = 0; i < c->n_channels && r == 0; i++)
                r = check_channel(&blocks, &c->channels[i], ret_error);
        return r == 0 ? chip_check_options(c, ret_error) : r;
}
