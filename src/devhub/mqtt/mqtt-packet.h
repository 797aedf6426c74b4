/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * MQTT packet - MQTT 3.1.1 as a server reads and writes it
 *
 * Reading cuts one packet at a time off the front of the bytes received so far; its texts are borrowed from
 * those bytes. Every rule of the standard that can be seen in one packet alone is checked here (OASIS MQTT
 * 3.1.1, the clause in brackets). Pure.
 */

#include "base/buffer.h"

/* The values are those on the wire. */
typedef enum MqttType {
        MQTT_CONNECT = 1,
        MQTT_CONNACK = 2,
        MQTT_PUBLISH = 3,
        MQTT_PUBACK = 4,
        MQTT_PUBREC = 5,
        MQTT_PUBREL = 6,
        MQTT_PUBCOMP = 7,
        MQTT_SUBSCRIBE = 8,
        MQTT_SUBACK = 9,
        MQTT_UNSUBSCRIBE = 10,
        MQTT_UNSUBACK = 11,
        MQTT_PINGREQ = 12,
        MQTT_PINGRESP = 13,
        MQTT_DISCONNECT = 14,
} MqttType;

const char *mqtt_type_to_string(MqttType type);

typedef struct MqttText {
        const char *data; /* not NUL-terminated; NULL: absent */
        size_t size;
} MqttText;

typedef struct MqttConnect {
        uint8_t level; /* 4 is MQTT 3.1.1; of any other nothing below is read */
        bool clean_session;
        uint16_t keep_alive; /* seconds; 0: none */
        MqttText client_id;
        MqttText will_topic; /* absent: no will */
        MqttText will_payload;
        uint8_t will_qos;
        MqttText username;
        MqttText password;
} MqttConnect;

typedef struct MqttPublish {
        uint8_t qos;
        bool dup, retain;
        uint16_t id; /* 0 at QoS 0 */
        MqttText topic;
        MqttText payload;
} MqttPublish;

/* The filters of SUBSCRIBE and UNSUBSCRIBE, already checked: mqtt_next_filter() cannot fail on them. */
typedef struct MqttFilters {
        uint16_t id;
        bool with_qos;
        const uint8_t *rest, *end;
} MqttFilters;

typedef struct MqttPacket {
        MqttType type;
        union {
                MqttConnect connect;
                MqttPublish publish;
                MqttFilters filters; /* SUBSCRIBE, UNSUBSCRIBE */
                uint16_t id;         /* PUBACK and its kin */
        };
} MqttPacket;

enum {
        _MQTT_E_SUCCESS,
        MQTT_E_MORE,      /* the packet is not all there yet */
        MQTT_E_MALFORMED, /* close the connection; ret_error says what is wrong */
        MQTT_E_TOO_LARGE, /* its header announces more than size_max: close the connection */
};

/* Reads the packet at the front of data. size_max bounds what its header may announce. On success *ret_used
 * bytes of data were the packet. On MQTT_E_MORE *ret_used is what is surely needed, if that is known, else 0. */
int mqtt_read(const void *data, size_t size, size_t size_max, MqttPacket *ret, size_t *ret_used,
              const char **ret_error);

/* Takes the next filter; false at the end. */
bool mqtt_next_filter(MqttFilters *filters, MqttText *ret_filter, uint8_t *ret_qos);

void mqtt_write_connack(Buffer *b, bool session_present, uint8_t code);
/* id: 0 at QoS 0. dup: it was sent before on this connection. */
void mqtt_write_publish(Buffer *b, const char *topic, const void *body, size_t body_size, uint8_t qos, bool dup,
                        uint16_t id);
void mqtt_write_puback(Buffer *b, uint16_t id);
#define MQTT_SUBSCRIPTION_REFUSED 0x80 /* among the codes, which else are the granted QoS */
void mqtt_write_suback(Buffer *b, uint16_t id, const uint8_t *codes, size_t n_codes);
void mqtt_write_unsuback(Buffer *b, uint16_t id);
void mqtt_write_pingresp(Buffer *b);
