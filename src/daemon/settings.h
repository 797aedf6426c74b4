/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Settings - everything that is configured, as one plain value
 *
 * Composed of the modules' own structs, filled from hublink.conf and conf.d by the table of
 * settings-table.c, checked as a whole, and never changed afterwards: a reload makes another one and swaps.
 * The files' tree stays beside the values, so that each can name the line that it comes from.
 *
 * Owns:   its structs and the tree.
 */

#include "base/buffer.h"
#include "base/log.h"
#include "daemon/metrics.h"
#include "daemon/problems.h"
#include "daemon/settings-node.h"
#include "daemon/settings-read.h"
#include "flow/command-units.h"
#include "flow/inbox.h"
#include "flow/methods.h"
#include "flow/pnp.h"
#include "flow/rules-settings.h"
#include "flow/stream.h"
#include "flow/twin.h"
#include "hub/hub.h"
#include "queue/queue.h"
#include "sensor/settings.h"

#define SETTINGS_FILE      "/etc/hublink/hublink.conf"
#define SETTINGS_STATE_DIR "/var/lib/hublink"

typedef struct Settings {
        HubSettings hub;
        QueueSettings queue;
        StreamSettings *streams; /* the default stream is always among them */
        size_t n_streams;
        SensorSettings *sensors;
        size_t n_sensors;
        RuleSettings *rules; /* in their order */
        size_t n_rules;
        TwinSettings twin;
        WritableSettings *writables; /* twin.writable */
        size_t n_writables;
        CommandSettings *commands;
        size_t n_commands;
        CommandUnitSettings *command_units;
        size_t n_command_units;
        InboxSettings inbox;
        MethodsSettings methods;
        AuditSettings audit;
        struct {
                bool trust; /* believe the wall clock without NTP */
        } clock;
        LogSettings log;
        MetricsSettings metrics;

        Node *tree; /* what the files say, merged */
        Node *said; /* the same without what the cloud desires; NULL: it is the tree */
        SettingsFiles files;
} Settings;

/* 0; SETTINGS_E_BAD with every problem, sorted, in problems; -ENOMEM. Defaults below SETTINGS_STATE_DIR move
 * to state_dir. */
int settings_load(Settings **ret, const char *path, const char *state_dir, Problems *problems);
/* The same as it would be with that file. */
int settings_load_as_if(Settings **ret, const char *path, const char *state_dir, const SettingsCandidate *candidate,
                        Problems *problems);
/* Fills it from its tree, and checks it as a whole: for those who made the tree. */
int settings_complete(Settings *s, const char *state_dir, Problems *problems);
/* The same from one text, called name. */
int settings_load_text(Settings **ret, const char *name, const char *text, const char *state_dir,
                       Problems *problems);
Settings *settings_free(Settings *s);
DEFINE_CLEANUP(Settings *, settings_free);

/* The provisioning service is to be asked, as far as can be told: not all that it needs may be there. */
bool settings_want_dps(const Settings *s);

/* All values in effect, in the files' own syntax; with_places: each with its file and line, or "default". */
void settings_print(const Settings *s, bool with_places, Buffer *b);

/* Would they make the same daemon? */
int settings_equal(const Settings *a, const Settings *b);
