/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls-client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct TlsClient {
        SSL_CTX *context;
        char *name;
        char *ca_file;
        bool system_too;      /* beside the file */
        bool name_is_address; /* SNI knows no addresses */
        void (*hook)(void *userdata, int fd);
        void *hook_userdata;
        TlsFault fault;
        char words[TLS_CLIENT_WORDS_MAX];
};

TlsClient *tls_client_free(TlsClient *c)
{
        if (!c)
                return NULL;
        SSL_CTX_free(c->context);
        free(c->name);
        free(c->ca_file);
        free(c);
        return NULL;
}

/* ---- words for a refused certificate ---- */

/* A name out of a stranger's certificate: only what a name may hold comes into our log. */
static void append_name(char *to, size_t size, const char *name, size_t n)
{
        size_t at = strlen(to);

        for (size_t i = 0; i < n && i < 100 && at + 1 < size; i++)
                to[at++] = (name[i] >= ' ' && name[i] < 0x7f) ? name[i] : '?';
        to[at] = 0;
}

static void append(char *to, size_t size, const char *text)
{
        append_name(to, size, text, strlen(text));
}

static void append_date(char *to, size_t size, const ASN1_TIME *t)
{
        char date[32] = "?";
        struct tm tm;

        if (ASN1_TIME_to_tm(t, &tm))
                (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
        append(to, size, date);
}

static void append_now(char *to, size_t size)
{
        char date[32];
        time_t now = time(NULL);
        struct tm tm;

        (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &tm));
        append(to, size, date);
}

static void append_common_name(char *to, size_t size, const X509_NAME *name)
{
        char text[128] = "";
        int n = X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof(text));

        if (n > 0)
                append_name(to, size, text, (size_t)n);
        else
                append(to, size, "(without a name)");
}

static void append_names(char *to, size_t size, X509 *cert)
{
        GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
        int told = 0;

        for (int i = 0; i < sk_GENERAL_NAME_num(names) && told < 4; i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

                if (name->type != GEN_DNS)
                        continue;
                if (told++ > 0)
                        append(to, size, ", ");
                append_name(to, size, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                            (size_t)ASN1_STRING_length(name->d.dNSName));
        }
        GENERAL_NAMES_free(names);
        if (told == 0)
                append_common_name(to, size, X509_get_subject_name(cert));
}

static void tell_times(TlsClient *c, X509 *cert, int error)
{
        char *to = c->words;
        size_t size = sizeof(c->words);

        c->fault = TLS_FAULT_EXPIRED;
        append(to, size, "the certificate of ");
        append_common_name(to, size, X509_get_subject_name(cert));
        if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
                append(to, size, " ended on ");
                append_date(to, size, X509_get0_notAfter(cert));
        } else {
                append(to, size, " begins on ");
                append_date(to, size, X509_get0_notBefore(cert));
        }
        append(to, size, " and this machine's clock says ");
        append_now(to, size);
        append(to, size, ": one of the two is wrong");
}

static void tell_name(TlsClient *c, X509 *cert)
{
        char *to = c->words;
        size_t size = sizeof(c->words);

        c->fault = TLS_FAULT_HOSTNAME;
        append(to, size, "the certificate is for ");
        append_names(to, size, cert);
        append(to, size, ", not for ");
        append(to, size, c->name);
}

static void tell_chain(TlsClient *c, X509 *cert, int error)
{
        char *to = c->words;
        size_t size = sizeof(c->words);

        c->fault = TLS_FAULT_UNTRUSTED;
        append(to, size, "the certificate of ");
        append_common_name(to, size, X509_get_subject_name(cert));
        append(to, size, ", issued by ");
        append_common_name(to, size, X509_get_issuer_name(cert));
        append(to, size, ", is not trusted (");
        append(to, size, X509_verify_cert_error_string(error));
        append(to, size, "): its CA is not in ");
        append(to, size, c->ca_file ? c->ca_file : "the system's store");
        if (c->system_too)
                append(to, size, ", nor in the system's store");
}

static void tell(TlsClient *c, X509 *cert, int error)
{
        switch (error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
                tell_times(c, cert, error);
                break;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                tell_name(c, cert);
                break;
        default:
                tell_chain(c, cert, error);
                break;
        }
}

/* ---- hooks into OpenSSL ---- */

static TlsClient *client_of(const SSL *ssl)
{
        return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static int on_verify(int ok, X509_STORE_CTX *store)
{
        SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        TlsClient *c = client_of(ssl);
        X509 *cert = X509_STORE_CTX_get_current_cert(store);

        if (!ok && c->fault == TLS_FAULT_NONE && cert)
                tell(c, cert, X509_STORE_CTX_get_error(store));
        return ok;
}

/* The first moment at which we see a TLS object that another library made, and the last before ClientHello. */
static void on_info(const SSL *const_ssl, int where, int value)
{
        SSL *ssl = (SSL *)(uintptr_t)const_ssl; /* the callback's type is stricter than its use */
        TlsClient *c = client_of(ssl);

        if (where != SSL_CB_HANDSHAKE_START || SSL_is_init_finished(ssl))
                return;
        (void)SSL_set_tlsext_host_name(ssl, c->name_is_address ? NULL : c->name);
        if (c->hook)
                c->hook(c->hook_userdata, SSL_get_fd(ssl));
}

/* ---- the context ---- */

static bool is_address(const char *name)
{
        uint8_t bytes[16];

        return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool set_name(TlsClient *c)
{
        X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c->context);

        c->name_is_address = is_address(c->name);
        if (c->name_is_address)
                return X509_VERIFY_PARAM_set1_ip_asc(param, c->name);
        X509_VERIFY_PARAM_set_hostflags(param,
                                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        return X509_VERIFY_PARAM_set1_host(param, c->name, 0);
}

static int load_cas(TlsClient *c, char *words)
{
        const char *why = NULL;
        unsigned long error;

        if (!c->ca_file)
                return SSL_CTX_set_default_verify_paths(c->context) ? 0 : -ENOMEM;
        if (SSL_CTX_load_verify_file(c->context, c->ca_file))
                return 0;
        error = ERR_peek_error();
        if (ERR_SYSTEM_ERROR(error))
                why = strerror(ERR_GET_REASON(error));
        (void)snprintf(words, TLS_CLIENT_WORDS_MAX, "the CA file %s cannot be used: %s", c->ca_file,
                       why ? why : "it holds no PEM certificate");
        ERR_clear_error();
        return -EBADMSG;
}

int tls_client_new(TlsClient **ret, const char *name, const char *ca_file, char words[static TLS_CLIENT_WORDS_MAX])
{
        _cleanup_(tls_client_freep) TlsClient *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->name = strdup(name);
        c->ca_file = ca_file ? strdup(ca_file) : NULL;
        c->context = SSL_CTX_new(TLS_client_method());
        if (!c->name || (ca_file && !c->ca_file) || !c->context)
                return -ENOMEM;
        r = load_cas(c, words);
        if (r < 0)
                return r;
        if (!set_name(c) || !SSL_CTX_set_min_proto_version(c->context, TLS1_2_VERSION))
                return -ENOMEM;
        SSL_CTX_set_app_data(c->context, c);
        SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, on_verify);
        SSL_CTX_set_info_callback(c->context, on_info);
        /* An idle link keeps no buffers: 34 KiB less for each. */
        SSL_CTX_set_mode(c->context, SSL_MODE_RELEASE_BUFFERS);
        /* Reading never has to write: who drives the connection need not expect it. */
        SSL_CTX_set_options(c->context, SSL_OP_NO_RENEGOTIATION);
        *ret = TAKE_PTR(c);
        return 0;
}

int tls_client_trust_system_too(TlsClient *c)
{
        c->system_too = c->ca_file != NULL;
        return SSL_CTX_set_default_verify_paths(c->context) ? 0 : -ENOMEM;
}

void tls_client_before_handshake(TlsClient *c, void (*hook)(void *userdata, int fd), void *userdata)
{
        c->hook = hook;
        c->hook_userdata = userdata;
}

struct ssl_ctx_st *tls_client_context(TlsClient *c)
{
        return c->context;
}

TlsFault tls_client_fault(const TlsClient *c, const char **ret_words)
{
        *ret_words = c->words;
        return c->fault;
}

/* ---- questions to a TLS object that another library owns ---- */

bool tls_client_is_secured(const struct ssl_st *ssl)
{
        return SSL_is_init_finished(ssl);
}

bool tls_client_wants_write(const struct ssl_st *ssl)
{
        return SSL_want_write(ssl);
}

size_t tls_client_pending(const struct ssl_st *ssl)
{
        return (size_t)SSL_pending(ssl);
}

int tls_client_write(struct ssl_st *ssl, const void *data, size_t size)
{
        size_t written = 0;
        int error;

        ERR_clear_error();
        if (SSL_write_ex(ssl, data, size, &written))
                return 0;
        error = SSL_get_error(ssl, 0);
        ERR_clear_error();
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -EAGAIN : -EPIPE;
}
