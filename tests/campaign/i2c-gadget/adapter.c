/* SPDX-License-Identifier: Apache-2.0 */
#include "adapter.h"

#include <errno.h>
#include <linux/i2c.h>
#include <linux/usb/ch9.h>
#include <string.h>

#include "base/bytes.h"

#define VENDOR  0x0403
#define PRODUCT 0xc631

/* What the driver asks. */
enum {
        ASK_ECHO,
        ASK_FUNCTIONS,
        ASK_SET_DELAY,
        ASK_STATUS,
        ASK_MESSAGE, /* and three more: the first of a transfer, the last, both */
        ASK_MESSAGE_LAST = ASK_MESSAGE + 3,
};

enum {
        STATUS_HEARD = 1,
        STATUS_NOT_HEARD,
};

/* ---- what every USB device is asked ---- */

static const uint8_t device[] = {
        USB_DT_DEVICE_SIZE, USB_DT_DEVICE,
        0x10, 0x01,                     /* USB 1.1 */
        USB_CLASS_VENDOR_SPEC, 0, 0, 8, /* 8 bytes at once */
        VENDOR & 0xff, VENDOR >> 8, PRODUCT & 0xff, PRODUCT >> 8,
        0x05, 0x02,                     /* its release */
        1, 2, 0,                        /* maker, product, no serial number */
        1,                              /* one configuration */
};

static const uint8_t configuration[] = {
        USB_DT_CONFIG_SIZE, USB_DT_CONFIG, USB_DT_CONFIG_SIZE + USB_DT_INTERFACE_SIZE, 0, 1, 1, 0, USB_CONFIG_ATT_ONE, 50,
        USB_DT_INTERFACE_SIZE, USB_DT_INTERFACE, 0, 0, 0 /* no endpoints but that one */, USB_CLASS_VENDOR_SPEC, 0, 0, 0,
};

static const char *const texts[] = {NULL, "hublink", "I2C gadget"};

static void tell(AdapterAnswer *ret, const void *bytes, size_t n, size_t room)
{
        ret->n = MIN(n, room);
        memcpy(ret->bytes, bytes, ret->n);
}

static void tell_text(AdapterAnswer *ret, unsigned i, size_t room)
{
        uint8_t bytes[64] = {4, USB_DT_STRING, 0x09, 0x04}; /* number 0: they are English */

        if (i >= ARRAY_SIZE(texts)) {
                ret->error = -EPIPE;
                return;
        }
        for (size_t k = 0; texts[i] && texts[i][k]; k++) {
                bytes[2 + 2 * k] = (uint8_t)texts[i][k];
                bytes[3 + 2 * k] = 0;
                bytes[0] = (uint8_t)(4 + 2 * k);
        }
        tell(ret, bytes, bytes[0], room);
}

static void ask_device(const struct usb_ctrlrequest *r, size_t room, AdapterAnswer *ret)
{
        unsigned value = le16toh(r->wValue);

        switch (r->bRequest) {
        case USB_REQ_GET_DESCRIPTOR:
                if (value >> 8 == USB_DT_DEVICE)
                        tell(ret, device, sizeof(device), room);
                else if (value >> 8 == USB_DT_CONFIG)
                        tell(ret, configuration, sizeof(configuration), room);
                else if (value >> 8 == USB_DT_STRING)
                        tell_text(ret, value & 0xff, room);
                else
                        ret->error = -EPIPE;
                break;
        case USB_REQ_GET_STATUS:
                tell(ret, (const uint8_t[2]){}, 2, room);
                break;
        default: /* it is told to be configured, and is */
                break;
        }
}

/* ---- what this one is asked ---- */

static void message(Adapter *a, const struct usb_ctrlrequest *r, const uint8_t *bytes, size_t n, size_t room, usec_t now,
                    AdapterAnswer *ret)
{
        unsigned address = le16toh(r->wIndex);
        bool heard;

        if (le16toh(r->wValue) & I2C_M_RD) {
                ret->n = room;
                heard = bus_read(a->bus, address, ret->bytes, room, now, &ret->late);
        } else
                heard = bus_write(a->bus, address, bytes, n, now, &ret->late);
        a->status = heard ? STATUS_HEARD : STATUS_NOT_HEARD;
}

static void ask_adapter(Adapter *a, const struct usb_ctrlrequest *r, const uint8_t *bytes, size_t n, size_t room, usec_t now,
                        AdapterAnswer *ret)
{
        uint8_t functions[4];

        bytes_put32(functions, I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL);
        switch (r->bRequest) {
        case ASK_ECHO:
                tell(ret, &r->wValue, sizeof(r->wValue), room);
                break;
        case ASK_FUNCTIONS:
                tell(ret, functions, sizeof(functions), room);
                break;
        case ASK_SET_DELAY:
                break;
        case ASK_STATUS:
                tell(ret, &a->status, 1, room);
                break;
        case ASK_MESSAGE ... ASK_MESSAGE_LAST:
                message(a, r, bytes, n, room, now, ret);
                break;
        default:
                ret->error = -EPIPE;
        }
}

void adapter_ask(Adapter *a, const uint8_t setup[static 8], const uint8_t *bytes, size_t n, usec_t now, AdapterAnswer *ret)
{
        struct usb_ctrlrequest r;
        size_t room;

        memcpy(&r, setup, sizeof(r));
        room = MIN(le16toh(r.wLength), ADAPTER_BYTES_MAX);
        *ret = (AdapterAnswer){};
        if ((r.bRequestType & USB_TYPE_MASK) == USB_TYPE_VENDOR)
                ask_adapter(a, &r, bytes, n, room, now, ret);
        else
                ask_device(&r, room, ret);
}
