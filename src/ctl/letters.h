/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Letters - the dead letters of the gateway, as this side of org.hublink1.DeadLetters has them
 *
 * Every call waits for its answer, tells what goes wrong, and gives the exit code of the program.
 *
 * Owns:   the messages that their texts are borrowed from.
 */

#include "ctl/client.h"

typedef struct Letter {
        uint64_t id, epoch, n, size;
        const char *stream, *reason, *detail, *kind;
        usec_t time;
} Letter;

typedef struct LetterList {
        Letter *letters; /* the oldest first */
        size_t n_letters;
        struct sd_bus_message *message;
} LetterList;

int letters_list(Client *c, LetterList *ret);
void letter_list_done(LetterList *l);

/* One with what it says. By its kind: a reading (sensor is not NULL), a message (body), or other bytes (body). */
typedef struct LetterContent {
        Letter letter;

        const char *sensor, *quality;
        usec_t reading_time;
        int time_trusted;
        Channel values[READING_CHANNELS_MAX];
        size_t n_values;

        const char *content_type, *content_encoding, *correlation_id;
        Property *properties; /* texts borrowed */
        size_t n_properties;
        const void *body;
        size_t n_body;

        struct sd_bus_message *message;
} LetterContent;

int letters_get(Client *c, uint64_t id, LetterContent *ret);
void letter_content_done(LetterContent *l);

int letters_requeue(Client *c, uint64_t id, Receipt *ret);
int letters_delete(Client *c, uint64_t id);
