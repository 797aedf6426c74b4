/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pnp - what a Plug and Play model asks of this device, as far as settings alone can give it
 *
 * Properties that report what a sensor reads, properties that a service may write, and commands that the readings kept
 * in memory can answer. A model's texts are not read: who configures says which of its names means what.
 *
 * A property that is written is acknowledged and kept, and told to local services as any desired property is; what it
 * changes is their business. Each change of the desired half is acknowledged anew, for its version stands in the
 * answer.
 *
 * What the settings name no more is taken back from the twin, also what they named in an earlier run.
 *
 * Owns:   the extremes of the channels that are asked for, since the daemon began.
 * Knows:  the twin as its desk; nothing of methods, MQTT or D-Bus. Pure.
 * Time:   boot clock for readings, wall clock for what a command's caller names. It wants to be ticked: within calls it
 *         only notes, so that the twin is never asked while it tells.
 */

#include "base/buffer.h"
#include "base/number.h"
#include "base/ticker.h"
#include "model/document.h"
#include "model/reading.h"
#include "model/twin-desk.h"
#include "sensor/settings.h"

typedef enum WritableType {
        WRITABLE_DOUBLE,
        WRITABLE_INTEGER,
        WRITABLE_BOOLEAN,
        WRITABLE_STRING,
        _WRITABLE_TYPE_MAX,
} WritableType;

/* A property that a service may write. */
typedef struct WritableSettings {
        Name name;
        Name property;  /* as the model has it; "": as name */
        Name component; /* "": the device itself */
        WritableType type;
        NumberRange range; /* of the two kinds of numbers */
        char *initial;     /* JSON: what is reported while no service has written one; NULL: nothing */
} WritableSettings;

/* A command: {"maxTemp":..,"minTemp":..,"avgTemp":..,"startTime":..,"endTime":..} since the time that is its argument,
 * or since the daemon began. */
typedef struct CommandSettings {
        Name name;
        Name command;     /* as the model has it; "": as name */
        unsigned builtin; /* there is one */
        char *of;         /* "sensor.channel"; of a component, if the sensor is */
} CommandSettings;

typedef struct PnpSettings {
        const SensorSettings *sensors; /* and what of them is reported */
        size_t n_sensors;
        const WritableSettings *writables;
        size_t n_writables;
        const CommandSettings *commands;
        size_t n_commands;
} PnpSettings;

#define PNP_METHOD_MAX (2 * NAME_LENGTH_MAX + 2) /* "component*command" and its end */

typedef struct Pnp Pnp;

int pnp_new(Pnp **ret, const Clock *clock, const TwinDesk *twin);
Pnp *pnp_free(Pnp *p); /* after the twin, which answers what was reported */
DEFINE_CLEANUP(Pnp *, pnp_free);

/* Copied. Channels that are asked for as before keep what they read. All or nothing. */
int pnp_configure(Pnp *p, const PnpSettings *settings);
Ticker pnp_ticker(Pnp *p);

/* Once, before the first tick: what was reported in earlier runs. state: what is stored beside the twin's halves, where
 * pnp_keep() has put it; NULL: nothing is. changed: it is another, to be stored; the twin may be told so within. */
int pnp_remember(Pnp *p, const Document *state, void (*changed)(void *userdata), void *userdata);
int pnp_keep(const Pnp *p, Document *state);

void pnp_reading(Pnp *p, const Reading *reading);
void pnp_twin_changed(Pnp *p); /* TwinSink.changed */

static inline const char *pnp_property(const WritableSettings *s)
{
        return *s->property ? s->property : s->name;
}

/* Would a service that writes this be obeyed? If not, what was expected is appended. */
bool pnp_value_fits(const WritableSettings *s, const char *json, Buffer *expected);

/* The method that a command is called by. */
void pnp_method(const CommandSettings *command, const SensorSettings *sensors, size_t n_sensors,
                char method[static PNP_METHOD_MAX]);
/* Runs the command of that method: appends its answer, and returns its status (model/method-desk.h). Nothing, "",
 * stands for no argument. */
int pnp_run(const Pnp *p, const char *method, const char *json, size_t size, Buffer *answer);
