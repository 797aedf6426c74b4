/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Digest - of bytes, where a protocol asks for one
 */

#include "base/macro.h"

#define DIGEST_SHA1_SIZE   20
#define DIGEST_SHA256_SIZE 32

/* -ENOMEM: no memory. SHA-1 is for names only: nothing may rest on its strength. */
int digest_sha1(const void *data, size_t size, uint8_t ret[static DIGEST_SHA1_SIZE]);
int digest_sha256(const void *data, size_t size, uint8_t ret[static DIGEST_SHA256_SIZE]);
