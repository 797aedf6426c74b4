/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text file - the whole of a small file, or in words why not
 *
 * Opened, read and closed at each turn: files under /proc and /sys make their content at that moment, and one's own
 * file may have been replaced. May block for long; for worker threads.
 */

#include "base/buffer.h"
#include "sensor/driver.h"

#define TEXT_FILE_MAX (64 * 1024)

/* 0; SENSOR_E_FAILED with the words in sample; -ENOMEM. */
int text_file_load(const char *path, Buffer *b, Sample *sample);
/* The words for an errno; returns SENSOR_E_FAILED. */
int text_file_fail(const char *path, int error, Sample *sample);
