/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/chip-reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sensor/chip-words.h"
#include "sensor/formula.h"
#include "sensor/probe.h"

typedef struct Block {
        const char *name; /* of a step's */
        uint8_t bytes[CHIP_BLOCK_MAX];
        unsigned n;
} Block;

struct ChipReader {
        const I2cPort *port;
        I2cBus *shared;
        ChipDescription *chip, *mux;
        char *bus;
        char *where; /* for errors: the bus, or the multiplexer's channel on it */
        unsigned address, mux_address, mux_channel;
        int fd;           /* -1: nothing is measured now */
        uint64_t adapter; /* that it was the last time */
        bool known;       /* there was a last time */
        bool ready;       /* it is set up, and its calibration read */
        unsigned touches; /* of the bus, by this measurement */
        const char *sysfs;
        atomic_bool abandoned;

        Block *blocks;
        size_t n_blocks;
};

/* ---- blocks ---- */

static Block *find_block(const ChipReader *r, const char *name)
{
        for (size_t i = 0; i < r->n_blocks; i++)
                if (strcmp(r->blocks[i].name, name) == 0)
                        return &r->blocks[i];
        return NULL;
}

static void add_blocks(ChipReader *r, const ChipSteps *steps)
{
        for (size_t i = 0; i < steps->n; i++)
                if (*steps->items[i].read && !find_block(r, steps->items[i].read))
                        r->blocks[r->n_blocks++].name = steps->items[i].read;
}

static void empty_blocks(ChipReader *r, const ChipSteps *steps)
{
        for (size_t i = 0; i < steps->n; i++)
                if (*steps->items[i].read)
                        find_block(r, steps->items[i].read)->n = 0;
}

/* Data by data, each with its check byte behind it. */
static bool unpack(const ChipReader *r, const ChipStep *s, const uint8_t *wire, uint8_t *data)
{
        if (s->crc == 0) {
                memcpy(data, wire, s->bytes);
                return true;
        }
        for (unsigned n = 0; n < s->bytes; n += s->crc, wire += s->crc + 1) {
                if (crc8(r->chip->crc, wire, s->crc) != wire[s->crc])
                        return false;
                memcpy(data + n, wire, s->crc);
        }
        return true;
}

/* ---- steps ---- */

static void count_touch(ChipReader *r)
{
        r->touches++;
        i2c_bus_touch(r->shared);
}

/* It refused something; as a chip does to which that means nothing. */
static bool answers_at_all(ChipReader *r)
{
        int functions = r->port->functions(r->port, r->fd);
        I2cQuestion question;

        if (functions < 0 || !probe_question(r->address, functions, &question) || atomic_load(&r->abandoned))
                return false;
        count_touch(r);
        return r->port->ask(r->port, r->fd, r->address, question) == 0;
}

/* The bus is shared with the kernel's drivers: who has an address keeps it, and is named. */
static int fail_transfer(ChipReader *r, Sample *sample, unsigned address, const char *what, int error)
{
        I2cHolder holder;

        if ((error == ENXIO || error == EREMOTEIO) && address == r->address && answers_at_all(r))
                return chip_fail_refused(sample, r->where, address, r->chip, what);
        if (error == EBUSY && i2c_holder_find(&holder, r->sysfs, r->bus, address))
                return chip_fail_held(sample, address == r->address ? r->where : r->bus, address, &holder);
        return address == r->address ? chip_fail_transfer(sample, r->where, address, what, error)
                                     : chip_fail_mux(sample, r->bus, address, error);
}

/* As the port's transfer. */
static int touch(ChipReader *r, unsigned address, const void *write, size_t n_write, void *read, size_t n_read)
{
        count_touch(r);
        return r->port->transfer(r->port, r->fd, address, write, n_write, read, n_read);
}

static int transfer(ChipReader *r, const ChipBytes *write, void *read, size_t n, Sample *sample, const char *what)
{
        int k;

        if (atomic_load(&r->abandoned))
                return chip_fail_given_up(sample, r->bus);
        k = touch(r, r->address, write->bytes, write->n, read, n);
        return k < 0 ? fail_transfer(r, sample, r->address, what, -k) : 0;
}

static int do_write(ChipReader *r, const ChipStep *s, Sample *sample)
{
        char what[CHIP_WORDS_MAX];

        chip_words_write(&s->write, what);
        return transfer(r, &s->write, NULL, 0, sample, what);
}

static bool is_new(const ChipStep *s, const uint8_t *data)
{
        uint64_t bits;

        if (s->ready == 0 && s->busy == 0)
                return true;
        bits = decode_bits(&(Decode){.bytes = s->bytes}, data);
        return (s->ready == 0 || (bits & s->ready) != 0) && (bits & s->busy) == 0;
}

static int do_read(ChipReader *r, const ChipStep *s, Sample *sample)
{
        Block *block = find_block(r, s->read);
        uint8_t wire[CHIP_BYTES_MAX], *data = block->bytes + block->n;
        char what[CHIP_WORDS_MAX];
        int k;

        chip_words_read(r->chip, s, what);
        k = transfer(r, &s->reg, wire, chip_wire_bytes(s), sample, what);
        if (k != 0)
                return k;
        if (!unpack(r, s, wire, data))
                return chip_fail_checksum(sample, r->where, r->address, what);
        block->n += s->bytes;
        return is_new(s, data) ? 0 : SENSOR_E_NOT_YET;
}

static int run(ChipReader *r, const ChipSteps *steps, Sample *sample)
{
        int k = 0;

        empty_blocks(r, steps);
        for (size_t i = 0; i < steps->n && k == 0; i++) {
                const ChipStep *s = &steps->items[i];

                if (s->write.n > 0)
                        k = do_write(r, s, sample);
                else if (*s->read)
                        k = do_read(r, s, sample);
                else
                        r->port->wait(r->port, s->wait_usec);
        }
        return k;
}

/* ---- the chip ---- */

static int identify(ChipReader *r, Sample *sample)
{
        const ChipIdentity *id = &r->chip->identity;
        uint8_t bytes[DECODE_BYTES_MAX];
        uint64_t value;
        int k;

        if (id->reg.n == 0)
                return 0;
        k = transfer(r, &id->reg, bytes, id->bytes, sample, "its identity");
        if (k != 0)
                return k;
        value = decode_bits(&(Decode){.bytes = id->bytes, .mask = id->mask}, bytes);
        return value == id->value ? 0 : chip_fail_identity(sample, r->where, r->address, r->chip, value);
}

static int set_up(ChipReader *r, Sample *sample)
{
        int k = identify(r, sample);

        if (k == 0)
                k = run(r, &r->chip->setup, sample);
        if (k == 0)
                k = run(r, &r->chip->calibration, sample);
        r->ready = k == 0;
        return k;
}

/* A chip that had no power for an instant answers as before, and measures as it does when nobody set it up. */
static int verify(ChipReader *r, Sample *sample)
{
        const ChipStep *s = chip_verified(r->chip);
        const ChipBytes *reg = &r->chip->verify;
        uint8_t bytes[CHIP_BYTES_MAX];
        unsigned n;
        int k;

        if (!s)
                return 0;
        n = s->write.n - reg->n;
        k = transfer(r, reg, bytes, n, sample, "what it was set up to");
        if (k == 0)
                r->ready = memcmp(bytes, s->write.bytes + reg->n, n) == 0;
        return k;
}

/* ---- multiplexers ---- */

static int tell_mux(ChipReader *r, unsigned mux, uint8_t byte)
{
        return touch(r, mux, &byte, 1, NULL, 0);
}

/* Who does not answer has no power or is held in reset, and then all its channels are closed; and a driver of the
 * kernel's closes them itself. */
static bool needs_no_closing(int k)
{
        return k == -ENXIO || k == -EREMOTEIO || k == -EBUSY;
}

/* As tell_mux(). Once may be a disturbance: who is silent is suspected until he is asked again. Who was given up
 * meanwhile knows no more what is open. */
static int close_mux(ChipReader *r, const I2cLeft *left)
{
        int k = tell_mux(r, left->mux, left->release);

        if (atomic_load(&r->abandoned))
                return k;
        if (k == 0 || !left->certain)
                i2c_bus_closed(r->shared, left->mux);
        else if (needs_no_closing(k))
                i2c_bus_suspects(r->shared, left->mux, left->release);
        return k;
}

/* Behind a channel that was left open a chip may answer together with ours: rather no value than that one. Where
 * nothing is known of a channel, one try has to do. Our own multiplexer closes its others when it opens one. */
static int close_left_open(ChipReader *r, Sample *sample)
{
        I2cLeft left = {};

        while (i2c_bus_find_left(r->shared, &left)) {
                int k;

                if (r->mux && left.mux == r->mux_address) {
                        left.mux++;
                        continue;
                }
                if (atomic_load(&r->abandoned))
                        return chip_fail_given_up(sample, r->bus);
                k = close_mux(r, &left);
                if (k < 0 && left.certain && !needs_no_closing(k))
                        return fail_transfer(r, sample, left.mux, "the multiplexer's channel", -k);
        }
        return 0;
}

/* When it is refused, what was open before is open still. */
static int open_channel(ChipReader *r, Sample *sample)
{
        bool was_open;
        int k;

        if (!r->mux)
                return 0;
        if (atomic_load(&r->abandoned))
                return chip_fail_given_up(sample, r->bus);
        was_open = i2c_bus_opens(r->shared, r->mux_address, r->mux->release);
        k = tell_mux(r, r->mux_address, r->mux->select.bytes[r->mux_channel]);
        if (k == 0)
                return 0;
        if (!was_open && !atomic_load(&r->abandoned))
                i2c_bus_suspects(r->shared, r->mux_address, r->mux->release);
        return fail_transfer(r, sample, r->mux_address, "the multiplexer's channel", -k);
}

/* Also when the chip failed; but not when somebody else has the bus, who may have a channel open. */
static int close_channel(ChipReader *r, Sample *sample)
{
        int k = 0;

        if (r->mux && !atomic_load(&r->abandoned))
                k = close_mux(r, &(I2cLeft){r->mux_address, r->mux->release, true});
        return k < 0 ? fail_transfer(r, sample, r->mux_address, "the multiplexer's channel", -k) : 0;
}

static int measure_behind(ChipReader *r, Sample *sample)
{
        Sample unheard;
        int k, closed;

        k = close_left_open(r, sample);
        if (k == 0)
                k = open_channel(r, sample);
        if (k != 0)
                return k;
        if (r->ready)
                k = verify(r, sample);
        if (k == 0 && !r->ready)
                k = set_up(r, sample);
        if (k == 0)
                k = run(r, &r->chip->measure, sample);
        closed = close_channel(r, k == 0 ? sample : &unheard);
        return k == 0 ? closed : k;
}

/* ---- all of it ---- */

static int open_bus(ChipReader *r, Sample *sample)
{
        uint64_t adapter;
        int k = r->port->open(r->port, r->bus);

        if (k < 0)
                return chip_fail_bus(sample, r->bus, r->known, -k);
        r->fd = k;
        adapter = r->port->adapter(r->port, k);
        if (adapter != r->adapter)
                r->ready = false; /* what hung on the other one has had no power in between */
        r->adapter = adapter;
        r->known = true;
        return 0;
}

static void close_bus(ChipReader *r)
{
        r->port->close(r->port, r->fd);
        r->fd = -1;
}

void chip_reader_forget(ChipReader *r)
{
        r->ready = false;
}

/* A value is one only if nobody else was on the bus. */
static int measure_alone(ChipReader *r, Sample *sample)
{
        unsigned before = i2c_bus_touches(r->shared);
        int k;

        r->touches = 0;
        k = measure_behind(r, sample);
        return k == 0 && i2c_bus_touches(r->shared) - before != r->touches ? chip_fail_disturbed(sample, r->bus) : k;
}

int chip_reader_measure(ChipReader *r, Sample *sample)
{
        int k = open_bus(r, sample);

        if (k == 0) {
                k = measure_alone(r, sample);
                close_bus(r);
        }
        if (k == SENSOR_E_FAILED)
                chip_reader_forget(r);
        return k;
}

double chip_reader_value(const ChipReader *r, const ChipChannel *channel)
{
        const uint8_t *bytes = find_block(r, channel->from)->bytes + channel->at;
        double raw;

        if (channel->formula)
                raw = formula_find(channel->formula)->value(bytes, find_block(r, channel->with)->bytes);
        else
                raw = decode_raw(&channel->decode, bytes);
        return convert(&channel->conversion, raw);
}

void chip_reader_abandon(ChipReader *r)
{
        atomic_store(&r->abandoned, true);
}

static char *where(const ChipPlace *place)
{
        char *text;

        if (!place->mux)
                return strdup(place->bus);
        return asprintf(&text, "channel %u of 0x%02x on %s", place->mux_channel, place->mux_address, place->bus) < 0
                       ? NULL
                       : text;
}

int chip_reader_new(ChipReader **ret, const I2cPort *port, ChipDescription *chip, const ChipPlace *place)
{
        _cleanup_(chip_reader_freep) ChipReader *r = calloc(1, sizeof(*r));
        size_t n = chip->setup.n + chip->calibration.n + chip->measure.n;

        if (!r)
                return -ENOMEM;
        r->fd = -1;
        r->port = port;
        r->chip = chip_ref(chip);
        r->mux = chip_ref((ChipDescription *)(uintptr_t)place->mux);
        r->shared = place->shared ? i2c_bus_ref(place->shared) : i2c_bus_new();
        r->address = place->address;
        r->mux_address = place->mux_address;
        r->mux_channel = place->mux_channel;
        r->sysfs = place->sysfs;
        r->bus = strdup(place->bus);
        r->where = where(place);
        r->blocks = calloc(n, sizeof(*r->blocks));
        if (!r->shared || !r->bus || !r->where || !r->blocks)
                return -ENOMEM;
        add_blocks(r, &chip->calibration);
        add_blocks(r, &chip->measure);
        *ret = TAKE_PTR(r);
        return 0;
}

ChipReader *chip_reader_free(ChipReader *r)
{
        if (!r)
                return NULL;
        chip_unref(r->chip);
        chip_unref(r->mux);
        i2c_bus_unref(r->shared);
        free(r->blocks);
        free(r->where);
        free(r->bus);
        free(r);
        return NULL;
}
