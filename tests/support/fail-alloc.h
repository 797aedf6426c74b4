/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fail alloc - memory that runs out on request
 *
 * For a program that is linked with fail_alloc_args: each call of malloc and its relatives in our own code goes
 * through here. The fakes, which have no business failing, exempt themselves.
 */

#include <stdbool.h>
#include <stdint.h>

/* From now on the n-th allocation fails, counted from 1, and so many behind it. */
void fail_alloc(uint64_t n, uint64_t count);
/* No more. True if one failed. */
bool fail_alloc_stop(void);

/* Between these none fails nor counts; they nest. */
void fail_alloc_exempt(void);
void fail_alloc_resume(void);
/* For the allocators of fail-alloc-wrap.c: is this one to fail? */
bool fail_alloc_strikes(void);
