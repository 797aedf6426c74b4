/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Value as JSON - one channel's value as it stands in a body
 */

#include "base/buffer.h"
#include "model/reading.h"

void value_to_json(const Value *v, Buffer *b);
