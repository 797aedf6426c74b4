/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/derived-key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/secret.h"

#define MAC_SIZE 32

int derived_key(Buffer *b, const char *group_key, const char *registration_id)
{
        _cleanup_(secret_buffer_done) Buffer secret = BUFFER_NULL;
        uint8_t mac[MAC_SIZE];
        unsigned size = 0;
        int r;

        r = base64_decode(&secret, group_key, strlen(group_key));
        if (r < 0)
                return r;
        if (secret.size == 0 || secret.size > INT32_MAX)
                return -EINVAL;
        if (!HMAC(EVP_sha256(), secret.data, (int)secret.size, (const uint8_t *)registration_id,
                  strlen(registration_id), mac, &size) ||
            size != MAC_SIZE)
                return -EINVAL;
        base64_encode(b, mac, sizeof(mac));
        explicit_bzero(mac, sizeof(mac));
        return buffer_error(b);
}
