/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Gate - what can be told to the hub, and what cannot
 *
 * Looked at before anything becomes a record. Names are foreign input here as well: local services bring their
 * own sensors. Pure.
 */

#include "model/message.h"
#include "model/reading.h"
#include "model/sink.h"

/* Why a reading or a message cannot be taken. */
typedef struct Objection {
        Refusal refusal;
        RequestError error;
        char text[512];
} Objection;

/* Fills the objection in. Always false. */
bool object_to(Objection *o, Refusal refusal, RequestError error, const char *fmt, ...) _printf_(4, 5);

/* False with an objection. */
bool gate_reading(const Reading *reading, Objection *o);
bool gate_message(const Message *message, Objection *o);
