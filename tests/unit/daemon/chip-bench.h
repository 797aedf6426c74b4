/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Chip bench - a chip's file, read as the daemon reads it, and a bus that plays the chip
 */

#include "daemon/settings.h"
#include "fake-i2c.h"
#include "sensor/driver.h"

/* What the chip answers to a command, or holds in registers from the command's byte on. */
typedef struct Answer {
        const char *command; /* hexadecimal */
        usec_t takes;
        const char *bytes; /* hexadecimal */
} Answer;

typedef struct Figure {
        const char *chip;
        unsigned address;
        bool by_registers; /* else by answers */
        Answer answers[8];
        const char *written; /* among all that happened; NULL: not asked */
        struct {
                const char *channel;
                double value, within;
        } values[8];
        const char *options; /* of the sensor; NULL: none */
} Figure;

typedef struct ChipBench {
        FakeI2c bus;
        Settings *settings;
        void *device;
        Sample sample;
} ChipBench;

extern ChipBench bench;

/* A file of those that come with hublink; and what choice number i of an option makes of it. */
ChipDescription *bench_read_chip(const char *file);
ChipDescription *bench_chosen(const ChipDescription *c, const ChipOption *o, size_t i);

void bench_setup(void);
void bench_teardown(void);

/* A sensor of the chip; more: its other settings. The chip's file is in `chips` of the folder. */
void bench_load_from(const char *folder, const char *chip, unsigned address, const char *more);
void bench_load(const char *chip, unsigned address, const char *more); /* of those that come with hublink */
void bench_load_figure(const Figure *f, const char *more);             /* with its options */

void bench_play(const Figure *f);
int bench_measure(void);
double bench_value(const char *channel);
void bench_check(const Figure *f); /* measured once, it gives the figure's values */
