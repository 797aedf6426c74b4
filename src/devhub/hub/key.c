/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/key.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/secret.h"

#define KEY_SIZE    32
#define BROUGHT_MIN 16
#define BROUGHT_MAX 64

int key_make(char **ret)
{
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        uint8_t key[KEY_SIZE];

        if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
                return -EIO;
        base64_encode(&text, key, sizeof(key));
        explicit_bzero(key, sizeof(key));
        if (buffer_error(&text))
                return -ENOMEM;
        *ret = buffer_steal(&text);
        return *ret ? 0 : -ENOMEM;
}

bool key_is_valid(const char *text)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;

        return base64_decode(&key, text, strlen(text)) >= 0 && key.size >= BROUGHT_MIN && key.size <= BROUGHT_MAX;
}
