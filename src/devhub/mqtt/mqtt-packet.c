/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/mqtt-packet.h"

#include <string.h>

#include "base/utf8.h"

const char *mqtt_type_to_string(MqttType type)
{
        static const char *const names[] = {
                [MQTT_CONNECT] = "CONNECT",         [MQTT_CONNACK] = "CONNACK",   [MQTT_PUBLISH] = "PUBLISH",
                [MQTT_PUBACK] = "PUBACK",           [MQTT_PUBREC] = "PUBREC",     [MQTT_PUBREL] = "PUBREL",
                [MQTT_PUBCOMP] = "PUBCOMP",         [MQTT_SUBSCRIBE] = "SUBSCRIBE", [MQTT_SUBACK] = "SUBACK",
                [MQTT_UNSUBSCRIBE] = "UNSUBSCRIBE", [MQTT_UNSUBACK] = "UNSUBACK", [MQTT_PINGREQ] = "PINGREQ",
                [MQTT_PINGRESP] = "PINGRESP",       [MQTT_DISCONNECT] = "DISCONNECT",
        };

        return type < ARRAY_SIZE(names) && names[type] ? names[type] : "packet of a reserved type";
}

/* ---- reading ---- */

/* The inside of one packet. The first fault found stays, and everything read after it is empty. */
typedef struct Reader {
        const uint8_t *p, *end;
        const char *error;
} Reader;

static void fail(Reader *r, const char *error)
{
        if (!r->error)
                r->error = error;
        r->p = r->end;
}

static size_t left(const Reader *r)
{
        return (size_t)(r->end - r->p);
}

static uint8_t take_byte(Reader *r)
{
        if (left(r) < 1) {
                fail(r, "the packet ends too early");
                return 0;
        }
        return *r->p++;
}

static uint16_t take_number(Reader *r)
{
        uint16_t high = take_byte(r);

        return (uint16_t)(high << 8 | take_byte(r));
}

static MqttText take_bytes(Reader *r)
{
        size_t size = take_number(r);
        MqttText text = {(const char *)r->p, size};

        if (left(r) < size) {
                fail(r, "the packet ends within a string");
                return (MqttText){"", 0};
        }
        r->p += size;
        return text;
}

/* [1.5.3] well-formed UTF-8 without U+0000 */
static MqttText take_text(Reader *r)
{
        MqttText text = take_bytes(r);

        if (memchr(text.data, 0, text.size))
                fail(r, "a string holds U+0000");
        else if (!utf8_is_valid(text.data, text.size))
                fail(r, "a string is not UTF-8");
        return text;
}

/* [2.3.1] */
static uint16_t take_id(Reader *r)
{
        uint16_t id = take_number(r);

        if (!r->error && id == 0)
                fail(r, "the packet identifier is 0");
        return id;
}

static bool text_is(MqttText text, const char *s)
{
        return text.size == strlen(s) && memcmp(text.data, s, text.size) == 0;
}

static void read_connect(Reader *r, MqttConnect *c)
{
        MqttText name = take_text(r);
        uint8_t flags;

        if (!text_is(name, "MQTT") && !text_is(name, "MQIsdp")) {
                fail(r, "the protocol is not MQTT");
                return;
        }
        c->level = take_byte(r);
        if (c->level != 4) {
                r->p = r->end; /* another version: its fields are not ours to judge */
                return;
        }
        flags = take_byte(r);
        c->clean_session = flags & 0x02;
        c->will_qos = flags >> 3 & 3;
        c->keep_alive = take_number(r);
        if (flags & 0x01)
                fail(r, "the reserved flag of CONNECT is set"); /* [3.1.2.3] */
        if (c->will_qos > 2 || (!(flags & 0x04) && (flags & 0x38)))
                fail(r, "the will flags contradict one another"); /* [3.1.2.6] */
        if ((flags & 0xc0) == 0x40)
                fail(r, "a password without a user name"); /* [3.1.2.9] */
        c->client_id = take_text(r);
        if (flags & 0x04) {
                c->will_topic = take_text(r);
                c->will_payload = take_bytes(r);
        }
        if (flags & 0x80)
                c->username = take_text(r);
        if (flags & 0x40)
                c->password = take_bytes(r);
}

static void read_publish(Reader *r, uint8_t flags, MqttPublish *p)
{
        p->dup = flags & 0x08;
        p->qos = flags >> 1 & 3;
        p->retain = flags & 0x01;
        if (p->qos == 3)
                fail(r, "PUBLISH at QoS 3"); /* [3.3.1.2] */
        if (p->qos == 0 && p->dup)
                fail(r, "PUBLISH at QoS 0 marked as a duplicate"); /* [3.3.1.1] */
        p->topic = take_text(r);
        if (!r->error && p->topic.size == 0)
                fail(r, "PUBLISH without a topic"); /* [4.7.3] */
        if (memchr(p->topic.data, '+', p->topic.size) || memchr(p->topic.data, '#', p->topic.size))
                fail(r, "PUBLISH to a topic with a wildcard"); /* [3.3.2.1] */
        if (p->qos > 0)
                p->id = take_id(r);
        p->payload = (MqttText){(const char *)r->p, left(r)};
        r->p = r->end;
}

/* Walks them once, so that whoever takes them later meets no fault. */
static void read_filters(Reader *r, bool with_qos, MqttFilters *f)
{
        f->id = take_id(r);
        f->with_qos = with_qos;
        f->rest = r->p;
        f->end = r->end;
        if (!r->error && left(r) == 0)
                fail(r, "no topic filter"); /* [3.8.3] */
        while (left(r) > 0) {
                MqttText filter = take_text(r);

                if (!r->error && filter.size == 0)
                        fail(r, "an empty topic filter"); /* [4.7.3] */
                if (with_qos && !r->error && take_byte(r) > 2)
                        fail(r, "a subscription asks for QoS 3"); /* [3.8.3.1] */
        }
}

/* [2.2.2] every type but PUBLISH has its flags fixed */
static uint8_t flags_of(MqttType type)
{
        return type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ? 2 : 0;
}

static void read_body(Reader *r, uint8_t flags, MqttPacket *packet)
{
        if (packet->type != MQTT_PUBLISH && flags != flags_of(packet->type)) {
                fail(r, "the flags of the fixed header are wrong");
                return;
        }
        switch (packet->type) {
        case MQTT_CONNECT:
                read_connect(r, &packet->connect);
                break;
        case MQTT_PUBLISH:
                read_publish(r, flags, &packet->publish);
                break;
        case MQTT_SUBSCRIBE:
        case MQTT_UNSUBSCRIBE:
                read_filters(r, packet->type == MQTT_SUBSCRIBE, &packet->filters);
                break;
        case MQTT_PUBACK:
        case MQTT_PUBREC:
        case MQTT_PUBREL:
        case MQTT_PUBCOMP:
                packet->id = take_id(r);
                break;
        case MQTT_PINGREQ:
        case MQTT_DISCONNECT:
                break;
        case MQTT_CONNACK:
        case MQTT_SUBACK:
        case MQTT_UNSUBACK:
        case MQTT_PINGRESP:
                fail(r, "a packet that only a server sends");
                break;
        default:
                fail(r, "a packet of a reserved type");
                break;
        }
        if (!r->error && left(r) > 0)
                fail(r, "the packet has bytes after its end");
}

/* [2.2.3] seven bits a byte, the least significant first, four bytes at most */
static int read_length(const uint8_t *p, size_t size, size_t *ret_length, size_t *ret_used)
{
        size_t length = 0;

        for (size_t i = 0; i < 4; i++) {
                if (i >= size)
                        return MQTT_E_MORE;
                length |= (size_t)(p[i] & 0x7f) << 7 * i;
                if (!(p[i] & 0x80)) {
                        *ret_length = length;
                        *ret_used = i + 1;
                        return 0;
                }
        }
        return MQTT_E_MALFORMED;
}

int mqtt_read(const void *data, size_t size, size_t size_max, MqttPacket *ret, size_t *ret_used,
              const char **ret_error)
{
        const uint8_t *p = data;
        MqttPacket packet = {};
        size_t length, head;
        Reader r;
        int k;

        *ret_used = 0;
        if (size < 2)
                return MQTT_E_MORE;
        k = read_length(p + 1, size - 1, &length, &head);
        if (k == MQTT_E_MALFORMED)
                *ret_error = "the length of the packet takes more than four bytes";
        if (k != 0)
                return k;
        head++;
        if (length > size_max)
                return MQTT_E_TOO_LARGE;
        *ret_used = head + length;
        if (size - head < length)
                return MQTT_E_MORE;

        packet.type = p[0] >> 4;
        r = (Reader){.p = p + head, .end = p + head + length};
        read_body(&r, p[0] & 0x0f, &packet);
        if (r.error) {
                *ret_error = r.error;
                return MQTT_E_MALFORMED;
        }
        *ret = packet;
        return 0;
}

bool mqtt_next_filter(MqttFilters *filters, MqttText *ret_filter, uint8_t *ret_qos)
{
        Reader r = {.p = filters->rest, .end = filters->end};

        if (left(&r) == 0)
                return false;
        *ret_filter = take_bytes(&r);
        *ret_qos = filters->with_qos ? take_byte(&r) : 0;
        filters->rest = r.p;
        return true;
}

/* ---- writing ---- */

static void write_small(Buffer *b, uint8_t first, uint16_t number)
{
        uint8_t packet[] = {first, 2, (uint8_t)(number >> 8), (uint8_t)number};

        buffer_append(b, packet, sizeof(packet));
}

void mqtt_write_connack(Buffer *b, bool session_present, uint8_t code)
{
        write_small(b, MQTT_CONNACK << 4, (uint16_t)(session_present << 8 | code));
}

void mqtt_write_puback(Buffer *b, uint16_t id)
{
        write_small(b, MQTT_PUBACK << 4, id);
}

void mqtt_write_unsuback(Buffer *b, uint16_t id)
{
        write_small(b, MQTT_UNSUBACK << 4, id);
}

void mqtt_write_pingresp(Buffer *b)
{
        static const uint8_t packet[] = {MQTT_PINGRESP << 4, 0};

        buffer_append(b, packet, sizeof(packet));
}

static void write_length(Buffer *b, size_t length)
{
        do {
                buffer_append_char(b, (char)((length & 0x7f) | (length > 0x7f ? 0x80 : 0)));
                length >>= 7;
        } while (length > 0);
}

static void write_number(Buffer *b, uint16_t number)
{
        buffer_append_char(b, (char)(number >> 8));
        buffer_append_char(b, (char)number);
}

void mqtt_write_suback(Buffer *b, uint16_t id, const uint8_t *codes, size_t n_codes)
{
        buffer_append_char(b, (char)(MQTT_SUBACK << 4));
        write_length(b, 2 + n_codes);
        write_number(b, id);
        buffer_append(b, codes, n_codes);
}

void mqtt_write_publish(Buffer *b, const char *topic, const void *body, size_t body_size, uint8_t qos, bool dup,
                        uint16_t id)
{
        size_t topic_size = strlen(topic);

        buffer_append_char(b, (char)(MQTT_PUBLISH << 4 | dup << 3 | qos << 1));
        write_length(b, 2 + topic_size + (qos > 0 ? 2 : 0) + body_size);
        write_number(b, (uint16_t)topic_size);
        buffer_append(b, topic, topic_size);
        if (qos > 0)
                write_number(b, id);
        buffer_append(b, body, body_size);
}
