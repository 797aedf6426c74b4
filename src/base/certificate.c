/* SPDX-License-Identifier: Apache-2.0 */
#include "base/certificate.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

struct Certificate {
        X509 *leaf;
        STACK_OF(X509) *chain; /* without the leaf; or NULL */
};

DEFINE_CLEANUP(BIO *, BIO_free_all);

Certificate *certificate_free(Certificate *c)
{
        if (!c)
                return NULL;
        X509_free(c->leaf);
        sk_X509_pop_free(c->chain, X509_free);
        free(c);
        return NULL;
}

/* ---- from elsewhere ---- */

int certificate_new(Certificate **ret, X509 *leaf, STACK_OF(X509) *chain)
{
        _cleanup_(certificate_freep) Certificate *c = calloc(1, sizeof(*c));

        if (!c || !X509_up_ref(leaf))
                return -ENOMEM;
        c->leaf = leaf;
        if (chain) {
                c->chain = X509_chain_up_ref(chain);
                if (!c->chain)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(c);
        return 0;
}

int certificate_parse(Certificate **ret, const char *pem, size_t size)
{
        _cleanup_(certificate_freep) Certificate *c = calloc(1, sizeof(*c));
        _cleanup_(BIO_free_allp) BIO *bio = size <= INT32_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
        X509 *next;

        if (!c || !bio)
                return -ENOMEM;
        c->leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!c->leaf)
                return -EBADMSG;
        c->chain = sk_X509_new_null();
        if (!c->chain)
                return -ENOMEM;
        while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
                if (!sk_X509_push(c->chain, next)) {
                        X509_free(next);
                        return -ENOMEM;
                }
        *ret = TAKE_PTR(c);
        return 0;
}

int certificate_parse_der(Certificate **ret, const void *der, size_t size)
{
        _cleanup_(certificate_freep) Certificate *c = calloc(1, sizeof(*c));
        const unsigned char *p = der;

        if (!c)
                return -ENOMEM;
        c->leaf = size <= INT32_MAX ? d2i_X509(NULL, &p, (long)size) : NULL;
        if (!c->leaf || p != (const unsigned char *)der + size)
                return -EBADMSG;
        *ret = TAKE_PTR(c);
        return 0;
}

Certificate *certificate_copy(const Certificate *c)
{
        Certificate *copy = NULL;

        return c && certificate_new(&copy, c->leaf, c->chain) == 0 ? copy : NULL;
}

/* ---- thumbprints ---- */

static int thumbprint(const Certificate *c, const EVP_MD *kind, char *ret)
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size;

        if (X509_digest(c->leaf, kind, digest, &size) != 1)
                return -ENOMEM;
        for (unsigned i = 0; i < size; i++) {
                static const char hex[] = "0123456789ABCDEF";

                *ret++ = hex[digest[i] >> 4];
                *ret++ = hex[digest[i] & 15];
        }
        *ret = 0;
        return 0;
}

int certificate_sha1(const Certificate *c, char ret[static CERTIFICATE_SHA1_HEX + 1])
{
        return thumbprint(c, EVP_sha1(), ret);
}

int certificate_sha256(const Certificate *c, char ret[static CERTIFICATE_SHA256_HEX + 1])
{
        return thumbprint(c, EVP_sha256(), ret);
}

static bool same_hex(const char *own, const char *said)
{
        for (; *said; said++) {
                if (*said == ':' || *said == ' ')
                        continue;
                if (toupper((unsigned char)*said) != *own++)
                        return false;
        }
        return *own == 0;
}

bool certificate_has_thumbprint(const Certificate *c, const char *said)
{
        char sha1[CERTIFICATE_SHA1_HEX + 1], sha256[CERTIFICATE_SHA256_HEX + 1];

        return certificate_sha1(c, sha1) == 0 && certificate_sha256(c, sha256) == 0 &&
               (same_hex(sha1, said) || same_hex(sha256, said));
}

/* ---- what it says ---- */

int certificate_common_name(const Certificate *c, char **ret)
{
        X509_NAME *subject = X509_get_subject_name(c->leaf);
        int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1), size;
        unsigned char *text;

        if (at < 0)
                return -ENODATA;
        size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
        if (size < 0)
                return -ENODATA;
        /* a NUL inside would make the name another one for whoever compares it */
        *ret = memchr(text, 0, (size_t)size) ? NULL : strndup((const char *)text, (size_t)size);
        at = *ret ? 0 : memchr(text, 0, (size_t)size) ? -ENODATA : -ENOMEM;
        OPENSSL_free(text);
        return at;
}

bool certificate_is_for(const Certificate *c, const char *common_name)
{
        _cleanup_free_ char *own = NULL;

        return certificate_common_name(c, &own) == 0 && strcmp(own, common_name) == 0;
}

static int print_name(X509_NAME *name, Buffer *b)
{
        _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long size;

        if (!bio || X509_NAME_print_ex(bio, name, 0,
                                       XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_SPC_EQ) < 0)
                return -ENOMEM;
        size = BIO_get_mem_data(bio, &text);
        buffer_append(b, text, (size_t)size);
        return buffer_error(b);
}

int certificate_subject(const Certificate *c, Buffer *b)
{
        return print_name(X509_get_subject_name(c->leaf), b);
}

int certificate_issuer(const Certificate *c, Buffer *b)
{
        return print_name(X509_get_issuer_name(c->leaf), b);
}

int certificate_serial(const Certificate *c, Buffer *b)
{
        BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(c->leaf), NULL);
        char *text = number ? BN_bn2hex(number) : NULL;

        BN_free(number);
        if (!text)
                return -ENOMEM;
        buffer_append_string(b, text);
        OPENSSL_free(text);
        return buffer_error(b);
}

static usec_t usec_of(const ASN1_TIME *time)
{
        struct tm tm;
        time_t seconds;

        if (ASN1_TIME_to_tm(time, &tm) != 1)
                return 0;
        seconds = timegm(&tm);
        return seconds > 0 ? (usec_t)seconds * USEC_PER_SEC : 0;
}

usec_t certificate_not_before(const Certificate *c)
{
        return usec_of(X509_get0_notBefore(c->leaf));
}

usec_t certificate_not_after(const Certificate *c)
{
        return usec_of(X509_get0_notAfter(c->leaf));
}

usec_t certificate_first_end(const Certificate *c)
{
        usec_t first = certificate_not_after(c);

        for (int i = 0; c->chain && i < sk_X509_num(c->chain); i++)
                first = MIN(first, usec_of(X509_get0_notAfter(sk_X509_value(c->chain, i))));
        return first;
}

unsigned certificate_version(const Certificate *c)
{
        return (unsigned)X509_get_version(c->leaf) + 1;
}

int certificate_pem(const Certificate *c, Buffer *b)
{
        _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long size;

        if (!bio || !PEM_write_bio_X509(bio, c->leaf))
                return -ENOMEM;
        size = BIO_get_mem_data(bio, &text);
        buffer_append(b, text, (size_t)size);
        return buffer_error(b);
}

/* ---- whether to believe it ---- */

bool certificate_is_valid_at(const Certificate *c, usec_t wall_now)
{
        return certificate_not_before(c) <= wall_now && wall_now <= certificate_not_after(c);
}

bool certificate_is_authority(const Certificate *c)
{
        return X509_check_ca(c->leaf) > 0;
}

bool certificate_is_issued_by(const Certificate *c, const Certificate *authority, usec_t wall_now)
{
        X509_STORE *trusted = X509_STORE_new();
        X509_STORE_CTX *context = X509_STORE_CTX_new();
        bool ok = false;

        if (trusted && context && X509_STORE_add_cert(trusted, authority->leaf) &&
            X509_STORE_CTX_init(context, trusted, c->leaf, c->chain)) {
                X509_VERIFY_PARAM *how = X509_STORE_CTX_get0_param(context);

                X509_VERIFY_PARAM_set_time(how, (time_t)(wall_now / USEC_PER_SEC));
                /* an intermediate may have been uploaded as the authority */
                (void)X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_PARTIAL_CHAIN);
                ok = X509_verify_cert(context) == 1;
        }
        X509_STORE_CTX_free(context);
        X509_STORE_free(trusted);
        return ok;
}
