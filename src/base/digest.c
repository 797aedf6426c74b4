/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>

static int digest(const EVP_MD *kind, const void *data, size_t size, uint8_t *ret)
{
        return EVP_Digest(data, size, ret, NULL, kind, NULL) == 1 ? 0 : -ENOMEM;
}

int digest_sha1(const void *data, size_t size, uint8_t ret[static DIGEST_SHA1_SIZE])
{
        return digest(EVP_sha1(), data, size, ret);
}

int digest_sha256(const void *data, size_t size, uint8_t ret[static DIGEST_SHA256_SIZE])
{
        return digest(EVP_sha256(), data, size, ret);
}
