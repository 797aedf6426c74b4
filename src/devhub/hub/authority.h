/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Authority - the certificate authorities whose devices the hub lets in
 *
 * Uploaded by the operator, who thereby vouches for them: there is no proof of possession. Asked at each CONNECT.
 */

#include "base/certificate.h"
#include "devhub/hub/store.h"

#define AUTHORITIES_MAX     25
#define AUTHORITY_NAME_MAX  64

enum {
        _AUTHORITY_E_SUCCESS,
        AUTHORITY_E_EXISTS,
        AUTHORITY_E_UNKNOWN,
        AUTHORITY_E_TOO_MANY,
        AUTHORITY_E_NO_CERTIFICATE, /* the text holds none */
        AUTHORITY_E_NO_AUTHORITY,   /* it may not sign others */
};

int authority_prepare(Store *store);

/* Letters, digits, hyphens, dots and underscores. */
bool authority_name_is_valid(const char *name);

/* A change writes; it does not commit. name: -EINVAL if it cannot be one. */
int authority_add(Store *store, const char *name, const char *pem, size_t size);
int authority_remove(Store *store, const char *name);

/* In order of their names. A negative answer ends the walk and is returned. */
typedef int (*AuthorityVisitor)(void *userdata, const char *name, const Certificate *authority);
int authority_each(Store *store, AuthorityVisitor visit, void *userdata);

/* 1: one of them is behind the certificate; 0: none is. */
int authority_vouches(Store *store, const Certificate *certificate, usec_t wall_now);
