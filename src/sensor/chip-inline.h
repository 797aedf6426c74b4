/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Chip inline - a sensor's own channels as a description of its chip
 *
 * A chip that no file knows is described by the registers of its channels. So there is one way to read chips.
 */

#include "sensor/settings.h"

/* Channels that stand on the same register in a row share one read, and so one instant. -ENOMEM. */
int chip_from_channels(ChipDescription **ret, const SensorSettings *settings);
