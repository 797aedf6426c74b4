/* SPDX-License-Identifier: Apache-2.0 */

/*
 * /messages/devicebound - where services hand in messages to devices (protocol reference 9.3)
 *
 * A message is accepted when it lies in the mailbox, committed.
 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "devhub/amqp/cloud-mail.h"
#include "devhub/amqp/nodes.h"
#include "devhub/hub/access.h"
#include "devhub/hub/admission.h"

#define CREDIT 100

/* False: not now, and that has been said. */
static bool check_limits(AmqpLink *link, pn_delivery_t *delivery, const CloudMail *mail)
{
        Admission a;
        int k = hub_admit(link->house->hub, OPERATION_C2D_SEND, mail->device_id, cloud_message_size(&mail->message),
                          ADMISSION_AT_ONCE, &a);

        if (k < 0)
                amqp_delivery_fail(delivery, SERVICE_ERROR_SERVER, "The message cannot be billed.");
        else if (k > 0)
                amqp_delivery_fail(delivery, a.error, "%s.", a.reason);
        return k == 0;
}

static void refuse(pn_delivery_t *delivery, int k, const CloudMail *mail)
{
        switch (k) {
        case MAILBOX_E_NO_DEVICE:
                amqp_delivery_fail(delivery, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s is not registered.",
                                   mail->device_id);
                break;
        case MAILBOX_E_NO_MODULE:
                amqp_delivery_fail(delivery, SERVICE_ERROR_MODULE_NOT_FOUND, "Module %s/%s is not registered.",
                                   mail->device_id, mail->module_id);
                break;
        case MAILBOX_E_FULL:
                amqp_delivery_fail(delivery, SERVICE_ERROR_MAXIMUM_QUEUE_DEPTH_EXCEEDED,
                                   "%d messages wait for device %s already.", MAILBOX_DEPTH_MAX, mail->device_id);
                break;
        case MAILBOX_E_TOO_LARGE:
                amqp_delivery_fail(delivery, SERVICE_ERROR_MESSAGE_TOO_LARGE, "The message is larger than 64 KiB.");
                break;
        default:
                amqp_delivery_fail(delivery, SERVICE_ERROR_ARGUMENT_INVALID,
                                   "A property has no name, or there are too many.");
                break;
        }
}

static void put(AmqpLink *link, pn_delivery_t *delivery, const CloudMail *mail)
{
        const Hub *hub = link->house->hub;
        int r = mailbox_put(hub->mailbox, mail->device_id, mail->module_id, &mail->message);

        if (r > 0) {
                refuse(delivery, r, mail);
                return;
        }
        if (r >= 0) {
                hub_bill(hub, OPERATION_C2D_SEND, cloud_message_size(&mail->message));
                r = hub_commit(hub);
        }
        if (r < 0) {
                log_warning("AMQP: a message to a device cannot be stored: %s", strerror(-r));
                amqp_delivery_fail(delivery, SERVICE_ERROR_SERVER, "The message cannot be stored.");
                return;
        }
        amqp_delivery_accept(delivery);
}

static void on_message(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *message)
{
        _cleanup_(cloud_mail_done) CloudMail mail = {};
        const char *error;
        int r = cloud_mail_read(message, &mail, &error);

        if (r == -ENOMEM)
                amqp_delivery_fail(delivery, SERVICE_ERROR_SERVER, "no memory");
        else if (r < 0)
                amqp_delivery_fail(delivery, SERVICE_ERROR_ARGUMENT_INVALID, "%s", error);
        else if (check_limits(link, delivery, &mail))
                put(link, delivery, &mail);
}

const AmqpNode node_devicebound = {
        .address = ADDRESS_DEVICEBOUND,
        .right = RIGHT_SERVICE_CONNECT,
        .credit = CREDIT,
        .largest = TRANSFER_SIZE_MAX,
        .take = on_message,
};
