/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/token.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "azure/percent.h"
#include "base/base64.h"
#include "base/secret.h"
#include "base/utf8.h"

#define SCHEME   "SharedAccessSignature "
#define MAC_SIZE 32

/* The resource is signed as it stands in the token: to encode it anew would break the half of the clients that
 * write %2f where the other half writes %2F. */
static int sign_with(const Buffer *secret, const char *raw_resource, uint64_t expiry, uint8_t mac[static MAC_SIZE])
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        unsigned size = 0;

        if (secret->size == 0 || secret->size > INT32_MAX)
                return -EINVAL;
        buffer_printf(&text, "%s\n%" PRIu64, raw_resource, expiry);
        if (buffer_error(&text))
                return -ENOMEM;
        if (!HMAC(EVP_sha256(), secret->data, (int)secret->size, (const uint8_t *)text.data, text.size, mac, &size) ||
            size != MAC_SIZE)
                return -EINVAL;
        return 0;
}

static int sign(const char *key, const char *raw_resource, uint64_t expiry, uint8_t mac[static MAC_SIZE])
{
        _cleanup_(secret_buffer_done) Buffer secret = BUFFER_NULL;
        int r = base64_decode(&secret, key, strlen(key));

        return r < 0 ? r : sign_with(&secret, raw_resource, expiry, mac);
}

/* ---- making ---- */

int token_make(Buffer *b, const char *key, const char *resource, const char *policy, uint64_t expiry)
{
        _cleanup_(secret_buffer_done) Buffer signature = BUFFER_NULL;
        _cleanup_(buffer_done) Buffer raw_resource = BUFFER_NULL;
        uint8_t mac[MAC_SIZE];
        int r;

        percent_encode(&raw_resource, resource);
        if (buffer_error(&raw_resource))
                return -ENOMEM;
        r = sign(key, raw_resource.data, expiry, mac);
        if (r < 0)
                return r;
        base64_encode(&signature, mac, sizeof(mac));
        if (buffer_error(&signature))
                return -ENOMEM;

        buffer_append_string(b, SCHEME "sr=");
        buffer_append_string(b, raw_resource.data);
        buffer_append_string(b, "&sig=");
        percent_encode(b, signature.data);
        buffer_printf(b, "&se=%" PRIu64, expiry);
        if (policy) {
                buffer_append_string(b, "&skn=");
                percent_encode(b, policy);
        }
        return buffer_error(b);
}

/* ---- reading ---- */

void token_done(Token *t)
{
        free(t->raw_resource);
        free(t->resource);
        t->signature = secret_free(t->signature);
        free(t->policy);
        *t = (Token){};
}

static int take_raw(char **member, const char *value, size_t size)
{
        if (*member || size == 0)
                return -EBADMSG;
        *member = strndup(value, size);
        return *member ? 0 : -ENOMEM;
}

static int take_decoded(char **member, const char *value, size_t size)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        if (*member || size == 0)
                return -EBADMSG;
        percent_decode(&text, value, size);
        if (buffer_error(&text))
                return -ENOMEM;
        if (memchr(text.data, 0, text.size) || !utf8_is_valid(text.data, text.size))
                return -EBADMSG;
        *member = buffer_steal(&text);
        return 0;
}

/* Digits as a client prints them: the text was signed, and is made anew from the number when it is checked. */
static int take_expiry(uint64_t *expiry, const char *value, size_t size)
{
        uint64_t v = 0;

        if (*expiry > 0 || size == 0 || value[0] == '0')
                return -EBADMSG;
        for (size_t i = 0; i < size; i++) {
                unsigned digit = (unsigned)(unsigned char)value[i] - '0';

                if (digit > 9 || __builtin_mul_overflow(v, (uint64_t)10, &v) ||
                    __builtin_add_overflow(v, (uint64_t)digit, &v))
                        return -EBADMSG;
        }
        *expiry = v;
        return 0;
}

static bool is_field(const char *name, size_t size, const char *wanted)
{
        return size == strlen(wanted) && memcmp(name, wanted, size) == 0;
}

static int take_field(Token *t, const char *field, size_t size)
{
        const char *equals = memchr(field, '=', size), *value;
        size_t name_size, value_size;
        int r;

        if (!equals)
                return -EBADMSG;
        name_size = (size_t)(equals - field);
        value = equals + 1;
        value_size = size - name_size - 1;
        if (is_field(field, name_size, "sr")) {
                r = take_raw(&t->raw_resource, value, value_size);
                return r < 0 ? r : take_decoded(&t->resource, value, value_size);
        }
        if (is_field(field, name_size, "sig"))
                return take_decoded(&t->signature, value, value_size);
        if (is_field(field, name_size, "se"))
                return take_expiry(&t->expiry, value, value_size);
        /* the C SDK has been seen to name no policy by an empty one */
        if (is_field(field, name_size, "skn") && value_size > 0)
                return take_decoded(&t->policy, value, value_size);
        return 0;
}

int token_parse(const char *text, Token *ret)
{
        _cleanup_(token_done) Token t = {};
        const char *field;

        if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
                return -EBADMSG;
        for (field = text + strlen(SCHEME); *field;) {
                size_t size = strcspn(field, "&");
                int r = take_field(&t, field, size);

                if (r < 0)
                        return r;
                field += size;
                field += *field == '&';
        }
        if (!t.resource || !t.signature || t.expiry == 0)
                return -EBADMSG;
        *ret = t;
        t = (Token){};
        return 0;
}

/* ---- judging ---- */

static bool is_signature(const Token *t, const uint8_t mac[static MAC_SIZE])
{
        _cleanup_(buffer_done) Buffer claimed = BUFFER_NULL;

        if (base64_decode(&claimed, t->signature, strlen(t->signature)) < 0 || claimed.size != MAC_SIZE)
                return false;
        return CRYPTO_memcmp(claimed.data, mac, MAC_SIZE) == 0;
}

bool token_is_signed_by(const Token *t, const char *key)
{
        uint8_t mac[MAC_SIZE];

        return sign(key, t->raw_resource, t->expiry, mac) >= 0 && is_signature(t, mac);
}

bool token_is_signed_by_either(const Token *t, const char *primary, const char *secondary)
{
        return token_is_signed_by(t, primary) || token_is_signed_by(t, secondary);
}

bool token_is_signed_by_text(const Token *t, const char *key)
{
        const Buffer secret = {.data = (char *)key, .size = strlen(key)}; /* read only */
        uint8_t mac[MAC_SIZE];

        return sign_with(&secret, t->raw_resource, t->expiry, mac) >= 0 && is_signature(t, mac);
}

usec_t token_ends_usec(const Token *t)
{
        return t->expiry > USEC_INFINITY / USEC_PER_SEC ? USEC_INFINITY : t->expiry * USEC_PER_SEC;
}

static bool leads(const char *path, size_t size, const char *longer, size_t longer_size)
{
        return size <= longer_size && memcmp(path, longer, size) == 0 && (size == longer_size || longer[size] == '/');
}

bool token_covers(const Token *t, const char *path)
{
        size_t size = strlen(t->resource), path_size = strlen(path);

        while (size > 0 && t->resource[size - 1] == '/')
                size--;
        if (size == 0 || path_size == 0)
                return false;
        return leads(t->resource, size, path, path_size) || leads(path, path_size, t->resource, size);
}
