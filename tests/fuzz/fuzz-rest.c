/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a service, or a device, asks over HTTPS: any method, path, headers and body, through the router to the
 * handlers of every noun. The hub has two devices, a module and mail for one of them; whatever brings no token of
 * its own gets a good one, so that all rights are there. Nothing is ever committed: each input meets the same hub.
 *
 * An input is several requests with a byte FF between them, since much can be asked only of what was made before:
 *
 *     PUT /devices/d9?api-version=2021-04-12
 *     If-Match: "01"
 *
 *     {"deviceId":"d9"}
 *
 * A byte 01 stands for the ETag that was last replied. Every request is replied to, and nothing that a caller says is
 * a failure of the hub's own.
 */

#include <errno.h>
#include <string.h>

#include "azure/token.h"
#include "base/log.h"
#include "devhub/dps/poll-meter.h"
#include "devhub/dps/service.h"
#include "devhub/http/call-core.h"
#include "devhub/http/routes.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/presence.h"
#include "devhub/hub/twin.h"
#include "fake-clock.h"
#include "fuzz.h"
#include "hub-store.h"
#include "model/json-read.h"

#define HOST         "devhub.localdomain"
#define ID_SCOPE     "0ne00FUZZED"
#define YEAR_2100    4102444800u
#define REQUESTS_MAX 8
#define BETWEEN      0xff
#define LAST_ETAG    0x01

typedef struct World {
        HubStore base;
        FakeClock time;
        Feedback *feedback;
        Mailbox *mailbox;
        Methods *methods;
        PollMeter *polls;
        Faults faults;
        Hub hub;
        HttpRouter *router;
        Buffer owner, provisioner; /* tokens */
        char rid[32];              /* of the method that a device was last asked for */
        char etag[128];
} World;

static World world;

/* ---- the hub ---- */

static int keep_open(void *userdata)
{
        return 0;
}

static bool are_connected(void *userdata, const char *device_id, const char *module_id)
{
        return strcmp(device_id, "d1") == 0;
}

static void forget(void *userdata, const char *device_id, const char *module_id)
{
        methods_forget(world.methods, device_id, module_id);
}

static usec_t last_activity(void *userdata, const char *device_id, const char *module_id)
{
        return are_connected(NULL, device_id, module_id) ? world.time.wall_usec : 0;
}

static unsigned n_connected(void *userdata)
{
        return 1;
}

static void desired_changed(void *userdata, const char *device_id, const char *module_id, uint64_t version,
                            json_object *patch)
{
        promise(*device_id && version > 0 && patch);
}

static int send_method(void *userdata, const char *device_id, const char *module_id, const char *name,
                       const char *rid, const char *payload, size_t size)
{
        promise(method_name_is_valid(name) && size <= METHOD_PAYLOAD_MAX);
        if (!are_connected(NULL, device_id, module_id))
                return -ENOTCONN;
        (void)snprintf(world.rid, sizeof(world.rid), "%s", rid);
        return 0;
}

static void fill_store(World *w)
{
        static int (*const tables[])(Store *store) = {
                presence_prepare, authority_prepare, feedback_prepare, mailbox_prepare, twin_prepare,
                dps_service_prepare,
        };
        CloudMessage mail = {.message_id = (char *)"m", .ack = ACK_FULL, .body = (char *)"x", .body_size = 1};
        Store *store = &w->base.store;

        for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
                promise(tables[i](store) >= 0);
        /* known, for the tokens of devices in the corpus */
        promise(store_set(store, "id_scope", ID_SCOPE) >= 0);
        promise(feedback_new(&w->feedback, store, w->hub.clock) >= 0);
        promise(mailbox_new(&w->mailbox, store, w->hub.clock, w->feedback) >= 0);
        promise(mailbox_put(w->mailbox, "d1", NULL, &mail) == 0);
        promise(store_commit(store) >= 0);
}

static void make_token(Buffer *b, const char *policy)
{
        _cleanup_(policy_done) Policy keys = {};

        promise(policy_find(&world.base.store, policy, &keys) == 0);
        promise(token_make(b, keys.primary_key, HOST, policy, YEAR_2100) == 0);
}

static void create(World *w)
{
        MethodsSink sink = {send_method, NULL};

        log_configure(&(LogSettings){.level = LOG_ERR}); /* who is refused is of no interest */
        hub_store_open(&w->base);
        hub_store_create(&w->base, "d2", NULL);
        hub_store_create(&w->base, "d1", "m1");
        fake_clock_init(&w->time);
        w->hub = (Hub){
                .store = &w->base.store,
                .clock = &w->time.clock,
                .host = HOST,
                .faults = &w->faults,
                .devices = {are_connected, forget, last_activity, n_connected, NULL},
                .twins = {desired_changed, NULL},
                .commit = keep_open,
        };
        fill_store(w);
        w->hub.feedback = w->feedback;
        w->hub.mailbox = w->mailbox;
        promise(methods_new(&w->methods, &sink, 1) == 0);
        w->hub.methods = w->methods;
        make_token(&w->owner, "iothubowner");
        make_token(&w->provisioner, "provisioningserviceowner");
        promise(http_router_new(&w->router, &w->hub) == 0 && http_routes_add(w->router, &w->hub) == 0);
}

static void destroy(void)
{
        http_router_free(world.router);
        methods_free(world.methods);
        mailbox_free(world.mailbox);
        feedback_free(world.feedback);
        buffer_done(&world.owner);
        buffer_done(&world.provisioner);
        hub_store_close(&world.base);
}

static World *the_world(void)
{
        if (!world.router) {
                create(&world);
                (void)atexit(destroy);
        }
        return &world;
}

/* ---- a request ---- */

/* Up to the line's end, without it; NULL: there is no more. */
static char *next_line(const char **text, const char *end)
{
        const char *line = *text, *feed;

        if (line >= end)
                return NULL;
        feed = memchr(line, '\n', (size_t)(end - line));
        *text = feed ? feed + 1 : end;
        return strndup(line, (size_t)((feed ? feed : end) - line));
}

static void add_header(HttpCall *call, char *line)
{
        char *colon = strchr(line, ':');

        if (!colon)
                return;
        *colon++ = 0;
        promise(http_pairs_add(&call->headers, line, colon + strspn(colon, " ")) == 0);
}

/* For the hub, or for the provisioning service, which has its own rights. */
static void add_token(const World *w, HttpCall *call)
{
        bool is_provisioning = strncasecmp(call->path, "/enrollment", 11) == 0 ||
                               strncasecmp(call->path, "/registrations", 14) == 0;

        if (!http_call_header(call, "Authorization"))
                promise(http_pairs_add(&call->headers, "Authorization",
                                       is_provisioning ? w->provisioner.data : w->owner.data) == 0);
}

/* False: it has no request line. */
static bool read_request(const World *w, const char *text, size_t size, HttpCall *ret)
{
        const char *end = text + size;
        _cleanup_free_ char *first = next_line(&text, end);
        char *blank = first ? strchr(first, ' ') : NULL, *line;

        if (!blank)
                return false;
        promise(http_call_init(ret, &w->hub, blank + 1) == 0);
        ret->method = strndup(first, (size_t)(blank - first));
        promise(ret->method);
        while ((line = next_line(&text, end))) {
                bool is_last = *line == 0;

                add_header(ret, line);
                free(line);
                if (is_last)
                        break;
        }
        add_token(w, ret);
        promise(http_call_take_body(ret, text, (size_t)(end - text)) == 0);
        return true;
}

/* The device gives back what it was asked, or the caller goes. */
static void end_waiting(World *w, HttpCall *call)
{
        const char *device_id = http_call_part(call, "d"), *module_id = http_call_part(call, "m"), *body;
        size_t size;
        usec_t left;

        promise(call->gone && device_id && methods_n_under_way(w->methods) == 1);
        body = http_call_body(call, &size);
        if (!methods_answer(w->methods, device_id, module_id, w->rid, strlen(w->rid), 200, body, size, 0, &left))
                http_call_cancel(call);
        promise(methods_n_under_way(w->methods) == 0);
}

static void check_reply(World *w, const HttpCall *call)
{
        const char *type = http_pairs_find(&call->reply_headers, "Content-Type");
        const char *etag = http_pairs_find(&call->reply_headers, "ETag"), *fault;
        json_object *json = NULL;

        promise(call->status >= 200 && call->status < 600 && call->status != 500);
        if (type && strncmp(type, "application/json", 16) == 0 && call->reply.size > 0) {
                promise(json_read(call->reply.data, call->reply.size, &json, &fault) == 0);
                json_object_put(json);
        }
        if (etag)
                (void)snprintf(w->etag, sizeof(w->etag), "%.*s", (int)strcspn(etag + (*etag == '"'), "\""),
                               etag + (*etag == '"'));
}

static void ask(World *w, const char *text, size_t size)
{
        HttpCall call = {};

        if (!read_request(w, text, size, &call))
                return;
        http_router_dispatch(w->router, &call);
        if (!call.replied)
                end_waiting(w, &call);
        if (call.replied)
                check_reply(w, &call);
        http_call_done(&call);
}

/* With the ETags in their places, in memory of its own size. */
static void ask_with_etag(World *w, const uint8_t *data, size_t size)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        for (size_t i = 0; i < size; i++) {
                if (data[i] == LAST_ETAG)
                        buffer_append_string(&text, w->etag);
                else
                        buffer_append_char(&text, (char)data[i]);
        }
        promise(buffer_error(&text) == 0);
        if (text.size > 0)
                ask(w, text.data, text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        World *w = the_world();

        promise(poll_meter_new(&w->polls) == 0);
        w->hub.polls = w->polls;
        w->etag[0] = 0;
        for (unsigned n = 0; size > 0 && n < REQUESTS_MAX; n++) {
                const uint8_t *end = memchr(data, BETWEEN, size);
                size_t n_bytes = end ? (size_t)(end - data) : size;

                ask_with_etag(w, data, n_bytes);
                data += n_bytes + (end != NULL);
                size -= n_bytes + (end != NULL);
        }
        w->polls = poll_meter_free(w->polls);
        store_rollback(w->hub.store);
        return 0;
}
