/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * File - the one that an operand names, or what it holds instead of naming one
 */

#include "base/file.h"
#include "explorer/json-text.h"

/* The text of an operand: "-" is standard input, all else the name of a file. what: it is for, such as "--tags", for
 * the complaint. EXPLORER_OK, or having complained EXPLORER_USAGE or EXPLORER_FAILED. */
int file_read_operand(Buffer *b, const char *what, const char *name, size_t most);
/* the same of what need not be text */
int file_read_operand_bytes(Buffer *b, const char *what, const char *name, size_t most);

/* JSON that stands in the command line, or in @FILE, or comes from standard input for "-". */
int json_of_operand(const char *operand, const char *what, size_t most, json_object **ret);
