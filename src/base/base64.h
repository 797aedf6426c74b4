/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Base64 - bytes as text, RFC 4648, the standard alphabet with its padding
 */

#include "base/buffer.h"

void base64_encode(Buffer *b, const void *data, size_t size);

/* Appends the bytes; they are never copied meanwhile, so a secret leaves no traces. -EINVAL for what is not
 * base64 to the last character, blanks included; b is then as it was. */
int base64_decode(Buffer *b, const char *text, size_t size);
