/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Document limits - what the hub takes into a half of a twin
 *
 * So that what it would refuse never leaves here, and whoever reports it hears why. And what we take into one, whose
 * memory has an end.
 */

#include "model/document.h"

#define TWIN_HALF_MAX   (32 * 1024) /* as counted below */
#define TWIN_OTHERS_MAX (28 * 1024) /* of it for local services: what the daemon has to answer needs room too */
#define TWIN_ALL_OTHERS_MAX (30 * 1024) /* and with what the settings have it report */
#define TWIN_NAME_MAX   1024
#define TWIN_TEXT_MAX   4096
#define TWIN_DEPTH_MAX  10
#define TWIN_VALUES_MAX 4096 /* ours: the hub counts no empty ones. As many as a half full of numbers has */
#define TWIN_INTEGER_MIN (-4503599627370496)
#define TWIN_INTEGER_MAX 4503599627370495

/* As the hub counts: names, texts by their UTF-8, 8 for a number, 4 for a boolean; control characters are free. */
size_t document_size(const Document *d);

/* Values, with all that are within it. */
size_t document_values(const Document *d);

/* False: some of it is beyond what the hub takes, and words appended to why say where and what. The size of the whole
 * half is the business of whoever has it. */
bool document_is_within_limits(const Document *half, Buffer *why);

/* May a member be called so? */
bool document_name_is_valid(const char *name);
