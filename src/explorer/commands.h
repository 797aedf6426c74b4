/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Commands - every row, each defined in the file of its noun
 */

#include "explorer/command.h"

extern const Command command_create;
