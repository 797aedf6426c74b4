/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/cloud-mail.h"

#include <errno.h>
#include <inttypes.h>
#include <proton/codec.h>
#include <string.h>

#include "azure/percent.h"
#include "base/number.h"
#include "base/utf8.h"
#include "devhub/amqp/address.h"

#define PROPERTIES_MAX 512

void cloud_mail_done(CloudMail *mail)
{
        free(mail->device_id);
        free(mail->module_id);
        cloud_message_done(&mail->message);
        *mail = (CloudMail){};
}

/* ---- texts ---- */

/* -EINVAL: it cannot be text. */
static int text_of_bytes(pn_bytes_t bytes, char **ret)
{
        if (bytes.size > 0 && (memchr(bytes.start, 0, bytes.size) || !utf8_is_valid(bytes.start, bytes.size)))
                return -EINVAL;
        *ret = strndup(bytes.size > 0 ? bytes.start : "", bytes.size);
        return *ret ? 0 : -ENOMEM;
}

static void print_uuid(Buffer *b, pn_uuid_t uuid)
{
        for (size_t i = 0; i < sizeof(uuid.bytes); i++)
                buffer_printf(b, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", (uint8_t)uuid.bytes[i]);
}

static void print_double(Buffer *b, double x)
{
        char text[NUMBER_TEXT_MAX];

        if (x - x != 0) /* infinite, or no number */
                buffer_append_string(b, x > 0 ? "Infinity" : x < 0 ? "-Infinity" : "NaN");
        else
                buffer_append(b, text, number_format(x, text));
}

/* False: there is no text for such a value. */
static bool print_number(Buffer *b, pn_atom_t atom)
{
        switch (atom.type) {
        case PN_BOOL:
                buffer_append_string(b, atom.u.as_bool ? "true" : "false");
                return true;
        case PN_UBYTE:
                buffer_printf(b, "%u", atom.u.as_ubyte);
                return true;
        case PN_BYTE:
                buffer_printf(b, "%d", atom.u.as_byte);
                return true;
        case PN_USHORT:
                buffer_printf(b, "%u", atom.u.as_ushort);
                return true;
        case PN_SHORT:
                buffer_printf(b, "%d", atom.u.as_short);
                return true;
        case PN_UINT:
                buffer_printf(b, "%" PRIu32, atom.u.as_uint);
                return true;
        case PN_INT:
                buffer_printf(b, "%" PRId32, atom.u.as_int);
                return true;
        case PN_ULONG:
                buffer_printf(b, "%" PRIu64, atom.u.as_ulong);
                return true;
        case PN_LONG:
                buffer_printf(b, "%" PRId64, atom.u.as_long);
                return true;
        case PN_TIMESTAMP:
                buffer_printf(b, "%" PRId64, atom.u.as_timestamp);
                return true;
        case PN_FLOAT:
                print_double(b, (double)atom.u.as_float);
                return true;
        case PN_DOUBLE:
                print_double(b, atom.u.as_double);
                return true;
        case PN_UUID:
                print_uuid(b, atom.u.as_uuid);
                return true;
        default:
                return false;
        }
}

/* *ret NULL: there is none. */
static int text_of(pn_atom_t atom, char **ret)
{
        Buffer b = BUFFER_NULL;

        *ret = NULL;
        switch (atom.type) {
        case PN_NULL:
                return 0;
        case PN_STRING:
        case PN_SYMBOL:
        case PN_BINARY:
                return text_of_bytes(atom.u.as_bytes, ret);
        default:
                if (!print_number(&b, atom))
                        return -EINVAL;
                *ret = buffer_steal(&b);
                return *ret ? 0 : -ENOMEM;
        }
}

static int copy_text(const char *text, char **ret)
{
        *ret = text && *text ? strdup(text) : NULL;
        return text && *text && !*ret ? -ENOMEM : 0;
}

/* ---- to whom ---- */

static int decode_id(const char *text, size_t size, char **ret)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        percent_decode(&b, text, size);
        if (buffer_error(&b))
                return -ENOMEM;
        return b.size > 0 ? text_of_bytes((pn_bytes_t){b.size, b.data}, ret) : -EINVAL;
}

/* Takes a word of the path, with the slash behind it. */
static bool take_word(const char **path, const char *word)
{
        size_t size = strcspn(*path, "/");

        if (size != strlen(word) || strncasecmp(*path, word, size) != 0)
                return false;
        *path += size + ((*path)[size] == '/');
        return true;
}

static int take_id(const char **path, char **ret)
{
        size_t size = strcspn(*path, "/");
        int r = decode_id(*path, size, ret);

        *path += size + ((*path)[size] == '/');
        return r;
}

static int read_destination(const char *to, CloudMail *mail)
{
        const char *path = to ? address_path(to) : "";
        int r;

        if (!take_word(&path, "devices"))
                return -EINVAL;
        r = take_id(&path, &mail->device_id);
        if (r >= 0 && take_word(&path, "modules"))
                r = take_id(&path, &mail->module_id);
        if (r < 0)
                return r;
        return take_word(&path, "messages") && take_word(&path, "devicebound") && !*path ? 0 : -EINVAL;
}

/* ---- what it carries ---- */

static usec_t usec_of(pn_timestamp_t milliseconds)
{
        if (milliseconds <= 0)
                return milliseconds < 0 ? 1 : 0; /* long ago is not the same as not said */
        return (uint64_t)milliseconds > USEC_INFINITY / USEC_PER_MSEC ? USEC_INFINITY - 1
                                                                      : (uint64_t)milliseconds * USEC_PER_MSEC;
}

static int read_fields(pn_message_t *m, CloudMessage *ret)
{
        int r;

        r = text_of(pn_message_get_id(m), &ret->message_id);
        if (r >= 0)
                r = text_of(pn_message_get_correlation_id(m), &ret->correlation_id);
        if (r >= 0 && pn_message_get_user_id(m).size > 0)
                r = text_of_bytes(pn_message_get_user_id(m), &ret->user_id);
        if (r >= 0)
                r = copy_text(pn_message_get_address(m), &ret->to);
        if (r >= 0)
                r = copy_text(pn_message_get_content_type(m), &ret->content_type);
        if (r >= 0)
                r = copy_text(pn_message_get_content_encoding(m), &ret->content_encoding);
        ret->creation_usec = usec_of(pn_message_get_creation_time(m));
        ret->expiry_usec = usec_of(pn_message_get_expiry_time(m));
        return r;
}

static int add_property(CloudMessage *message, char *name, char *value)
{
        Bag *bag = &message->properties;
        BagEntry *more;

        if (bag->n_entries >= PROPERTIES_MAX)
                return -EINVAL;
        more = reallocarray(bag->entries, bag->n_entries + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        bag->entries = more;
        bag->entries[bag->n_entries++] = (BagEntry){name, value};
        return 0;
}

static int take_property(CloudMessage *message, pn_atom_t key, pn_atom_t given)
{
        _cleanup_free_ char *name = NULL, *value = NULL;
        int r;

        r = text_of(key, &name);
        if (r >= 0)
                r = name ? text_of(given, &value) : -EINVAL;
        if (r < 0)
                return r;
        if (strcmp(name, "iothub-ack") == 0) {
                message->ack = value ? ack_mode_from_string(value) : ACK_NONE;
                return message->ack < 0 ? -EINVAL : 0;
        }
        r = add_property(message, name, value);
        if (r < 0)
                return r;
        name = value = NULL;
        return 0;
}

static int read_properties(pn_data_t *data, CloudMessage *message)
{
        int r = 0;

        pn_data_rewind(data);
        if (!pn_data_next(data))
                return 0;
        if (pn_data_type(data) != PN_MAP || !pn_data_enter(data))
                return -EINVAL;
        while (r >= 0 && pn_data_next(data)) {
                pn_atom_t key = pn_data_get_atom(data);

                r = pn_data_next(data) ? take_property(message, key, pn_data_get_atom(data)) : -EINVAL;
        }
        return r;
}

/* Data sections, or a value that is bytes or text. */
static int read_body(pn_message_t *m, CloudMessage *message)
{
        pn_data_t *data = pn_message_body(m);
        _cleanup_(buffer_done) Buffer body = BUFFER_NULL;

        pn_data_rewind(data);
        while (pn_data_next(data)) {
                pn_bytes_t bytes;

                switch (pn_data_type(data)) {
                case PN_NULL:
                        continue;
                case PN_BINARY:
                case PN_STRING:
                        break;
                default:
                        return -EINVAL;
                }
                bytes = pn_data_get_bytes(data);
                buffer_append(&body, bytes.start, bytes.size);
        }
        message->body_size = body.size;
        message->body = buffer_steal(&body);
        return message->body ? 0 : -ENOMEM;
}

int cloud_mail_read(pn_message_t *m, CloudMail *ret, const char **ret_error)
{
        _cleanup_(cloud_mail_done) CloudMail mail = {};
        int r;

        *ret_error = "The message's `to` is not /devices/{id}/messages/devicebound.";
        r = read_destination(pn_message_get_address(m), &mail);
        if (r < 0)
                return r;
        *ret_error = "The message's properties cannot be read as text.";
        r = read_fields(m, &mail.message);
        if (r < 0)
                return r;
        *ret_error = "The message's application properties cannot be read as text, or iothub-ack is none of none,"
                     " positive, negative, full.";
        r = read_properties(pn_message_properties(m), &mail.message);
        if (r < 0)
                return r;
        *ret_error = "The message's body is neither data nor text.";
        r = read_body(m, &mail.message);
        if (r < 0)
                return r;
        *ret = mail;
        mail = (CloudMail){};
        return 0;
}
