/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the daemon, for the files that it is made of
 *
 * daemon.c           its life: the parts are built, joined and ended
 * daemon-sinks.c     who is told what, and what local services may ask for
 * daemon-connected.c which credential opened the hub last
 * daemon-dps.c       what the provisioning service said
 * daemon-orders.c    those who obey the hub's orders, among the others
 * daemon-positions.c how far growing files were read
 * daemon-twin.c      the twin among the others
 * daemon-overlay.c   what lies over the settings files
 * daemon-twin-settings.c  settings that the cloud desires
 * daemon-intervals.c what the method setInterval set
 * daemon-rules.c     the rules among the others
 * daemon-pnp.c       Plug and Play among the others
 * daemon-commands.c  commands that start a unit of systemd
 * daemon-metrics.c   what it knows, as metrics
 * daemon-mount.c     the mount of the queue's folder
 * daemon-vitals.c    whether the parts get on
 * daemon-settings.c  settings and credential into the parts, at birth and at a reload
 */

#include "base/pulse.h"
#include "bus/bus.h"
#include "daemon/daemon.h"
#include "daemon/house-clock.h"
#include "daemon/metrics.h"
#include "daemon/settings-cloud.h"
#include "daemon/settings-intervals.h"
#include "daemon/stale-mount.h"
#include "daemon/vitals.h"
#include "flow/builtin-methods.h"
#include "flow/collector.h"
#include "flow/command-units.h"
#include "flow/dead-letters.h"
#include "flow/inbox.h"
#include "flow/methods.h"
#include "flow/monitor.h"
#include "flow/orders.h"
#include "flow/pnp.h"
#include "flow/positions.h"
#include "flow/rules.h"
#include "flow/state-file.h"
#include "flow/twin.h"
#include "flow/uplink.h"
#include "hub/hub.h"
#include "model/credential-id.h"
#include "queue/queue.h"
#include "sensor/sensors.h"

typedef struct DaemonCommand DaemonCommand;

struct Daemon {
        sd_event *event;
        Arguments arguments;
        Settings *settings;
        char *queue_directory; /* as at opening: a change needs a restart */
        uint64_t queue_segment;
        bool stopped;
        bool has_credential;
        char *device_id; /* NULL: it is not known yet */
        HouseClock house;
        Overlay overlay;    /* what lies over the settings files */
        char *misfit_told;  /* the first of them that does not fit the files any more; NULL: they all do */
        char *desired_told; /* why others were refused, and what that means; NULL: they are not */
        usec_t boot_wall_usec; /* when the machine was started; 0: not known yet */
        char *state_problem;   /* what of the state folder cannot be read; NULL: nothing */

        /* in the order of building */
        Pulse *pulse;
        Disk *disk;
        sd_event_source *disk_source;
        Queue *queue;
        DeadLetters *dead_letters;
        Collector *collector;
        char *assignment_path;
        StateFile *assignment;
        StateFile *connected; /* NULL: the credential has no id */
        char credential_id[CREDENTIAL_ID_LENGTH + 1];
        bool connected_is_told; /* that it is that one */
        Hub *hub;
        Uplink *uplink;
        Orders orders;
        Inbox *inbox;
        StateFile *twin_file;
        Twin *twin;
        Audit *audit;
        Methods *methods;
        BuiltinMethods *builtin_methods;
        Pnp *pnp;
        Document *kept; /* beside the twin's halves, until all who keep something there have read it */
        DaemonCommand *commands; /* methods of Plug and Play */
        CommandUnits *command_units;
        StateFile *positions_file;
        Positions *positions;
        StateFile *alarms_file;
        AlarmBook *alarm_book;
        Rules *rules;
        Sensors *sensors;
        Monitor *monitor;
        Bus *bus;
        Vitals vitals;
        StaleMount mount;
        Metrics *metrics;

        void (*changed)(void *userdata);
        void *changed_userdata;
};

/* daemon-sinks.c */

/* Given to the parts at birth: what they tell, and where it goes. */
QueueSink daemon_queue_sink(Daemon *d);
DeadLettersSink daemon_dead_letters_sink(Daemon *d);
HubSink daemon_hub_sink(Daemon *d);
ReadingSink daemon_collector_sink(Daemon *d);
Control daemon_control(Daemon *d);
void daemon_status_changed(void *userdata);
/* Two that connect as one device throw each other off: whoever has the queue connects. */
void daemon_hold_link(Daemon *d);

/* daemon-dps.c */

int daemon_open_assignment(Daemon *d);
HubMemory daemon_hub_memory(Daemon *d);
/* There is a link: whose it is may be news. */
void daemon_know_device(Daemon *d);

/* daemon-connected.c */

int daemon_open_connected(Daemon *d);
void daemon_note_connected(Daemon *d); /* there is a link */

/* daemon-orders.c */

/* What the inbox tells local services. */
InboxSink daemon_inbox_sink(Daemon *d);
/* What the methods ask of the bus, and those of our own of the other parts. */
ResponderPort daemon_responder_port(Daemon *d);
BuiltinPeers daemon_builtin_peers(Daemon *d);

/* daemon-positions.c */

int daemon_build_positions(Daemon *d);
int daemon_expect_sources(Daemon *d, const Settings *settings); /* before its sensors begin */
void daemon_end_positions(Daemon *d); /* what is on its way to the disk arrives */

/* daemon-twin.c */

int daemon_build_twin(Daemon *d);
/* daemon-state.c: a file of the state folder, as state_file_load(); loss: what is not known without it. Another error
 * than -ENOMEM is told and dealt with, and is none. */
int daemon_load_state(Daemon *d, StateFile *file, const char *path, size_t most, const char *loss, Buffer *text);
/* The same once it was read, which gave this error. */
int daemon_take_unread(Daemon *d, StateFile *file, const char *path, int error, const char *loss);
int daemon_set_state_aside(Daemon *d, const char *path, const char *why, const char *loss);
void daemon_end_twin(Daemon *d); /* what is on its way to the disk arrives */

/* daemon-overlay.c */

/* What an earlier run stored, over the settings at birth. */
int daemon_load_overlay(Daemon *d);
/* What is in effect, over settings that were read anew. */
int daemon_lay_over(Daemon *d, Settings **settings);
/* As TwinPort.keep(). */
int daemon_keep_overlay(void *userdata, Document *state);
/* Other texts over the files: in effect, and on their way to the disk. SETTINGS_E_BAD with the problems: nothing is. */
int daemon_change_overlay(Daemon *d, const char *desired, const char *intervals, Problems *problems);

/* Other intervals that methods set, over what is desired as far as that counts; else as above. */
int daemon_change_intervals(Daemon *d, const char *intervals, Problems *problems);
/* Does what is desired, and fitted once, still fit the files? */
bool daemon_desired_counts(const Daemon *d);

/* daemon-twin-settings.c */

/* As TwinPort.apply(). */
int daemon_apply_desired(void *userdata, const Document *settings, Document **ret_answers);
/* False: that was told already. others_stay: what the cloud desired before is in effect. */
bool daemon_note_refusal(Daemon *d, const char *problem, bool others_stay);

/* daemon-intervals.c */

/* As BuiltinPeers.set_interval(). */
int daemon_set_interval(void *userdata, const char *sensor, usec_t usec, usec_t *ret, Buffer *why);

/* daemon-pnp.c */

int daemon_build_pnp(Daemon *d); /* after twin and methods */
void daemon_free_pnp(Daemon *d);
int daemon_configure_pnp(Daemon *d, const Settings *settings);

/* daemon-commands.c */

int daemon_build_commands(Daemon *d); /* after inbox and methods */
int daemon_configure_commands(Daemon *d, const Settings *settings);
UnitSink daemon_unit_sink(Daemon *d);

/* daemon-metrics.c */

int daemon_build_metrics(Daemon *d); /* after all that it tells of */

/* daemon-mount.c */

void daemon_build_mount(Daemon *d); /* after the queue */
void daemon_mount_queue_changed(Daemon *d);
Ticker daemon_mount_ticker(Daemon *d);

/* daemon-rules.c */

int daemon_build_rules(Daemon *d); /* after the collector */
int daemon_configure_rules(Daemon *d, const Settings *settings);
void daemon_alarms_queue_changed(Daemon *d);
void daemon_end_alarms(Daemon *d); /* what is on its way to the disk arrives */
void daemon_free_rules(Daemon *d);
ReadingSink daemon_reading_sink(Daemon *d); /* the sensors' */
int daemon_configure_sensors(Daemon *d, const Settings *settings);

/* daemon-settings.c */

/* What the process itself takes from the settings: the log and the clock. */
void daemon_configure_process(Daemon *d, const Settings *settings);
/* Takes them over, the settings too. */
int daemon_change_settings(Daemon *d, Settings *settings);
int daemon_configure_flow(Daemon *d, const Settings *settings, const char *device_id);
/* What the environment says takes the place of settings, and that is told. */
int daemon_take_trial(Settings *settings);
/* Without one nothing can be sent, but everything else goes on: *ret stays NULL, and the reason is told. */
int daemon_first_credential(const Settings *settings, ConnectionString **ret, char **ret_why_not);
/* What an assignment is to tell stays as it is known. */
int daemon_device_id(const Daemon *d, const ConnectionString *credential, char **ret);
