/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/judge.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/token.h"
#include "azure/username.h"
#include "base/secret.h"
#include "devhub/hub/access.h"
#include "devhub/hub/certificate-proof.h"
#include "devhub/hub/event-log.h"

void verdict_done(Verdict *v)
{
        free(v->device_id);
        free(v->module_id);
        free(v->generation_id);
        free(v->auth_method);
        free(v->model_id);
        free(v->product);
        *v = (Verdict){};
}

static void refuse(Verdict *v, uint8_t code, const char *reason)
{
        v->code = code;
        v->reason = reason;
}

/* 2021-04-12, or with a word behind: 2025-08-01-preview. The hub knows those up to its own day. */
static bool api_version_is_known(const char *version)
{
        static const char form[] = "dddd-dd-dd";

        for (size_t i = 0; i < strlen(form); i++)
                if (form[i] == 'd' ? !isdigit((unsigned char)version[i]) : version[i] != form[i])
                        return false;
        if (version[strlen(form)] && strcmp(version + strlen(form), "-preview") != 0)
                return false;
        return strncmp(version, "2015-", 5) >= 0 && strncmp(version, "2026-", 5) < 0;
}

static bool client_id_is_right(const MqttConnect *connect, const Username *u)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;

        identity_name(u->device_id, u->module_id, &name);
        return !buffer_error(&name) && name.size == connect->client_id.size &&
               memcmp(name.data, connect->client_id.data, name.size) == 0;
}

static char *text_dup(MqttText text)
{
        /* a string on the wire has no NUL (mqtt-packet), a password may: it is then no token */
        return memchr(text.data, 0, text.size) ? strdup("") : strndup(text.data, text.size);
}

/* ---- the token ---- */

/* Whose key is it? Gives the scope that events name: hub, device or module; NULL: refused. */
static const char *check_signature(const Token *token, const Identity *identity, const JudgeDesk *desk, Verdict *v)
{
        _cleanup_(policy_done) Policy policy = {};
        int r;

        if (!token->policy) {
                if (token_is_signed_by_either(token, identity->primary_key, identity->secondary_key))
                        return identity->module_id ? "module" : "device";
                refuse(v, CONNACK_NOT_AUTHORIZED, "the token is signed with neither of its keys");
                return NULL;
        }
        r = desk->find_policy(desk->userdata, token->policy, &policy);
        if (r < 0)
                refuse(v, CONNACK_UNAVAILABLE, "the policy cannot be looked up");
        else if (r == JUDGE_E_UNKNOWN)
                refuse(v, CONNACK_NOT_AUTHORIZED, "the token names a policy that does not exist");
        else if (!(policy.rights & RIGHT_DEVICE_CONNECT))
                refuse(v, CONNACK_NOT_AUTHORIZED, "the token's policy has no right to connect as a device");
        else if (!policy_has_signed(&policy, token))
                refuse(v, CONNACK_NOT_AUTHORIZED, "the token is signed with neither key of its policy");
        else
                return "hub";
        return NULL;
}

static bool covers(const Token *token, const Username *u)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;

        buffer_printf(&path, "%s/devices/%s", u->host, u->device_id);
        if (u->module_id)
                buffer_printf(&path, "/modules/%s", u->module_id);
        return !buffer_error(&path) && token_covers(token, path.data);
}

static void judge_token(const char *password, const Username *u, const Identity *identity, usec_t wall_now,
                        const JudgeDesk *desk, Verdict *v)
{
        _cleanup_(token_done) Token token = {};
        const char *scope;
        Buffer method = BUFFER_NULL;
        int r;

        r = token_parse(password, &token);
        if (r == -ENOMEM)
                return refuse(v, CONNACK_UNAVAILABLE, "no memory");
        if (r < 0)
                return refuse(v, CONNACK_NOT_AUTHORIZED, "the password is no shared access signature");
        if (!covers(&token, u))
                return refuse(v, CONNACK_NOT_AUTHORIZED, "the token is for another resource");
        scope = check_signature(&token, identity, desk, v);
        if (!scope)
                return;
        if (wall_now > usec_add(token_ends_usec(&token), ACCESS_SKEW_USEC))
                return refuse(v, CONNACK_NOT_AUTHORIZED, "the token has expired");

        v->ends_usec = usec_add(token_ends_usec(&token), ACCESS_GRACE_USEC);
        event_auth_method(&method, scope);
        v->auth_method = buffer_steal(&method);
        if (!v->auth_method)
                refuse(v, CONNACK_UNAVAILABLE, "no memory");
        buffer_done(&method);
}

/* ---- the certificate ---- */

static void judge_certificate(const Certificate *certificate, const Identity *identity, usec_t wall_now,
                              const JudgeDesk *desk, Verdict *v)
{
        const char *reason = certificate_proof_fault(certificate, identity, wall_now, desk->vouches, desk->userdata);
        Buffer method = BUFFER_NULL;

        if (reason)
                return refuse(v, CONNACK_NOT_AUTHORIZED, reason);
        v->ends_usec = USEC_INFINITY;
        event_auth_method_x509(&method);
        v->auth_method = buffer_steal(&method);
        if (!v->auth_method)
                refuse(v, CONNACK_UNAVAILABLE, "no memory");
        buffer_done(&method);
}

/* ---- the whole ---- */

static void judge_proof(const MqttConnect *connect, const Certificate *certificate, const Username *u,
                        const Identity *identity, usec_t wall_now, const JudgeDesk *desk, Verdict *v)
{
        _cleanup_(secret_freep) char *password = NULL;

        switch (identity->authentication) {
        case AUTHENTICATION_SELF_SIGNED:
        case AUTHENTICATION_CERTIFICATE_AUTHORITY:
                return judge_certificate(certificate, identity, wall_now, desk, v);
        case AUTHENTICATION_SAS:
                break;
        default:
                return refuse(v, CONNACK_NOT_AUTHORIZED, "the device or module has no way to prove who it is");
        }
        if (!connect->password.data)
                return refuse(v, CONNACK_NOT_AUTHORIZED, "there is no password");
        password = text_dup(connect->password);
        if (!password)
                return refuse(v, CONNACK_UNAVAILABLE, "no memory");
        judge_token(password, u, identity, wall_now, desk, v);
}

static void judge_username(const MqttConnect *connect, const Certificate *certificate, const Username *u,
                           const char *host, usec_t wall_now, const JudgeDesk *desk, Verdict *v)
{
        _cleanup_(identity_done) Identity identity = {};
        int r;

        /* A real hub that is asked for a host it is not answers "unavailable". */
        if (strcasecmp(u->host, host) != 0)
                return refuse(v, CONNACK_UNAVAILABLE, "the user name is for another host");
        if (!u->api_version)
                return refuse(v, CONNACK_NOT_AUTHORIZED, "the user name has no api-version");
        if (!api_version_is_known(u->api_version))
                return refuse(v, CONNACK_NOT_AUTHORIZED, "the api-version is not known");
        if (!client_id_is_right(connect, u))
                return refuse(v, CONNACK_NOT_AUTHORIZED, "the client id is not that of the user name");
        r = desk->find_identity(desk->userdata, u->device_id, u->module_id, &identity);
        if (r < 0)
                return refuse(v, CONNACK_UNAVAILABLE, "the identity cannot be looked up");
        if (r == JUDGE_E_UNKNOWN)
                return refuse(v, CONNACK_NOT_AUTHORIZED, "there is no such device or module");
        if (identity.disabled)
                return refuse(v, CONNACK_NOT_AUTHORIZED, "the device is disabled");
        judge_proof(connect, certificate, u, &identity, wall_now, desk, v);
        v->generation_id = TAKE_PTR(identity.generation_id);
}

void judge_connect(const MqttConnect *connect, const Certificate *certificate, const char *host, usec_t wall_now,
                   const JudgeDesk *desk, Verdict *ret)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_(username_done) Username u = {};
        int r;

        *ret = (Verdict){.reason = ""};
        if (connect->level != 4)
                return refuse(ret, CONNACK_VERSION, "it speaks another version of MQTT than 3.1.1");
        if (!connect->username.data)
                return refuse(ret, CONNACK_NOT_AUTHORIZED, "there is no user name");
        text = text_dup(connect->username);
        r = text ? username_parse(text, &u) : -ENOMEM;
        if (r == -ENOMEM)
                return refuse(ret, CONNACK_UNAVAILABLE, "no memory");
        if (r < 0)
                return refuse(ret, CONNACK_NOT_AUTHORIZED, "the user name is not {host}/{device}/?api-version=...");
        judge_username(connect, certificate, &u, host, wall_now, desk, ret);
        ret->device_id = TAKE_PTR(u.device_id);
        ret->module_id = TAKE_PTR(u.module_id);
        ret->model_id = TAKE_PTR(u.model_id);
        ret->product = TAKE_PTR(u.device_client_type);
}
