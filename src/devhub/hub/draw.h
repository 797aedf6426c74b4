/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Draw - names and keys that the hub makes up
 *
 * From the kernel's generator; -EIO when it fails.
 */

#include "base/macro.h"

int draw_key(char **ret);  /* 32 bytes in base64; a secret */
int draw_guid(char **ret); /* 8-4-4-4-12 lower-case hex digits */
int draw_etag(char **ret); /* base64, without quotes */
