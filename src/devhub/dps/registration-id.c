/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/registration-id.h"

#include <errno.h>
#include <string.h>

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

bool registration_id_is_valid(const char *text)
{
        size_t size = strlen(text);

        return size > 0 && size <= REGISTRATION_ID_MAX && strspn(text, WORD "._:") == size &&
               strchr(WORD, text[size - 1]);
}

int registration_id_fold(const char *text, char **ret)
{
        char *id;

        if (!registration_id_is_valid(text))
                return -EINVAL;
        id = strdup(text);
        if (!id)
                return -ENOMEM;
        for (char *p = id; *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        *p = (char)(*p - 'A' + 'a');
        *ret = id;
        return 0;
}
