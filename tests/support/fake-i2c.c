/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-i2c.h"

#include <errno.h>
#include <string.h>

#define FAKE_FD 1000 /* no descriptor of ours: using it as one fails */

static FakeI2c *fake_of(const I2cPort *port)
{
        return (FakeI2c *)(uintptr_t)port;
}

static int fake_open(const I2cPort *port, const char *bus)
{
        FakeI2c *fake = fake_of(port);
        int r;

        pthread_mutex_lock(&fake->lock);
        if (strcmp(bus, FAKE_I2C_BUS) != 0 && strcmp(bus, FAKE_I2C_OTHER) != 0)
                r = -ENOENT;
        else
                r = fake->open_error < 0 ? fake->open_error : FAKE_FD;
        fake->opened += r >= 0;
        pthread_mutex_unlock(&fake->lock);
        return r;
}

static uint64_t fake_adapter(const I2cPort *port, int fd)
{
        return fake_of(port)->adapter;
}

static void hang(FakeI2c *fake, const FakeI2cChip *chip)
{
        if (!chip->hangs)
                return;
        fake->hanging++;
        pthread_cond_broadcast(&fake->wake);
        while (chip->hangs)
                pthread_cond_wait(&fake->wake, &fake->lock);
        fake->hanging--;
        pthread_cond_broadcast(&fake->wake);
}

static bool is_there(const FakeI2c *fake, const FakeI2cChip *chip)
{
        return chip->present && (chip->mux == 0 || (fake->chips[chip->mux].open & chip->mux_mask));
}

/* ---- what was written ---- */

static void ask(FakeI2c *fake, FakeI2cChip *chip, const uint8_t *bytes, size_t n)
{
        chip->asked = NULL;
        for (size_t i = 0; i < chip->n_answers; i++)
                if (chip->answers[i].n_command == n && memcmp(chip->answers[i].command, bytes, n) == 0)
                        chip->asked = &chip->answers[i];
        chip->asked_at = fake->now;
        chip->given = 0;
}

static void take_write(FakeI2c *fake, FakeI2cChip *chip, const uint8_t *bytes, size_t n, bool more)
{
        ask(fake, chip, bytes, n);
        if (chip->is_mux)
                chip->open = bytes[n - 1];
        /* what a read follows is a register's address alone */
        chip->pointer = more ? bytes[n - 1] : bytes[0];
        for (size_t i = 1; i < n && !more; i++)
                chip->registers[(uint8_t)(bytes[0] + i - 1)] = bytes[i];
}

/* ---- what is read ---- */

static int give_answer(FakeI2c *fake, FakeI2cChip *chip, uint8_t *bytes, size_t n)
{
        const FakeI2cAnswer *a = chip->asked;

        if (!a || fake->now - chip->asked_at < a->takes)
                return -ENXIO;
        for (size_t i = 0; i < n; i++)
                bytes[i] = chip->given < a->n ? a->bytes[chip->given++] : 0xff;
        return 0;
}

static int give(FakeI2c *fake, FakeI2cChip *chip, uint8_t *bytes, size_t n)
{
        if (chip->n_answers > 0)
                return give_answer(fake, chip, bytes, n);
        for (size_t i = 0; i < n; i++)
                bytes[i] = chip->registers[chip->pointer++];
        return 0;
}

static void note(FakeI2c *fake, unsigned address, const uint8_t *write, size_t n_write, size_t n_read)
{
        if (n_write > 0)
                buffer_printf(&fake->history, "%02x<", address);
        for (size_t i = 0; i < n_write; i++)
                buffer_printf(&fake->history, " %02x", write[i]);
        if (n_write > 0)
                buffer_append_string(&fake->history, n_read > 0 ? " " : "\n");
        if (n_read > 0)
                buffer_printf(&fake->history, "%02x> %zu\n", address, n_read);
}

static bool smbus_can(size_t n_write, size_t n_read)
{
        return n_read == 0 ? n_write <= 33 : n_read <= 32 && (n_write == 1 || (n_write == 0 && n_read == 1));
}

static int fake_transfer(const I2cPort *port, int fd, unsigned address, const void *write, size_t n_write, void *read,
                         size_t n_read)
{
        FakeI2c *fake = fake_of(port);
        FakeI2cChip *chip = &fake->chips[address];
        int r = 0;

        pthread_mutex_lock(&fake->lock);
        fake->transfers++;
        hang(fake, chip);
        note(fake, address, write, n_write, n_read);
        memcpy(fake->last_write, write, MIN(n_write, sizeof(fake->last_write)));
        fake->n_last_write = n_write;
        if (fd != FAKE_FD)
                r = -EBADF;
        else if (fake->smbus_only && !smbus_can(n_write, n_read))
                r = -EOPNOTSUPP;
        else if (fake->transfers == fake->error_at)
                r = fake->error;
        else if (!is_there(fake, chip))
                r = -ENXIO;
        else if (chip->error < 0)
                r = chip->error;
        if (r == 0 && n_write > 0)
                take_write(fake, chip, write, n_write, n_read > 0);
        if (r == 0 && n_read > 0)
                r = give(fake, chip, read, n_read);
        pthread_mutex_unlock(&fake->lock);
        return r;
}

static void fake_wait(const I2cPort *port, usec_t usec)
{
        FakeI2c *fake = fake_of(port);

        pthread_mutex_lock(&fake->lock);
        fake->now += usec;
        buffer_printf(&fake->history, "wait %llu\n", (unsigned long long)usec);
        pthread_mutex_unlock(&fake->lock);
}

static void fake_close(const I2cPort *port, int fd)
{
        FakeI2c *fake = fake_of(port);

        pthread_mutex_lock(&fake->lock);
        fake->closed += fd == FAKE_FD;
        pthread_mutex_unlock(&fake->lock);
}

static int fake_functions(const I2cPort *port, int fd)
{
        const FakeI2c *fake = fake_of(port);

        if (fake->functions != 0)
                return fake->functions;
        return I2C_CAN_QUICK | I2C_CAN_RECEIVE | (fake->smbus_only ? 0 : I2C_CAN_PLAIN);
}

static int fake_ask(const I2cPort *port, int fd, unsigned address, I2cQuestion question)
{
        FakeI2c *fake = fake_of(port);
        const FakeI2cChip *chip = &fake->chips[address];
        int r;

        pthread_mutex_lock(&fake->lock);
        fake->transfers++;
        buffer_printf(&fake->history, "%02x?%s\n", address, question == I2C_RECEIVE ? ">" : "");
        if (fd != FAKE_FD)
                r = -EBADF;
        else if (fake->transfers == fake->error_at)
                r = fake->error;
        else
                r = is_there(fake, chip) ? chip->error : -ENXIO;
        pthread_mutex_unlock(&fake->lock);
        return r;
}

void fake_i2c_init(FakeI2c *fake)
{
        *fake = (FakeI2c){
                .port = {fake_open, fake_transfer, fake_wait, fake_close, fake_adapter, fake_functions, fake_ask},
                .lock = PTHREAD_MUTEX_INITIALIZER,
                .wake = PTHREAD_COND_INITIALIZER,
        };
}

void fake_i2c_done(FakeI2c *fake)
{
        fake_i2c_release(fake);
        buffer_done(&fake->history);
        pthread_cond_destroy(&fake->wake);
        pthread_mutex_destroy(&fake->lock);
}

void fake_i2c_set(FakeI2c *fake, unsigned address, unsigned reg, const void *bytes, size_t n)
{
        pthread_mutex_lock(&fake->lock);
        fake->chips[address].present = true;
        memcpy(fake->chips[address].registers + reg, bytes, n);
        pthread_mutex_unlock(&fake->lock);
}

void fake_i2c_answer(FakeI2c *fake, unsigned address, const void *command, size_t n_command, usec_t takes,
                     const void *bytes, size_t n)
{
        FakeI2cChip *chip = &fake->chips[address];
        FakeI2cAnswer *a = chip->answers;

        pthread_mutex_lock(&fake->lock);
        while (a < chip->answers + chip->n_answers &&
               (a->n_command != n_command || memcmp(a->command, command, n_command) != 0))
                a++;
        chip->n_answers = MAX(chip->n_answers, (size_t)(a - chip->answers) + 1);
        chip->present = true;
        *a = (FakeI2cAnswer){.n_command = n_command, .takes = takes, .n = n};
        memcpy(a->command, command, n_command);
        memcpy(a->bytes, bytes, n);
        pthread_mutex_unlock(&fake->lock);
}

void fake_i2c_mux(FakeI2c *fake, unsigned mux, unsigned channel, unsigned address)
{
        pthread_mutex_lock(&fake->lock);
        fake->chips[mux].present = true;
        fake->chips[mux].is_mux = true;
        fake->chips[address].mux = mux;
        fake->chips[address].mux_mask = (uint8_t)(1U << channel);
        pthread_mutex_unlock(&fake->lock);
}

void fake_i2c_hang(FakeI2c *fake, unsigned address)
{
        pthread_mutex_lock(&fake->lock);
        fake->chips[address].present = true;
        fake->chips[address].hangs = true;
        pthread_mutex_unlock(&fake->lock);
}

void fake_i2c_wait_hanging(FakeI2c *fake, unsigned n)
{
        pthread_mutex_lock(&fake->lock);
        while (fake->hanging < n)
                pthread_cond_wait(&fake->wake, &fake->lock);
        pthread_mutex_unlock(&fake->lock);
}

void fake_i2c_release(FakeI2c *fake)
{
        pthread_mutex_lock(&fake->lock);
        for (size_t i = 0; i < ARRAY_SIZE(fake->chips); i++)
                fake->chips[i].hangs = false;
        pthread_cond_broadcast(&fake->wake);
        while (fake->hanging > 0)
                pthread_cond_wait(&fake->wake, &fake->lock);
        pthread_mutex_unlock(&fake->lock);
}
