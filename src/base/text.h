/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text - a copy of one that may be none
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Of NULL nothing is made, and *ret stays as it is. false: no memory. */
static inline bool text_copy(char **ret, const char *text)
{
        char *copy = text ? strdup(text) : NULL;

        if (copy)
                *ret = copy;
        return copy || !text;
}
