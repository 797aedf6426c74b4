/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/guest.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/token.h"
#include "base/log.h"
#include "devhub/dps/attestation.h"
#include "devhub/dps/dps-error.h"
#include "devhub/dps/poll-meter.h"
#include "devhub/dps/registration-id.h"
#include "devhub/dps/registration-json.h"
#include "devhub/dps/service.h"
#include "devhub/hub/admission.h"
#include "model/json-read.h"

#define NOWHERE "reassigned.invalid"

void guest_done(Guest *g)
{
        free(g->registration_id);
        free(g->enrollment_id);
        certificate_free(g->certificate);
        *g = (Guest){};
}

void guest_answer_done(GuestAnswer *answer)
{
        free(answer->operation_id);
        buffer_done(&answer->body);
}

/* ---- who it is ---- */

/* A certificate is looked at when it is shown; a token is good for its time. */
static usec_t end_of(const char *text)
{
        _cleanup_(token_done) Token token = {};

        if (token_parse(text, &token) < 0)
                return USEC_INFINITY;
        return usec_add(token_ends_usec(&token), ATTESTATION_SKEW_USEC);
}

static int admit(Guest *ret, const char *registration_id, const char *token, const Certificate *certificate,
                 Enrollment *e)
{
        _cleanup_(guest_done) Guest guest = {
                .enrollment_kind = e->kind,
                .ends_usec = token ? end_of(token) : USEC_INFINITY,
        };
        int r;

        r = registration_id_fold(registration_id, &guest.registration_id);
        if (r < 0)
                return r;
        guest.enrollment_id = TAKE_PTR(e->id);
        guest.certificate = certificate_copy(certificate);
        if (certificate && !guest.certificate)
                return -ENOMEM;
        *ret = guest;
        guest = (Guest){};
        return 0;
}

int guest_attest(const Hub *hub, const char *said_scope, const char *registration_id, const char *token,
                 const Certificate *certificate, Guest *ret, const char **ret_reason)
{
        _cleanup_(enrollment_done) Enrollment e = {};
        _cleanup_free_ char *id_scope = NULL;
        int r;

        *ret_reason = "";
        *ret = (Guest){.ends_usec = USEC_INFINITY};
        r = dps_service_id_scope(hub->store, &id_scope);
        if (r < 0)
                return r;
        r = attestation_check(hub->store,
                              &(AttestationRequest){
                                      .id_scope = id_scope,
                                      .said_scope = said_scope,
                                      .registration_id = registration_id,
                                      .token = token ? token : "",
                                      .wall_now = clock_wall(hub->clock),
                                      .certificate = certificate,
                              },
                              &e, ret_reason);
        if (r == 0)
                return admit(ret, registration_id, token, token && *token ? NULL : certificate, &e);
        ret->refusal = r == ATTESTATION_E_INVALID_CERTIFICATE ? "Invalid certificate" : "Unauthorized";
        return MIN(r, 0);
}

/* ---- answers ---- */

static void refuse(GuestAnswer *ret, const Hub *hub, DpsError error, const char *message)
{
        ret->status = dps_error_status(error);
        dps_error_write(&ret->body, error, message, clock_wall(hub->clock));
}

static void fail(GuestAnswer *ret, const Hub *hub, const Guest *guest, int error)
{
        if (error == -EREMOTEIO) {
                log_error("%s cannot be provisioned: its hub cannot be written to", guest->registration_id);
                return refuse(ret, hub, DPS_ERROR_SERVER,
                              "The linked hub of this device cannot be written to: see the log of the provisioning "
                              "service.");
        }
        log_error("%s cannot be provisioned: %s (%s)", guest->registration_id, strerror(-error),
                  store_error(hub->store));
        refuse(ret, hub, DPS_ERROR_SERVER, NULL);
}

static void tell(GuestAnswer *ret, const Registration *r)
{
        json_object *operation = registration_operation_to_json(r);
        bool is_assigning = r->status == REGISTRATION_ASSIGNING;

        ret->status = is_assigning ? 202 : 200;
        ret->retry_after = is_assigning ? REGISTRATION_RETRY_AFTER_S : 0;
        ret->operation_id = is_assigning ? strdup(r->operation_id) : NULL;
        json_write(&ret->body, operation);
        (void)json_object_put(operation);
}

/* ---- faults and limits ---- */

/* At least a second, as a whole number: some clients read no other. */
static unsigned seconds(usec_t usec)
{
        return (unsigned)CLAMP((usec + USEC_PER_SEC - 1) / USEC_PER_SEC, (usec_t)1, (usec_t)3600);
}

static bool is_busy(const Guest *guest, const Hub *hub, Operation operation, GuestAnswer *ret)
{
        const Fault *fault = hub_strike(hub, FAULT_DPS_BUSY, guest->registration_id);
        Admission a = {};

        if (fault)
                a.wait_usec = fault->delay_usec;
        else if (hub_admit(hub, operation, guest->registration_id, 0, ADMISSION_AT_ONCE, &a) == 0)
                return false;
        refuse(ret, hub, DPS_ERROR_THROTTLED, NULL);
        ret->retry_after = seconds(a.wait_usec);
        return true;
}

/* Where to, if not to this hub. */
static const char *elsewhere(const Guest *guest, const Hub *hub)
{
        const Fault *fault = hub_strike(hub, FAULT_DPS_REASSIGN, guest->registration_id);

        return !fault ? NULL : fault->hub ? fault->hub : NOWHERE;
}

/* ---- register ---- */

/* Who it is stands in its user name; a body may be empty, or say it once more. NULL: it is right. */
static const char *check_body(const Guest *guest, const char *body, size_t size)
{
        json_object *value = NULL, *id;
        const char *fault = NULL, *error;

        while (size > 0 && strchr(" \t\r\n", body[size - 1]))
                size--;
        if (size == 0)
                return NULL;
        if (json_read(body, size, &value, &error) < 0)
                return "The body is not JSON.";
        if (json_object_is_type(value, json_type_object)) {
                id = json_object_object_get(value, "registrationId");
                if (id && strcasecmp(json_object_get_string(id), guest->registration_id) != 0)
                        fault = "The registrationId of the body is not that of the user name.";
        } else if (value) {
                fault = "The body is not an object.";
        }
        (void)json_object_put(value);
        return fault;
}

static bool has_left_us(const Hub *hub, const Registration *r)
{
        return r->left_hub && strcasecmp(r->left_hub, hub->host) == 0;
}

/* Of a linked hub's registry it goes now, that it has its place elsewhere. */
static void leave_there(const Hub *hub, const Registration *r)
{
        const LinkedHub *there;

        if (!r->left_hub || has_left_us(hub, r))
                return;
        there = linked_hubs_find(hub->linked_hubs, r->left_hub);
        if (there && linked_hub_remove(hub->linked_hubs, there, r->left_device) < 0)
                log_warning("%s stays behind in %s", r->left_device, r->left_hub);
}

/* As the enrollment stands now, which may be gone since the client connected. */
static int begin(const Guest *guest, const Hub *hub, Registration *ret)
{
        _cleanup_(enrollment_done) Enrollment e = {};
        int r;

        /* no hub's store waits for another's */
        r = hub->linked_hubs ? hub_commit(hub) : 0;
        if (r >= 0)
                r = enrollment_find(hub->store, guest->enrollment_kind, guest->enrollment_id, &e);
        if (r != 0)
                return r;
        /* what it came by may be worth nothing any more */
        if (e.attestation == ATTESTATION_X509 && !guest->certificate)
                return ENROLLMENT_E_UNKNOWN;
        r = registration_begin(hub->store,
                               &(RegistrationRequest){
                                       .enrollment = &e,
                                       .certificate = guest->certificate,
                                       .id = guest->registration_id,
                                       .host = hub->host,
                                       .elsewhere = elsewhere(guest, hub),
                                       .wall_now = clock_wall(hub->clock),
                                       .linked_hubs = hub->linked_hubs,
                               },
                               ret);
        if (r < 0) {
                hub_spoil(hub);
                return r;
        }
        if (has_left_us(hub, ret))
                hub_forget(hub, ret->left_device, NULL);
        r = hub_commit(hub);
        if (r >= 0)
                leave_there(hub, ret);
        return r;
}

void guest_register(const Guest *guest, const Hub *hub, const char *body, size_t size, GuestAnswer *ret)
{
        _cleanup_(registration_done) Registration registration = {};
        const char *fault;
        int r;

        *ret = (GuestAnswer){};
        if (!guest->registration_id)
                return refuse(ret, hub, DPS_ERROR_UNAUTHORIZED, guest->refusal);
        if (is_busy(guest, hub, OPERATION_PROVISION, ret))
                return;
        if (size > GUEST_MESSAGE_MAX)
                return refuse(ret, hub, DPS_ERROR_TOO_LARGE, NULL);
        fault = check_body(guest, body, size);
        if (fault)
                return refuse(ret, hub, DPS_ERROR_BAD_REQUEST, fault);
        r = begin(guest, hub, &registration);
        if (r < 0)
                fail(ret, hub, guest, r);
        else if (r == ENROLLMENT_E_UNKNOWN)
                refuse(ret, hub, DPS_ERROR_UNAUTHORIZED, NULL);
        else
                tell(ret, &registration);
}

/* ---- poll ---- */

/* What there is of it. False: there is nothing, and that has been said. */
static bool find(const Guest *guest, const Hub *hub, Registration *registration, GuestAnswer *ret)
{
        int r;

        *ret = (GuestAnswer){};
        if (!guest->registration_id) {
                refuse(ret, hub, DPS_ERROR_UNAUTHORIZED, guest->refusal);
                return false;
        }
        if (is_busy(guest, hub, OPERATION_NONE, ret))
                return false;
        r = registration_find(hub->store, guest->registration_id, clock_wall(hub->clock), registration);
        if (r < 0)
                fail(ret, hub, guest, r);
        else if (r == REGISTRATION_E_UNKNOWN)
                refuse(ret, hub, DPS_ERROR_REGISTRATION_NOT_FOUND, NULL);
        return r == 0;
}

static bool is(const char *text, size_t size, const char *expected)
{
        return text && size == strlen(expected) && memcmp(text, expected, size) == 0;
}

void guest_poll(const Guest *guest, const Hub *hub, const char *operation_id, size_t size, GuestAnswer *ret)
{
        _cleanup_(registration_done) Registration registration = {};
        usec_t wait;

        if (!find(guest, hub, &registration, ret))
                return;
        if (!is(operation_id, size, registration.operation_id))
                return refuse(ret, hub, DPS_ERROR_OPERATION_NOT_FOUND, NULL);
        wait = poll_meter_take(hub->polls, registration.operation_id, clock_boot(hub->clock));
        if (wait == 0)
                return tell(ret, &registration);
        refuse(ret, hub, DPS_ERROR_THROTTLED, NULL);
        ret->retry_after = seconds(wait);
}

void guest_look(const Guest *guest, const Hub *hub, GuestAnswer *ret)
{
        _cleanup_(registration_done) Registration registration = {};
        json_object *state;

        if (!find(guest, hub, &registration, ret))
                return;
        state = registration_to_json(&registration);
        ret->status = 200;
        json_write(&ret->body, state);
        (void)json_object_put(state);
}
