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
        r = strcmp(bus, FAKE_I2C_BUS) != 0 ? -ENOENT : fake->open_error < 0 ? fake->open_error : FAKE_FD;
        fake->opened += r >= 0;
        pthread_mutex_unlock(&fake->lock);
        return r;
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

static int fake_transfer(const I2cPort *port, int fd, unsigned address, const void *write, size_t n_write, void *read,
                         size_t n_read)
{
        FakeI2c *fake = fake_of(port);
        FakeI2cChip *chip = &fake->chips[address];
        const uint8_t *reg = write;
        int r = 0;

        pthread_mutex_lock(&fake->lock);
        fake->transfers++;
        hang(fake, chip);
        memcpy(fake->last_write, write, MIN(n_write, sizeof(fake->last_write)));
        fake->n_last_write = n_write;
        if (fd != FAKE_FD)
                r = -EBADF;
        else if (!chip->present)
                r = -ENXIO;
        else if (chip->error < 0)
                r = chip->error;
        for (size_t i = 0; i < n_read && r == 0; i++)
                ((uint8_t *)read)[i] = chip->registers[(uint8_t)(reg[n_write - 1] + i)];
        pthread_mutex_unlock(&fake->lock);
        return r;
}

static void fake_close(const I2cPort *port, int fd)
{
        FakeI2c *fake = fake_of(port);

        pthread_mutex_lock(&fake->lock);
        fake->closed += fd == FAKE_FD;
        pthread_mutex_unlock(&fake->lock);
}

void fake_i2c_init(FakeI2c *fake)
{
        *fake = (FakeI2c){
                .port = {fake_open, fake_transfer, fake_close},
                .lock = PTHREAD_MUTEX_INITIALIZER,
                .wake = PTHREAD_COND_INITIALIZER,
        };
}

void fake_i2c_done(FakeI2c *fake)
{
        fake_i2c_release(fake);
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
