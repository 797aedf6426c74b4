/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Status - one plain snapshot of states and counters
 *
 * Filled by flow/monitor, read by the bus. Times are microseconds of wall clock, 0 for never. Texts are
 * borrowed from those who own them and stay valid until the next snapshot.
 */

#include "base/clock.h"
#include "model/ledger.h"
#include "model/link.h"
#include "model/reading.h"

typedef enum SensorState {
        SENSOR_OK,
        SENSOR_FAILING, /* the last read failed; read less and less often */
        SENSOR_STALE,
        SENSOR_STOPPED, /* not read yet */
        _SENSOR_STATE_MAX,
        _SENSOR_STATE_INVALID = -22,
} SensorState;

const char *sensor_state_to_string(SensorState state);

/* What was wrong at a failed read, as far as its driver can tell. */
typedef enum SensorFault {
        SENSOR_FAULT_OTHER,
        SENSOR_FAULT_TIMEOUT,     /* no end within the time limit, or a bus that is stuck */
        SENSOR_FAULT_NAK,         /* nobody acknowledges at the address */
        SENSOR_FAULT_CRC,         /* a checksum is wrong */
        SENSOR_FAULT_UNPLUGGED,   /* the bus's adapter is not there */
        SENSOR_FAULT_DRIVER_HELD, /* the address belongs to a driver of the kernel */
        _SENSOR_FAULT_MAX,
        _SENSOR_FAULT_INVALID = -22,
} SensorFault;

const char *sensor_fault_to_string(SensorFault fault); /* "timeout" "nak" "crc" "unplugged" "driver-held" "other" */

typedef struct SensorStatus {
        const char *name;
        const char *driver;
        SensorState state;
        const Channel *values; /* of the last good reading */
        size_t n_values;
        const char *const *units; /* beside values; NULL or "" where none */
        usec_t time_usec;         /* of the last good reading */
        uint64_t errors;          /* failed reads, refused lines and clients */
        uint64_t faults[_SENSOR_FAULT_MAX]; /* the same ones, by what was wrong */
        const char *last_error;   /* "" when there was none */
        usec_t interval_usec;     /* 0: driven by its source */
} SensorStatus;

/* How the queue's disk does. */
typedef enum DiskState {
        DISK_WELL,
        DISK_FULL,      /* no room for more: what is there is kept and used */
        DISK_STALLED,   /* a write does not end */
        DISK_READ_ONLY, /* the file system takes no writes */
        DISK_FAILED,
        DISK_IN_USE, /* another process has the queue */
        _DISK_STATE_MAX,
        _DISK_STATE_INVALID = -22,
} DiskState;

const char *disk_state_to_string(DiskState state); /* "well" "full" "stalled" "read-only" "failed" "in-use" */

typedef struct QueueStatus {
        bool unknown;     /* never opened yet: counts and ledgers are of what is in memory, and tell nothing */
        uint64_t records; /* waiting, those in flight included */
        uint64_t bytes;   /* on disk */
        double fill;      /* of the lane that is nearest to its first drop: 1 is there */
        usec_t oldest_age_usec;
        DiskState disk_state;
        bool disk_failed; /* nothing can be stored: readings are kept in memory, within bounds */
        const char *disk_error; /* in words, "" when well */
        const char *aside; /* a lane of a newer hublink, set aside with what waits in it; "" or NULL: there is none */
} QueueStatus;

/* What the queue asked of the disk since it was opened. */
typedef struct QueueStats {
        usec_t since_usec;                /* boot clock */
        uint64_t records, payload_bytes;  /* appended */
        uint64_t commits;
        uint64_t checkpoints_alone;       /* of the commits: without a record in them */
        uint64_t flushes;                 /* every fsync and fdatasync: commits, new and removed slots, openings */
        uint64_t bytes_written;           /* to its files: pages, new slots that were blanked */
        uint64_t slots_made;
        usec_t latency_usec;              /* of the last commit, from its beginning to its end */
        usec_t latency_p50_usec, latency_p99_usec; /* of the last 128 */
        usec_t latency_max_usec;          /* of all */
} QueueStats;

/* Of the store of dead letters. */
typedef struct DeadLetterStatus {
        uint64_t count;   /* there now */
        uint64_t bytes;   /* of their payloads */
        uint64_t dropped; /* for want of room, or damaged; over restarts */
        const char *aside; /* as the queue's */
} DeadLetterStatus;

/* Of the inbox. Counted since the daemon began, save for what waits. */
typedef struct InboxStatus {
        uint64_t received;         /* stored, since the daemon began; redelivered ones not among them */
        usec_t last_received_usec; /* wall clock; 0: none */
        unsigned waiting;          /* in the inbox now, taken ones included */
        uint64_t redelivered;      /* recognised, and not stored again */
        uint64_t completed, rejected, expired;
        uint64_t refused; /* too large to be stored */
        uint64_t untold;  /* reports of an end that the queue did not take */
        bool full;        /* the hub keeps what comes until there is room */
        const char *aside; /* as the queue's */
} InboxStatus;

/* Of the device twin. */
typedef struct TwinStatus {
        bool known; /* the twin has been read, in this run or an earlier one */
        uint64_t desired_version, reported_version;
        usec_t last_desired_usec;  /* wall clock, when a change was last taken over; 0: never */
        usec_t last_reported_usec; /* wall clock, when the hub last took a report; 0: never */
        uint64_t connections;      /* since the daemon began */
        size_t pending_bytes;      /* of what is to be reported */
        uint64_t reports;          /* that the hub took */
        uint64_t refused;          /* that it refused */
        const char *last_error;    /* "" when there was none */
        const char *problem;       /* what is wrong for as long as it is; "" or NULL: nothing */
} TwinStatus;

/* A channel beyond a limit of its rules. */
typedef struct RaisedAlarm {
        const char *sensor, *channel;
        const char *state; /* "above" or "below" */
        double limit;
        usec_t since_usec; /* wall clock; 0: before the daemon began */
} RaisedAlarm;

typedef struct Status {
        const char *version;
        LinkState link_state;
        LinkReason link_reason;
        const char *link_detail; /* the reason in words, with names and numbers; "" when all is well */
        usec_t link_since_usec;
        usec_t next_attempt_usec; /* 0: none is due */
        const char *hub;          /* host name, "" without a credential */
        const char *device_id;    /* with "/module" for a module */
        uint64_t malformed_orders; /* publishes of the hub that were none, since the daemon began */
        uint64_t orders;           /* of the audit, since the daemon began */
        uint64_t method_changes;   /* how often a name of a method came or went */
        bool busy;                /* something is on its way and not acknowledged: SendState */
        uint32_t in_flight;       /* messages */
        usec_t last_acknowledged_usec;
        QueueStatus queue;
        QueueStats queue_stats;
        usec_t queue_stats_age_usec; /* how long they were counted */
        DeadLetterStatus dead_letters;
        InboxStatus inbox;
        TwinStatus twin;
        Ledger ledger; /* sum over the streams */
        uint64_t refused[_REFUSAL_MAX];
        const SensorStatus *const *sensors;
        size_t n_sensors;
        const RaisedAlarm *alarms;
        size_t n_alarms;
        const char *settings_problem; /* why the last reload was refused; "" or NULL: it was not */
        const char *state_problem;    /* what of the state folder cannot be read; "" or NULL: nothing */
        const char *queue_problem;    /* what of the queue waits where nobody serves it; "" or NULL: nothing */
        const char *metrics_problem;  /* why metrics are not there for who collects them; "" or NULL: they are */
} Status;
