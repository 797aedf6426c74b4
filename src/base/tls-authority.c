/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls-authority.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"

#define CA_DAYS     3650
#define SERVER_DAYS 397 /* more than this some clients do not believe in */
#define RENEW_DAYS  30
#define PEM_MAX     ((size_t)64 * 1024)

DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(BIO *, BIO_free_all);
DEFINE_CLEANUP(BIGNUM *, BN_free);

/* ---- files ---- */

/* Writes beside and renames: a start that is cut short leaves no half file. */
static int save(int dir_fd, const char *name, mode_t mode, BIO *bio)
{
        _cleanup_close_ int fd = -1;
        char beside[64], *data;
        long size = BIO_get_mem_data(bio, &data);
        int r;

        (void)snprintf(beside, sizeof(beside), "%s.new", name);
        (void)unlinkat(dir_fd, beside, 0);
        fd = openat(dir_fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0)
                return -errno;
        r = file_write(fd, data, (size_t)size);
        if (r < 0)
                return r;
        if (fsync(fd) < 0 || renameat(dir_fd, beside, dir_fd, name) < 0)
                return -errno;
        return 0;
}

static int save_certificate(int dir_fd, const char *name, X509 *certificate)
{
        _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());

        if (!bio || !PEM_write_bio_X509(bio, certificate))
                return -ENOMEM;
        return save(dir_fd, name, 0644, bio);
}

static int save_key(int dir_fd, const char *name, EVP_PKEY *key)
{
        _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_secmem());

        if (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
                return -ENOMEM;
        return save(dir_fd, name, 0600, bio);
}

static int load(int dir_fd, const char *name, Buffer *b)
{
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : file_read(b, fd, PEM_MAX);
}

/* A file's PEM text, to be read from ret, which borrows b. */
static int load_pem(int dir_fd, const char *name, Buffer *b, BIO **ret)
{
        int r = load(dir_fd, name, b);

        if (r < 0)
                return r;
        *ret = BIO_new_mem_buf(b->data, (int)b->size);
        return *ret ? 0 : -ENOMEM;
}

static int load_certificate(int dir_fd, const char *name, X509 **ret)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        _cleanup_(BIO_free_allp) BIO *bio = NULL;
        int r = load_pem(dir_fd, name, &b, &bio);

        if (r < 0)
                return r;
        *ret = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        return *ret ? 0 : -EBADMSG;
}

static int load_key(int dir_fd, const char *name, EVP_PKEY **ret)
{
        _cleanup_(secret_buffer_done) Buffer b = BUFFER_NULL;
        _cleanup_(BIO_free_allp) BIO *bio = NULL;
        int r = load_pem(dir_fd, name, &b, &bio);

        if (r < 0)
                return r;
        *ret = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        return *ret ? 0 : -EBADMSG;
}

/* ---- certificates ---- */

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
        X509V3_CTX context;
        X509_EXTENSION *extension;
        bool ok;

        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        ok = extension && X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
        return ok;
}

static bool set_serial(X509 *certificate)
{
        _cleanup_(BN_freep) BIGNUM *number = BN_new();

        return number && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
}

/* The common name has room for 64 characters only; the names that count stand in the alternative names. */
static bool set_subject(X509 *certificate, const char *name)
{
        char short_name[65];

        (void)snprintf(short_name, sizeof(short_name), "%s", name);
        return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                          (const unsigned char *)short_name, -1, -1, 0);
}

/* An hour back, so that a client whose clock is a little late can begin at once. */
static bool set_life(X509 *certificate, usec_t wall_now, int days)
{
        time_t now = (time_t)(wall_now / USEC_PER_SEC);

        return X509_time_adj_ex(X509_getm_notBefore(certificate), 0, -3600, &now) &&
               X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, &now);
}

/* A certificate but for its extensions and signature. */
static X509 *begin_certificate(const char *subject, EVP_PKEY *key, X509 *issuer, usec_t wall_now, int days)
{
        X509 *c = X509_new();

        if (c && X509_set_version(c, X509_VERSION_3) && set_serial(c) && set_subject(c, subject) &&
            set_life(c, wall_now, days) && X509_set_pubkey(c, key) &&
            X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c)))
                return c;
        X509_free(c);
        return NULL;
}

static int make_authority(int dir_fd, usec_t wall_now, X509 **ret_certificate, EVP_PKEY **ret_key)
{
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
        _cleanup_(X509_freep) X509 *c = NULL;
        int r;

        if (!key)
                return -ENOMEM;
        c = begin_certificate("hublink development hub CA", key, NULL, wall_now, CA_DAYS);
        if (!c || !add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:1") ||
            !add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") ||
            !add_extension(c, c, NID_subject_key_identifier, "hash") || !X509_sign(c, key, EVP_sha256()))
                return -ENOMEM;
        /* The key first: a certificate without its key would have to be thrown away, and clients trust it already. */
        r = save_key(dir_fd, "ca.key", key);
        if (r < 0)
                return r;
        r = save_certificate(dir_fd, "ca.pem", c);
        if (r < 0)
                return r;
        *ret_certificate = TAKE_PTR(c);
        *ret_key = TAKE_PTR(key);
        return 0;
}

/* names: as they stand in the certificate's alternative names. */
static int make_server(int dir_fd, const char *host, const char *names, usec_t wall_now, X509 *ca, EVP_PKEY *ca_key)
{
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
        _cleanup_(X509_freep) X509 *c = NULL;
        int r;

        if (!key)
                return -ENOMEM;
        c = begin_certificate(host, key, ca, wall_now, SERVER_DAYS);
        if (!c || !add_extension(c, ca, NID_basic_constraints, "critical,CA:FALSE") ||
            !add_extension(c, ca, NID_key_usage, "critical,digitalSignature") ||
            !add_extension(c, ca, NID_ext_key_usage, "serverAuth") ||
            !add_extension(c, ca, NID_subject_key_identifier, "hash") ||
            !add_extension(c, ca, NID_authority_key_identifier, "keyid:always") ||
            !add_extension(c, ca, NID_subject_alt_name, names) || !X509_sign(c, ca_key, EVP_sha256()))
                return -ENOMEM;
        r = save_key(dir_fd, "server.key", key);
        if (r < 0)
                return r;
        return save_certificate(dir_fd, "server.pem", c);
}

/* ---- what is there ---- */

static int load_authority(int dir_fd, X509 **ret_certificate, EVP_PKEY **ret_key, const char **ret_error)
{
        _cleanup_(X509_freep) X509 *certificate = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        int r;

        r = load_certificate(dir_fd, "ca.pem", &certificate);
        if (r < 0) {
                *ret_error = "ca.pem is no certificate";
                return r;
        }
        r = load_key(dir_fd, "ca.key", &key);
        if (r == 0 && X509_check_private_key(certificate, key) != 1)
                r = -EBADMSG;
        if (r < 0) {
                *ret_error = "ca.key is not the key of ca.pem";
                return r == -ENOENT ? -EBADMSG : r;
        }
        *ret_certificate = TAKE_PTR(certificate);
        *ret_key = TAKE_PTR(key);
        return 0;
}

/* Is the server's certificate there, of this authority, for this host, and good for a while? */
static bool server_is_good(int dir_fd, const char *host, usec_t wall_now, EVP_PKEY *ca_key)
{
        time_t soon = (time_t)(wall_now / USEC_PER_SEC) + RENEW_DAYS * 24 * 3600;
        time_t now = (time_t)(wall_now / USEC_PER_SEC);
        _cleanup_(X509_freep) X509 *certificate = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

        return load_certificate(dir_fd, "server.pem", &certificate) == 0 &&
               load_key(dir_fd, "server.key", &key) == 0 && X509_check_private_key(certificate, key) == 1 &&
               X509_verify(certificate, ca_key) == 1 && X509_check_host(certificate, host, 0, 0, NULL) == 1 &&
               X509_cmp_time(X509_get0_notAfter(certificate), &soon) > 0 &&
               X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0;
}

int tls_authority_ensure(int dir_fd, const char *host, usec_t wall_now, const char **ret_error)
{
        _cleanup_(buffer_done) Buffer names = BUFFER_NULL;
        _cleanup_(X509_freep) X509 *ca = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *ca_key = NULL;
        int r;

        buffer_printf(&names, "DNS:%s,DNS:localhost,IP:127.0.0.1,IP:::1", host);
        if (buffer_error(&names))
                return -ENOMEM;
        r = load_authority(dir_fd, &ca, &ca_key, ret_error);
        if (r == -ENOENT)
                r = make_authority(dir_fd, wall_now, &ca, &ca_key);
        if (r < 0)
                return r;
        if (server_is_good(dir_fd, host, wall_now, ca_key))
                return 0;
        return make_server(dir_fd, host, names.data, wall_now, ca, ca_key);
}

int tls_authority_issue(int dir_fd, int target_fd, const char *name, usec_t from, const char **ret_error)
{
        _cleanup_(buffer_done) Buffer names = BUFFER_NULL;
        _cleanup_(X509_freep) X509 *ca = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *ca_key = NULL;
        int r;

        buffer_printf(&names, "DNS:%s", name);
        if (buffer_error(&names))
                return -ENOMEM;
        r = load_authority(dir_fd, &ca, &ca_key, ret_error);
        return r < 0 ? r : make_server(target_fd, name, names.data, from, ca, ca_key);
}
