/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/pending-call.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "bus/bus-text.h"

struct PendingCall {
        PendingCalls *calls; /* NULL: orphaned */
        PendingCall *next, *previous;
        sd_bus_message *head;
};

#define ERROR(name) "org.hublink1.Error." name

static const struct {
        const char *name;
        const char *text; /* when the answer brings no detail */
} errors[_REQUEST_ERROR_MAX] = {
        [REQUEST_NOT_CONNECTED] = {ERROR("NotConnected"), "There is no connection to the hub."},
        [REQUEST_QUEUE_FULL] = {ERROR("QueueFull"), "The queue is full, and set to refuse what is new."},
        [REQUEST_TOO_LARGE] = {ERROR("TooLarge"), "Too large for one message to the hub."},
        [REQUEST_BAD_VALUE] = {ERROR("BadValue"), "A value is not valid."},
        [REQUEST_NO_SUCH_SENSOR] = {ERROR("NoSuchSensor"), "There is no sensor of that name."},
        [REQUEST_NO_SUCH_STREAM] = {ERROR("NoSuchStream"), "There is no stream of that name in the settings."},
        [REQUEST_NO_SUCH_MESSAGE] = {ERROR("NoSuchMessage"), "There is no message of that id."},
        [REQUEST_NOT_OWNER] = {ERROR("NotOwner"), "This belongs to another caller."},
        [REQUEST_DISK_ERROR] = {ERROR("DiskError"), "The queue's disk fails; see the journal of hublinkd."},
        [REQUEST_BUSY] = {ERROR("Busy"), "Too much waits for the disk; try again a little later."},
        [REQUEST_TIMEOUT] = {ERROR("Timeout"), "There was no answer in time."},
};

const char *request_error_name(RequestError error)
{
        return error > REQUEST_OK && error < _REQUEST_ERROR_MAX ? errors[error].name : NULL;
}

/* The same call with nothing in it: whose answer it wants, to what. */
static int head_of(sd_bus_message *message, sd_bus_message **ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *head = NULL;
        uint64_t cookie;
        int r;

        if ((r = sd_bus_message_get_cookie(message, &cookie)) < 0 ||
            (r = sd_bus_message_new_method_call(sd_bus_message_get_bus(message), &head, NULL,
                                                sd_bus_message_get_path(message),
                                                sd_bus_message_get_interface(message),
                                                sd_bus_message_get_member(message))) < 0 ||
            (r = sd_bus_message_set_sender(head, sd_bus_message_get_sender(message))) < 0 ||
            (r = sd_bus_message_set_expect_reply(head, sd_bus_message_get_expect_reply(message))) < 0 ||
            (r = sd_bus_message_seal(head, cookie, 0)) < 0)
                return r;
        *ret = TAKE_PTR(head);
        return 0;
}

int pending_call_new(PendingCall **ret, PendingCalls *calls, sd_bus_message *message)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *head = NULL;
        PendingCall *c;
        int r = head_of(message, &head);

        if (r < 0)
                return r;
        r = call_quota_take(&calls->quota, sd_bus_message_get_sender(head));
        if (r != 0)
                return r;
        c = calloc(1, sizeof(*c));
        if (!c) {
                call_quota_give(&calls->quota, sd_bus_message_get_sender(head));
                return -ENOMEM;
        }
        c->head = TAKE_PTR(head);
        c->calls = calls;
        c->next = calls->first;
        if (c->next)
                c->next->previous = c;
        calls->first = c;
        *ret = c;
        return 0;
}

static void pending_call_free(PendingCall *c)
{
        if (c->calls) {
                call_quota_give(&c->calls->quota, sd_bus_message_get_sender(c->head));
                if (c->next)
                        c->next->previous = c->previous;
                if (c->previous)
                        c->previous->next = c->next;
                else
                        c->calls->first = c->next;
        }
        sd_bus_message_unref(c->head);
        free(c);
}

void pending_calls_done(PendingCalls *calls)
{
        for (PendingCall *c = calls->first; c; c = c->next)
                c->calls = NULL;
        calls->first = NULL;
        call_quota_done(&calls->quota);
}

/* The last word on a call. A reply that cannot be sent has nobody to hear it. */
static void replied(PendingCall *c, int r)
{
        if (r < 0)
                log_debug("Nobody took the answer of %s: %s.", sd_bus_message_get_member(c->head),
                          strerror(-r));
        pending_call_free(c);
}

static int reply_error(PendingCall *c, RequestError error, const char *detail)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        bus_text(&text, detail && *detail ? detail : errors[error].text);
        return sd_bus_reply_method_errorf(c->head, errors[error].name, "%s",
                                          buffer_error(&text) ? errors[error].text : text.data);
}

void pending_call_submitted(void *userdata, const SubmitAnswer *a)
{
        PendingCall *c = userdata;

        if (a->error != REQUEST_OK)
                replied(c, reply_error(c, a->error, a->detail));
        else
                replied(c, sd_bus_reply_method_return(c->head, "sttt", a->stream, a->epoch, a->first,
                                                      a->last));
}

void pending_call_message_submitted(void *userdata, const SubmitAnswer *a)
{
        PendingCall *c = userdata;

        if (a->error != REQUEST_OK)
                replied(c, reply_error(c, a->error, a->detail));
        else
                replied(c, sd_bus_reply_method_return(c->head, "stt", a->stream, a->epoch, a->first));
}

void pending_call_write(void *userdata, int (*write)(sd_bus_message *reply, const void *what), const void *what)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        PendingCall *c = userdata;
        int r;

        r = sd_bus_message_new_method_return(c->head, &reply);
        if (r >= 0)
                r = write(reply, what);
        if (r >= 0)
                r = sd_bus_send(sd_bus_message_get_bus(c->head), reply, NULL);
        else
                r = sd_bus_reply_method_errno(c->head, r, NULL);
        replied(c, r);
}

void pending_call_done(void *userdata, RequestError error, const char *detail)
{
        PendingCall *c = userdata;

        if (error != REQUEST_OK)
                replied(c, reply_error(c, error, detail));
        else
                replied(c, sd_bus_reply_method_return(c->head, NULL));
}
