/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Serve words - what the options of serve have to do with one another
 *
 * What is wrong is said on stderr, and -EINVAL returned.
 */

#include "devhub/server.h"

int serve_words_take_tier(ServerSettings *settings, const char *value);
int serve_words_take_c2d_ttl(ServerSettings *settings, const char *value);
int serve_words_check(ServerSettings *settings); /* all options have been taken */
