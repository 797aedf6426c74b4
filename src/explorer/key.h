/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Key - a symmetric key of an identity or an enrollment, from the command line or from the dice
 *
 * Secrets: the Buffers are for secret_buffer_done().
 */

#include "explorer/words.h"

/* The value of an option: base64 of 16 to 64 bytes, or @FILE that holds it. b stays empty when the option is not
 * given. EXPLORER_OK, or having complained. */
int key_of_option(const Words *w, const char *option, Buffer *b);

int key_draw(Buffer *b); /* a new one; complains */
