/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Status line - link and queue in one line of words, for systemctl status
 */

#include "base/buffer.h"
#include "model/status.h"

void status_line(const Status *status, Buffer *b);
