/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Derived key - the key of one device of a group that DPS enrols by a symmetric key
 *
 * HMAC-SHA256 of the registration id with the group's key. The device signs with it for DPS, and for its hub
 * afterwards. Pure; OpenSSL's HMAC inside.
 *
 * A secret: its Buffer is one for secret_buffer_done().
 */

#include "base/buffer.h"

/* group_key: base64. registration_id: in lower case. Appends base64 to b, or leaves it: -EINVAL when the key is not
 * base64. */
int derived_key(Buffer *b, const char *group_key, const char *registration_id);
