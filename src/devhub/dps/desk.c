/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/desk.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/dps-username.h"
#include "base/log.h"
#include "base/secret.h"
#include "devhub/dps/guest.h"

typedef struct Seat {
        Link *link;
        Guest guest;
} Seat;

struct DpsDesk {
        const Hub *hub;
        Seat *seats;
        size_t n_seats, n_allocated;
        uint64_t tag; /* of the last answer */
};

int dps_desk_new(DpsDesk **ret, const Hub *hub)
{
        DpsDesk *desk = calloc(1, sizeof(*desk));

        if (!desk)
                return -ENOMEM;
        desk->hub = hub;
        *ret = desk;
        return 0;
}

DpsDesk *dps_desk_free(DpsDesk *desk)
{
        if (!desk)
                return NULL;
        for (size_t i = 0; i < desk->n_seats; i++)
                guest_done(&desk->seats[i].guest);
        free(desk->seats);
        free(desk);
        return NULL;
}

/* ---- seats ---- */

static Seat *find_seat(DpsDesk *desk, const Link *link)
{
        for (size_t i = 0; i < desk->n_seats; i++)
                if (desk->seats[i].link == link)
                        return &desk->seats[i];
        return NULL;
}

/* Takes the guest, also on failure. */
static int take_seat(DpsDesk *desk, Link *link, Guest *guest)
{
        if (desk->n_seats == desk->n_allocated) {
                size_t n = MAX(desk->n_allocated * 2, (size_t)8);
                Seat *more = reallocarray(desk->seats, n, sizeof(*more));

                if (!more) {
                        guest_done(guest);
                        return -ENOMEM;
                }
                desk->seats = more;
                desk->n_allocated = n;
        }
        desk->seats[desk->n_seats++] = (Seat){link, *guest};
        *guest = (Guest){};
        return 0;
}

static void on_ended(void *userdata, Link *link)
{
        DpsDesk *desk = userdata;
        Seat *seat = find_seat(desk, link);

        if (!seat)
                return;
        guest_done(&seat->guest);
        *seat = desk->seats[--desk->n_seats];
}

/* ---- CONNECT ---- */

static char *text_dup(MqttText text)
{
        return memchr(text.data, 0, text.size) ? NULL : strndup(text.data, text.size);
}

static void refuse(SessionGrant *grant, uint8_t code, const char *reason)
{
        grant->code = code;
        grant->reason = reason;
}

static bool is_client_id(MqttText text, const char *registration_id)
{
        return text.size == strlen(registration_id) && strncasecmp(text.data, registration_id, text.size) == 0;
}

/* What no client of the service would send is refused at once. */
static const char *check_connect(const MqttConnect *connect, const DpsUsername *username)
{
        if (!username->api_version)
                return "the user name has no api-version";
        if (!is_client_id(connect->client_id, username->registration_id))
                return "the client id is not the registration id of the user name";
        return NULL;
}

static void greet(const DpsDesk *desk, const Link *link, const Guest *guest, const char *reason)
{
        if (!guest->registration_id) {
                log_notice("%s: a guest that may not be provisioned: %s", link_peer(link), reason);
                return;
        }
        log_info("%s: %s has come to be provisioned by the enrollment %s%s", link_peer(link), guest->registration_id,
                 guest->enrollment_kind == ENROLLMENT_GROUP ? "group " : "", guest->enrollment_id);
}

/* The wall clock tells when the token ends; the link waits by the boot clock. */
static usec_t boot_end(const Hub *hub, usec_t wall_end)
{
        if (wall_end == USEC_INFINITY)
                return USEC_INFINITY;
        return usec_add(clock_boot(hub->clock), usec_sub(wall_end, clock_wall(hub->clock)));
}

static void let_in(DpsDesk *desk, Link *link, const MqttConnect *connect, const DpsUsername *username,
                   SessionGrant *ret)
{
        _cleanup_(secret_freep) char *token = connect->password.data ? text_dup(connect->password) : NULL;
        _cleanup_(guest_done) Guest guest = {};
        const char *reason;
        int r;

        r = guest_attest(desk->hub, username->id_scope, username->registration_id, token,
                         link_certificate(link), &guest, &reason);
        if (r < 0)
                return refuse(ret, CONNACK_UNAVAILABLE, "its enrollment cannot be looked up");
        greet(desk, link, &guest, reason);
        link_notes(link)->guest_ends_usec = guest.ends_usec;
        ret->ends_usec = boot_end(desk->hub, guest.ends_usec);
        if (take_seat(desk, link, &guest) < 0)
                refuse(ret, CONNACK_UNAVAILABLE, "no memory");
}

static bool on_connect(void *userdata, Link *link, const MqttConnect *connect, SessionGrant *ret)
{
        DpsDesk *desk = userdata;
        _cleanup_free_ char *text = connect->username.data ? text_dup(connect->username) : NULL;
        _cleanup_(dps_username_done) DpsUsername username = {};
        const char *fault;

        if (!text || !dps_username_is(text))
                return false;
        if (dps_username_parse(text, &username) < 0) {
                refuse(ret, CONNACK_NOT_AUTHORIZED, "the user name is not {scope}/registrations/{id}/api-version=...");
                return true;
        }
        fault = check_connect(connect, &username);
        if (fault)
                refuse(ret, CONNACK_NOT_AUTHORIZED, fault);
        else
                let_in(desk, link, connect, &username, ret);
        return true;
}

/* ---- requests ---- */

/* Nobody hears an answer who has not subscribed to it. */
static const char *answer(DpsDesk *desk, Link *link, const TopicParts *topic, const GuestAnswer *answer)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;
        uint8_t qos;
        int r;

        if (!link_is_subscribed(link, SUBSCRIPTION_REGISTRATION, &qos))
                return NULL;
        topic_dps_response(&name, answer->status, topic->rid, topic->rid_size, answer->retry_after);
        if (buffer_error(&name) || buffer_error(&answer->body))
                return "no memory";
        r = link_publish(link, name.data, answer->body.data, answer->body.size, qos, ++desk->tag);
        return r == -ENOBUFS ? "it does not acknowledge what it is sent" : r < 0 ? "it cannot be answered" : NULL;
}

static const char *on_request(void *userdata, Link *link, const SessionRequest *request)
{
        DpsDesk *desk = userdata;
        const Seat *seat = find_seat(desk, link);
        const TopicParts *topic = request->topic;
        _cleanup_(guest_answer_done) GuestAnswer said = {};

        if (!seat)
                return "it published to a topic of provisioning, and is a device of the hub";
        if (topic->kind == TOPIC_DPS_REGISTER)
                guest_register(&seat->guest, desk->hub, request->body.data, request->body.size, &said);
        else
                guest_poll(&seat->guest, desk->hub, topic->operation_id, topic->operation_id_size, &said);
        log_debug("%s: %s: %d", link_peer(link),
                  seat->guest.registration_id ? seat->guest.registration_id : "a guest", said.status);
        return answer(desk, link, topic, &said);
}

Desk dps_desk_seat(DpsDesk *desk)
{
        return (Desk){
                .kinds = DESK_KIND(TOPIC_DPS_REGISTER) | DESK_KIND(TOPIC_DPS_POLL),
                .connect = on_connect,
                .request = on_request,
                .ended = on_ended,
                .userdata = desk,
        };
}
