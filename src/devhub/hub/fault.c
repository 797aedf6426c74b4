/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/fault.h"

#include <errno.h>
#include <string.h>

#define BOUNDS     (FAULT_FOR | FAULT_COUNT)
#define OF_DEVICES (BOUNDS | FAULT_DEVICE)

/* A state that is looked at, not struck with, has no count. */
static const struct {
        const char *name;
        unsigned traits;
} kinds[_FAULT_KIND_MAX] = {
        [FAULT_REFUSE_CONNECT] = {"refuse-connect", OF_DEVICES | FAULT_CODE},
        [FAULT_CUT] = {"cut", OF_DEVICES},
        [FAULT_DELAY_PUBACK] = {"delay-puback", OF_DEVICES | FAULT_DELAY},
        [FAULT_WITHHOLD_PUBACK] = {"withhold-puback", OF_DEVICES},
        [FAULT_SILENT] = {"silent", OF_DEVICES},
        [FAULT_POISON] = {"poison", OF_DEVICES | FAULT_MATCH},
        [FAULT_RESET] = {"reset", OF_DEVICES},
        [FAULT_TAKEOVER] = {"takeover", OF_DEVICES},
        [FAULT_TLS_STALL] = {"tls-stall", BOUNDS},
        [FAULT_CERT_WRONG_NAME] = {"cert-wrong-name", BOUNDS},
        [FAULT_CERT_EXPIRED] = {"cert-expired", BOUNDS},
        [FAULT_CERT_NEW_CA] = {"cert-new-ca", BOUNDS},
        [FAULT_CLOCK_OFFSET] = {"clock-offset", FAULT_FOR | FAULT_OFFSET},
        [FAULT_TOKEN_CUT] = {"token-cut", FAULT_FOR | FAULT_DEVICE},
        [FAULT_THROTTLE] = {"throttle", OF_DEVICES | FAULT_DELAY},
        [FAULT_QUOTA] = {"quota", OF_DEVICES},
        [FAULT_DUPLICATE] = {"duplicate", OF_DEVICES},
        [FAULT_METHOD_NO_ANSWER] = {"method-no-answer", OF_DEVICES},
        [FAULT_TWIN_CONFLICT] = {"twin-conflict", OF_DEVICES},
        [FAULT_DPS_BUSY] = {"dps-busy", OF_DEVICES | FAULT_DELAY | FAULT_REGISTRATION},
        [FAULT_DPS_REASSIGN] = {"dps-reassign", OF_DEVICES | FAULT_HUB | FAULT_REGISTRATION},
};

const char *fault_kind_to_string(FaultKind kind)
{
        return kinds[kind].name;
}

FaultKind fault_kind_from_string(const char *name)
{
        for (int i = 0; i < _FAULT_KIND_MAX; i++)
                if (strcmp(kinds[i].name, name) == 0)
                        return (FaultKind)i;
        return _FAULT_KIND_INVALID;
}

unsigned fault_kind_traits(FaultKind kind)
{
        return kinds[kind].traits;
}

static bool same_device(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static void remove_rule(Faults *faults, size_t i)
{
        free(faults->rules[i].device_id);
        free(faults->rules[i].match);
        free(faults->rules[i].hub);
        faults->rules[i] = faults->rules[--faults->n_rules];
}

int faults_set(Faults *faults, const Fault *fault)
{
        _cleanup_free_ char *device_id = fault->device_id ? strdup(fault->device_id) : NULL;
        _cleanup_free_ char *match = fault->match ? strdup(fault->match) : NULL;
        _cleanup_free_ char *hub = fault->hub ? strdup(fault->hub) : NULL;
        Fault *more;

        if ((fault->device_id && !device_id) || (fault->match && !match) || (fault->hub && !hub))
                return -ENOMEM;
        more = reallocarray(faults->rules, faults->n_rules + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        faults->rules = more;
        for (size_t i = 0; i < faults->n_rules; i++)
                if (more[i].kind == fault->kind && same_device(more[i].device_id, device_id)) {
                        remove_rule(faults, i);
                        break;
                }
        more[faults->n_rules] = *fault;
        more[faults->n_rules].device_id = TAKE_PTR(device_id);
        more[faults->n_rules].match = TAKE_PTR(match);
        more[faults->n_rules++].hub = TAKE_PTR(hub);
        return 0;
}

void faults_clear(Faults *faults, FaultKind kind)
{
        for (size_t i = faults->n_rules; i-- > 0;)
                if (kind == _FAULT_KIND_MAX || faults->rules[i].kind == kind)
                        remove_rule(faults, i);
}

void faults_done(Faults *faults)
{
        faults_clear(faults, _FAULT_KIND_MAX);
        free(faults->rules);
        *faults = (Faults){};
}

static bool is_over(const Fault *fault, usec_t now)
{
        return fault->strikes_left == 0 || fault->until_usec <= now;
}

void faults_expire(Faults *faults, usec_t now)
{
        for (size_t i = faults->n_rules; i-- > 0;)
                if (is_over(&faults->rules[i], now))
                        remove_rule(faults, i);
}

static Fault *find(Faults *faults, FaultKind kind, const char *device_id, usec_t now)
{
        for (size_t i = 0; i < faults->n_rules; i++) {
                Fault *f = &faults->rules[i];

                if (f->kind == kind && same_device(f->device_id, device_id) && !is_over(f, now))
                        return f;
        }
        return NULL;
}

static Fault *find_for(Faults *faults, FaultKind kind, const char *device_id, usec_t now)
{
        Fault *f = find(faults, kind, device_id, now);

        return f ? f : find(faults, kind, NULL, now);
}

static const Fault *strike(Fault *f)
{
        f->n_strikes++;
        if (f->strikes_left != UINT64_MAX)
                f->strikes_left--;
        return f;
}

const Fault *faults_strike(Faults *faults, FaultKind kind, const char *device_id, usec_t now)
{
        Fault *f = find_for(faults, kind, device_id, now);

        return f ? strike(f) : NULL;
}

const Fault *faults_look(Faults *faults, FaultKind kind, const char *device_id, usec_t now)
{
        return find_for(faults, kind, device_id, now);
}

usec_t faults_deadline(const Faults *faults)
{
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < faults->n_rules; i++)
                next = MIN(next, faults->rules[i].until_usec);
        return next;
}

bool faults_poison(Faults *faults, const char *device_id, const void *body, size_t size, usec_t now)
{
        Fault *f = find_for(faults, FAULT_POISON, device_id, now);

        if (!f || (f->match && (size == 0 || !memmem(body, size, f->match, strlen(f->match)))))
                return false;
        (void)strike(f);
        return true;
}
