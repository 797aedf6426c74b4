/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fault words - which fault a command line means, and whether that can be said of it
 *
 * Pure, but for the complaint on stderr.
 */

#include "devhub/cli/arguments.h"

/* -EINVAL: there is no such fault, and that was said; what it was probably meant to be, too. */
int fault_words_kind(const char *name, FaultKind *ret);

/* given: FaultTrait bits of the options that were. -EINVAL: one of them is not for this fault, one that it needs is
 * missing, or its device cannot be one; it was said. */
int fault_words_check(const Arguments *arguments, unsigned given);
