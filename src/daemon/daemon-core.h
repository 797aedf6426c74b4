/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the daemon, for the files that it is made of
 *
 * daemon.c           its life: the parts are built, joined and ended
 * daemon-sinks.c     who is told what, and what local services may ask for
 * daemon-dps.c       what the provisioning service said
 * daemon-orders.c    where the hub's orders go
 * daemon-twin.c      the twin among the others
 * daemon-twin-settings.c  settings that the cloud desires
 * daemon-settings.c  settings and credential into the parts, at birth and at a reload
 */

#include "base/pulse.h"
#include "bus/bus.h"
#include "daemon/daemon.h"
#include "daemon/house-clock.h"
#include "flow/builtin-methods.h"
#include "flow/collector.h"
#include "flow/dead-letters.h"
#include "flow/inbox.h"
#include "flow/methods.h"
#include "flow/monitor.h"
#include "flow/state-file.h"
#include "flow/twin.h"
#include "flow/uplink.h"
#include "hub/hub.h"
#include "queue/queue.h"
#include "sensor/sensors.h"

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
        char *desired;      /* settings that the cloud desired, as the text of a settings file; "" for none */
        char *desired_told; /* why others were refused; NULL: they are not */
        usec_t boot_wall_usec; /* when the machine was started; 0: not known yet */

        /* in the order of building */
        Pulse *pulse;
        Disk *disk;
        sd_event_source *disk_source;
        Queue *queue;
        DeadLetters *dead_letters;
        Collector *collector;
        char *assignment_path;
        StateFile *assignment;
        Hub *hub;
        Uplink *uplink;
        Inbox *inbox;
        StateFile *twin_file, *desired_file;
        Twin *twin;
        Audit *audit;
        Methods *methods;
        BuiltinMethods *builtin_methods;
        Sensors *sensors;
        Monitor *monitor;
        Bus *bus;

        void (*changed)(void *userdata);
        void *changed_userdata;
};

/* daemon-sinks.c */

/* Given to the parts at birth: what they tell, and where it goes. */
QueueSink daemon_queue_sink(Daemon *d);
DeadLettersSink daemon_dead_letters_sink(Daemon *d);
HubSink daemon_hub_sink(Daemon *d);
ReadingSink daemon_reading_sink(Daemon *d);
Control daemon_control(Daemon *d);
void daemon_status_changed(void *userdata);
/* Two that connect as one device throw each other off: whoever has the queue connects. */
void daemon_hold_link(Daemon *d);

/* daemon-dps.c */

int daemon_open_assignment(Daemon *d);
HubMemory daemon_hub_memory(Daemon *d);
/* There is a link: whose it is may be news. */
void daemon_know_device(Daemon *d);

/* daemon-orders.c */

OrderSink daemon_order_sink(Daemon *d);
/* What the inbox asks of the hub, and what it tells local services. */
InboxPort daemon_inbox_port(Daemon *d);
InboxSink daemon_inbox_sink(Daemon *d);
/* What the methods ask of the bus, and those of our own of the other parts. */
ResponderPort daemon_responder_port(Daemon *d);
BuiltinPeers daemon_builtin_peers(Daemon *d);

/* daemon-twin.c */

int daemon_build_twin(Daemon *d);
void daemon_end_twin(Daemon *d); /* what is on its way to the disk arrives */

/* daemon-twin-settings.c */

int daemon_build_desired(Daemon *d);
/* What an earlier run stored, over the settings at birth. */
int daemon_load_desired(Daemon *d);
/* What is in effect, over settings that were read anew. */
int daemon_lay_desired_over(const Daemon *d, Settings **settings);
/* As TwinPort.apply(). */
int daemon_apply_desired(void *userdata, const Document *settings, Document **ret_answers);

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
