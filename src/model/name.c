/* SPDX-License-Identifier: Apache-2.0 */
#include "model/name.h"

#include <stddef.h>
#include <string.h>

static const bool in_name[256] = {
        ['A' ... 'Z'] = true,
        ['a' ... 'z'] = true,
        ['0' ... '9'] = true,
        ['_'] = true,
};

static bool is_letter(char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool name_is_valid(const char *name)
{
        size_t n = 0;

        if (!is_letter(name[0]))
                return false;
        while (n < NAME_LENGTH_MAX && in_name[(unsigned char)name[n]])
                n++;
        return name[n] == 0;
}

bool channel_name_is_valid(const char *name)
{
        return name_is_valid(name) && !(name[1] == 0 && strchr("tsq", name[0]));
}

bool name_is_of_method(const char *name)
{
        size_t n = 0;

        while (n <= METHOD_NAME_MAX && name[n] > ' ' && name[n] <= '~' && !strchr("$()<>@,;:\\\"/[]?={}", name[n]))
                n++;
        return n > 0 && n <= METHOD_NAME_MAX && name[n] == 0;
}
