/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/status-line.h"

#include <inttypes.h>

static const char *reason_words(LinkReason reason)
{
        switch (reason) {
        case LINK_REASON_NONE:
                return "not tried yet";
        case LINK_REASON_NO_CREDENTIAL:
                return "there is no credential (hublinkctl setup asks for it)";
        case LINK_REASON_NETWORK:
                return "the network does not reach it";
        case LINK_REASON_NAME:
                return "its name cannot be looked up";
        case LINK_REASON_REFUSED:
                return "it refuses the connection";
        case LINK_REASON_TLS_UNTRUSTED:
                return "its certificate is not trusted";
        case LINK_REASON_TLS_HOSTNAME:
                return "its certificate is for another name";
        case LINK_REASON_TLS_EXPIRED:
                return "its certificate is not valid at this time";
        case LINK_REASON_CREDENTIAL:
                return "it refuses the credential";
        case LINK_REASON_HUB_UNAVAILABLE:
                return "it is unavailable";
        case LINK_REASON_CLOCK:
                return "the clock is wrong";
        case LINK_REASON_TAKEOVER:
                return "another client took the connection over";
        case LINK_REASON_THROTTLED:
                return "it throttles";
        case LINK_REASON_QUOTA:
                return "its quota is used up";
        case LINK_REASON_SILENT:
                return "it does not answer";
        case LINK_REASON_PROVISIONING:
                return "the provisioning service gives us no hub";
        case LINK_REASON_CLOSED:
                return "the connection was closed";
        case _LINK_REASON_MAX:
        case _LINK_REASON_INVALID:
                break;
        }
        return "";
}

/* By ourselves, for a reason that is none of the link's. */
static bool is_held(const Status *s)
{
        return s->link_state == LINK_STOPPED && s->link_reason == LINK_REASON_NONE && s->link_detail &&
               *s->link_detail;
}

static void link_words(const Status *s, Buffer *b)
{
        const char *hub = s->hub && *s->hub ? s->hub : "the hub";

        switch (s->link_state) {
        case LINK_CONNECTED:
                buffer_printf(b, "Connected to %s as %s", hub, s->device_id ? s->device_id : "");
                break;
        case LINK_CONNECTING:
                buffer_printf(b, "Connecting to %s", hub);
                if (s->link_reason != LINK_REASON_NONE)
                        buffer_printf(b, " again: %s", reason_words(s->link_reason));
                break;
        default:
                buffer_printf(b, "Not connected to %s: %s", hub,
                              is_held(s) ? s->link_detail : reason_words(s->link_reason));
                break;
        }
}

static const char *disk_verb(DiskState state)
{
        switch (state) {
        case DISK_FULL:
                return "is full";
        case DISK_STALLED:
                return "stalls";
        case DISK_READ_ONLY:
                return "is read-only";
        default:
                return "fails";
        }
}

static void disk_words(const QueueStatus *q, Buffer *b)
{
        const char *error = q->disk_error ? q->disk_error : "";

        if (q->disk_state == DISK_IN_USE)
                buffer_printf(b, "; %s", error);
        else if (q->disk_state != DISK_WELL || q->disk_failed)
                buffer_printf(b, "; the queue's disk %s: %s", disk_verb(q->disk_state), error);
}

void status_line(const Status *s, Buffer *b)
{
        uint64_t waiting = s->queue.records;

        link_words(s, b);
        if (s->queue.unknown)
                buffer_append_string(b, "; what waits is not known");
        else if (waiting == 0)
                buffer_append_string(b, "; nothing is waiting");
        else
                buffer_printf(b, "; %" PRIu64 " record%s waiting", waiting, waiting == 1 ? " is" : "s are");
        if (s->dead_letters.count > 0)
                buffer_printf(b, "; %" PRIu64 " dead letter%s", s->dead_letters.count,
                              s->dead_letters.count == 1 ? "" : "s");
        if (!is_held(s)) /* else that was it */
                disk_words(&s->queue, b);
}
