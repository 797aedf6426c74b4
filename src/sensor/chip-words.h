/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Chip words - what went wrong on a bus, told to somebody who may have a screwdriver but no data sheet
 *
 * Each says what failed, where, and what to do, and which kind of fault it is counted as. chip_fail_*() return
 * SENSOR_E_FAILED.
 */

#include "sensor/chip.h"
#include "sensor/driver.h"
#include "sensor/i2c-holder.h"

#define CHIP_WORDS_MAX 96

/* What a step was about: "block data: register 0xf7". */
void chip_words_read(const ChipDescription *chip, const ChipStep *s, char what[static CHIP_WORDS_MAX]);
void chip_words_write(const ChipBytes *bytes, char what[static CHIP_WORDS_MAX]);

/* error: an errno */
int chip_fail_bus(Sample *sample, const char *bus, bool was_there, int error);
int chip_fail_transfer(Sample *sample, const char *where, unsigned address, const char *what, int error);
/* It acknowledges its address, and nothing else: most chips do so with commands of others. */
int chip_fail_refused(Sample *sample, const char *where, unsigned address, const ChipDescription *chip,
                      const char *what);
int chip_fail_held(Sample *sample, const char *where, unsigned address, const I2cHolder *holder);
int chip_fail_mux(Sample *sample, const char *bus, unsigned address, int error);

int chip_fail_checksum(Sample *sample, const char *where, unsigned address, const char *what);
int chip_fail_identity(Sample *sample, const char *where, unsigned address, const ChipDescription *chip,
                       uint64_t found);

/* It answers, and has had nothing new for so long. */
int chip_fail_silent(Sample *sample, const char *where, unsigned address, usec_t usec);
/* Nobody waits for this measurement any more. */
int chip_fail_given_up(Sample *sample, const char *bus);
/* One of which that was said was about to make a transfer still, and made it amid this measurement. */
int chip_fail_disturbed(Sample *sample, const char *bus);
