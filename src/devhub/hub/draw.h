/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Draw - names that the hub makes up
 *
 * From the kernel's generator; -EIO when it fails.
 */

#include "base/macro.h"

int draw_guid(char **ret); /* 8-4-4-4-12 lower-case hex digits */
int draw_etag(char **ret); /* base64, without quotes */
