/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of Plug and Play, for the files that it is made of
 *
 * pnp.c           its life, the channels, and what of them is reported
 * pnp-writable.c  the properties that a service writes
 * pnp-command.c   the commands
 * pnp-told.c      what was told, over restarts, and taken back
 */

#include "base/throttle.h"
#include "flow/extremes.h"
#include "flow/pnp.h"

typedef struct PnpChannel {
        Name sensor, channel;
        Extremes extremes;
} PnpChannel;

typedef struct PnpReport {
        Name property, component;
        ReportValue value;
        size_t channel;
        double told;     /* NAN: nothing yet */
        usec_t due_usec; /* not before */
} PnpReport;

typedef struct PnpWritable {
        WritableSettings settings; /* with a text of its own */
        uint64_t answered;         /* the version of the desired half */
        char *wish;                /* what it was then, as text: a device made anew counts from 1 again */
        char *value;               /* JSON, in effect; NULL: none yet */
} PnpWritable;

typedef struct PnpCommand {
        char method[PNP_METHOD_MAX];
        size_t channel;
} PnpCommand;

/* What settings make. */
typedef struct PnpTable {
        PnpChannel *channels;
        size_t n_channels;
        PnpReport *reports;
        size_t n_reports;
        PnpWritable *writables;
        size_t n_writables;
        PnpCommand *commands;
        size_t n_commands;
} PnpTable;

struct Pnp {
        const Clock *clock;
        TwinDesk twin;
        usec_t started_usec; /* boot clock */
        PnpTable table;
        bool has_read;     /* since the last look at the reports */
        bool twin_changed; /* since the last look at what is desired */
        usec_t later_usec; /* when a report is due that had to wait; USEC_INFINITY: none has */
        usec_t again_usec; /* the twin refused something: when all is told anew; USEC_INFINITY: it did not */
        Throttle told_refused;

        /* pnp-told.c */
        Document *told; /* the properties that the twin has of us */
        bool look_back; /* the settings may name them no more */
        void (*told_changed)(void *userdata);
        void *told_userdata;
};

/* Of a component, or of the device itself. Takes the property's JSON as it is. */
void pnp_tell(Pnp *p, const char *component, const char *property, const char *json);

void pnp_on_told(void *userdata, RequestError error, const char *detail); /* a DoneFn; userdata: Pnp */

/* pnp-told.c */
void pnp_note_told(Pnp *p, const char *component, const char *property);
void pnp_take_back(Pnp *p);

/* pnp-writable.c */
void pnp_obey(Pnp *p);
