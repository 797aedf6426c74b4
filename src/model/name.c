/* SPDX-License-Identifier: Apache-2.0 */
#include "model/name.h"

#include <stddef.h>
#include <string.h>

static bool is_letter(char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool name_is_valid(const char *name)
{
        size_t n = 0;

        if (!is_letter(name[0]))
                return false;
        for (; name[n]; n++)
                if (n >= NAME_LENGTH_MAX ||
                    !(is_letter(name[n]) || (name[n] >= '0' && name[n] <= '9') || name[n] == '_'))
                        return false;
        return true;
}

bool channel_name_is_valid(const char *name)
{
        return name_is_valid(name) && !(name[1] == 0 && strchr("tsq", name[0]));
}
