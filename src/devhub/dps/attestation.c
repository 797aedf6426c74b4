/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/attestation.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/derived-key.h"
#include "azure/token.h"
#include "base/secret.h"
#include "devhub/dps/registration-id.h"

#define POLICY "registration"

static int derive(const char *key, const char *registration_id, char **ret)
{
        _cleanup_(secret_buffer_done) Buffer derived = BUFFER_NULL;
        int r;

        r = derived_key(&derived, key, registration_id);
        if (r < 0)
                return r;
        *ret = buffer_steal(&derived);
        return *ret ? 0 : -ENOMEM;
}

int attestation_keys(const Enrollment *e, const char *registration_id, char **ret_primary, char **ret_secondary)
{
        _cleanup_(secret_freep) char *primary = NULL, *secondary = NULL;
        int r;

        if (e->kind == ENROLLMENT_GROUP) {
                r = derive(e->primary_key, registration_id, &primary);
                if (r >= 0)
                        r = derive(e->secondary_key, registration_id, &secondary);
                if (r < 0)
                        return r;
        } else {
                primary = strdup(e->primary_key);
                secondary = strdup(e->secondary_key);
                if (!primary || !secondary)
                        return -ENOMEM;
        }
        *ret_primary = TAKE_PTR(primary);
        *ret_secondary = TAKE_PTR(secondary);
        return 0;
}

/* ---- what it shows ---- */

/* One of the two. */
typedef struct Proof {
        const Token *token;
        const Certificate *certificate;
        const char *registration_id; /* in lower case */
        usec_t wall_now;
} Proof;

/* 1: the token was signed with a key of the device's under this enrollment. */
static int is_signed(const Enrollment *e, const Proof *proof)
{
        _cleanup_(secret_freep) char *primary = NULL, *secondary = NULL;
        int r;

        if (!proof->token)
                return 0;
        r = attestation_keys(e, proof->registration_id, &primary, &secondary);
        if (r < 0)
                return r;
        return token_is_signed_by_either(proof->token, primary, secondary);
}

/* 1: it is this certificate, or of a group one that this authority is behind. */
static int fits(const char *pem, EnrollmentKind kind, const Proof *proof)
{
        _cleanup_(certificate_freep) Certificate *own = NULL;
        char sha256[CERTIFICATE_SHA256_HEX + 1];
        int r;

        if (!pem)
                return 0;
        r = certificate_parse(&own, pem, strlen(pem));
        if (r < 0)
                return r;
        if (kind == ENROLLMENT_GROUP)
                return certificate_is_issued_by(proof->certificate, own, proof->wall_now);
        r = certificate_sha256(own, sha256);
        return r < 0 ? r : certificate_has_thumbprint(proof->certificate, sha256);
}

static int is_certified(const Enrollment *e, const Proof *proof)
{
        int r;

        if (!proof->certificate)
                return 0;
        r = fits(e->primary_certificate, e->kind, proof);
        return r != 0 ? r : fits(e->secondary_certificate, e->kind, proof);
}

static int proves(const Enrollment *e, const Proof *proof)
{
        return e->attestation == ATTESTATION_X509 ? is_certified(e, proof) : is_signed(e, proof);
}

/* ---- the enrollment ---- */

typedef struct Search {
        const Proof *proof;
        char *found; /* the group's id */
} Search;

static int visit_group(void *userdata, const Enrollment *group)
{
        Search *search = userdata;
        int r = proves(group, search->proof);

        if (r <= 0)
                return r;
        search->found = strdup(group->id);
        return search->found ? 1 : -ENOMEM;
}

static int refuse(const char **ret_reason, const char *reason)
{
        *ret_reason = reason;
        return ATTESTATION_E_REFUSED;
}

static int find_group(Store *store, const Proof *proof, Enrollment *ret, const char **ret_reason)
{
        Search search = {proof, NULL};
        _cleanup_free_ char *found = NULL;
        int r;

        r = enrollment_each(store, ENROLLMENT_GROUP, NULL, UINT32_MAX, visit_group, &search);
        found = search.found;
        if (r < 0)
                return r;
        if (!found)
                return refuse(ret_reason, proof->token ? "neither an enrollment has its name nor a group the key it"
                                                         " was signed with"
                                                       : "neither an enrollment has its name nor a group the"
                                                         " authority behind its certificate");
        return enrollment_find(store, ENROLLMENT_GROUP, found, ret);
}

/* One of its own comes before any group: that is how a single device is kept out of its group. */
static int find_enrollment(Store *store, const Proof *proof, Enrollment *ret, const char **ret_reason)
{
        _cleanup_(enrollment_done) Enrollment e = {};
        int r;

        r = enrollment_find(store, ENROLLMENT_INDIVIDUAL, proof->registration_id, &e);
        if (r == ENROLLMENT_E_UNKNOWN)
                return find_group(store, proof, ret, ret_reason);
        if (r >= 0)
                r = proves(&e, proof);
        if (r < 0)
                return r;
        if (r == 0)
                return refuse(ret_reason, proof->token ? "the token is signed with neither key of its enrollment"
                                                       : "the certificate is neither of those of its enrollment");
        *ret = e;
        e = (Enrollment){};
        return 0;
}

/* ---- the token ---- */

static bool has_ended(const Token *token, usec_t wall_now)
{
        return wall_now > usec_add(token_ends_usec(token), ATTESTATION_SKEW_USEC);
}

/* The id of the resource as the client spelt it in its user name. NULL: the token is right so far. */
static const char *check_token(const AttestationRequest *request, const Token *token)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;

        buffer_printf(&path, "%s/registrations/%s", request->said_scope, request->registration_id);
        if (buffer_error(&path))
                return "no memory";
        if (!token_covers(token, path.data))
                return "the token is for another resource";
        /* one official client names no policy at all */
        if (token->policy && strcmp(token->policy, POLICY) != 0)
                return "the token names another policy than \"" POLICY "\"";
        if (has_ended(token, request->wall_now))
                return "the token has expired";
        return NULL;
}

static int check_by_token(Store *store, const AttestationRequest *request, const char *registration_id,
                          Enrollment *ret, const char **ret_reason)
{
        _cleanup_(token_done) Token token = {};
        Proof proof = {.token = &token, .registration_id = registration_id, .wall_now = request->wall_now};
        const char *fault;
        int r;

        r = token_parse(request->token, &token);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return refuse(ret_reason, "the password is no shared access signature");
        fault = check_token(request, &token);
        return fault ? refuse(ret_reason, fault) : find_enrollment(store, &proof, ret, ret_reason);
}

/* ---- the certificate ---- */

/* NULL: it is right so far. */
static const char *check_certificate(const Certificate *certificate, const char *registration_id, usec_t wall_now)
{
        _cleanup_free_ char *name = NULL;

        if (!certificate_is_valid_at(certificate, wall_now))
                return "its certificate has ended, or has not begun";
        /* registration ids have no case */
        if (certificate_common_name(certificate, &name) < 0 || strcasecmp(name, registration_id) != 0)
                return "the common name of its certificate is not the registration id";
        return NULL;
}

static int check_by_certificate(Store *store, const AttestationRequest *request, const char *registration_id,
                                Enrollment *ret, const char **ret_reason)
{
        Proof proof = {
                .certificate = request->certificate,
                .registration_id = registration_id,
                .wall_now = request->wall_now,
        };
        const char *fault = check_certificate(request->certificate, registration_id, request->wall_now);
        int r;

        r = fault ? refuse(ret_reason, fault) : find_enrollment(store, &proof, ret, ret_reason);
        return r == ATTESTATION_E_REFUSED ? ATTESTATION_E_INVALID_CERTIFICATE : r;
}

/* ---- the whole ---- */

int attestation_check(Store *store, const AttestationRequest *request, Enrollment *ret, const char **ret_reason)
{
        _cleanup_free_ char *registration_id = NULL;
        int r;

        *ret_reason = "";
        if (strcmp(request->said_scope, request->id_scope) != 0)
                return refuse(ret_reason, "the id scope is another one");
        r = registration_id_fold(request->registration_id, &registration_id);
        if (r == -EINVAL)
                return refuse(ret_reason, "the registration id is none: 1 to 128 of a-z 0-9 - . _ :");
        if (r < 0)
                return r;
        if (request->certificate && !*request->token)
                return check_by_certificate(store, request, registration_id, ret, ret_reason);
        return check_by_token(store, request, registration_id, ret, ret_reason);
}
