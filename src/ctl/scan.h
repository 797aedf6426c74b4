/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Scan - what a survey found, told
 *
 * As settings: a text that hublinkd takes as it is, with what each is, its place and its value in comments; what cannot
 * be used as it is, is a comment as a whole. Or as one JSON object.
 */

#include "base/buffer.h"
#include "sensor/survey.h"

void scan_put_settings(Buffer *b, const Survey *s);
void scan_put_json(Buffer *b, const Survey *s);

/* In words, why a bus cannot be opened or asked, and what to do. */
void scan_put_error(Buffer *b, const char *device, int error);
