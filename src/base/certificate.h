/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Certificate - an X.509 certificate, with the chain that came with it
 *
 * What a TLS client showed, or what stands in a PEM file. Nothing about it is believed until somebody asks: a hub
 * knows a certificate by its thumbprint, or by the authority behind it.
 *
 * OpenSSL's types stay opaque here.
 */

#include "base/buffer.h"
#include "base/clock.h"

struct x509_st;
struct stack_st_X509;

typedef struct Certificate Certificate;

#define CERTIFICATE_SHA1_HEX   40
#define CERTIFICATE_SHA256_HEX 64

/* The first certificate of the text, and those behind it as its chain. -EBADMSG: there is none. */
int certificate_parse(Certificate **ret, const char *pem, size_t size);
/* One alone, in DER to its last byte. -EBADMSG: it is none. */
int certificate_parse_der(Certificate **ret, const void *der, size_t size);
/* Shares both; chain may be NULL, or begin with the leaf. */
int certificate_new(Certificate **ret, struct x509_st *leaf, struct stack_st_X509 *chain);
Certificate *certificate_copy(const Certificate *certificate); /* NULL: there is none, or no memory */
Certificate *certificate_free(Certificate *certificate);
DEFINE_CLEANUP(Certificate *, certificate_free);

/* Upper-case hexadecimal. -ENOMEM. */
int certificate_sha1(const Certificate *certificate, char ret[static CERTIFICATE_SHA1_HEX + 1]);
int certificate_sha256(const Certificate *certificate, char ret[static CERTIFICATE_SHA256_HEX + 1]);
/* Is this, in hexadecimal of either length, its thumbprint? Without regard to case and colons. */
bool certificate_has_thumbprint(const Certificate *certificate, const char *thumbprint);

/* Is the subject's common name exactly this, letter for letter? */
bool certificate_is_for(const Certificate *certificate, const char *common_name);
int certificate_common_name(const Certificate *certificate, char **ret); /* -ENODATA: it has none */
int certificate_subject(const Certificate *certificate, Buffer *b);      /* "CN=d1, O=..." */
int certificate_issuer(const Certificate *certificate, Buffer *b);
int certificate_serial(const Certificate *certificate, Buffer *b); /* upper-case hexadecimal */
usec_t certificate_not_before(const Certificate *certificate);
usec_t certificate_not_after(const Certificate *certificate);
usec_t certificate_first_end(const Certificate *certificate); /* of it and of what came with it, the earliest */
unsigned certificate_version(const Certificate *certificate);
int certificate_pem(const Certificate *certificate, Buffer *b); /* the leaf alone */

bool certificate_is_valid_at(const Certificate *certificate, usec_t wall_now);
bool certificate_is_authority(const Certificate *certificate); /* may it sign others? */
/* Does a chain lead from it, by what it brought along, to this authority, and is all of it valid at that time? */
bool certificate_is_issued_by(const Certificate *certificate, const Certificate *authority, usec_t wall_now);
