/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/https.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "azure/token.h"
#include "base/backoff.h"
#include "base/secret.h"
#include "explorer/file.h"
#include "explorer/output.h"

#define BODY_MAX       ((size_t)64 << 20) /* a page of 1,000 twins of the largest size */
#define HEADERS_MAX    ((size_t)64 << 10)
#define CA_MAX         ((size_t)8 << 20)
#define CONNECT_USEC   (15 * USEC_PER_SEC)
#define TOKEN_LIFE_SEC 600

struct Https {
        CURL *curl;
};

/* One question, over all its tries. */
typedef struct Asking {
        const Explorer *explorer;
        const HttpsRequest *request;
        CURL *curl;
        struct curl_slist *headers, *detour;
        Buffer trusted; /* PEM */
        HttpsReply *reply;
        size_t headers_size;
        bool too_large;
        char error[CURL_ERROR_SIZE];
        usec_t began_usec, deadline_usec;
} Asking;

Https *https_new(void)
{
        Https *h = calloc(1, sizeof(*h));

        if (h && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
                h->curl = curl_easy_init();
        return h && h->curl ? h : https_free(h);
}

Https *https_free(Https *h)
{
        if (h)
                curl_easy_cleanup(h->curl);
        free(h);
        return NULL;
}

/* ---- what comes ---- */

static size_t take_body(char *data, size_t one, size_t size, void *userdata)
{
        Asking *a = userdata;

        if (size > BODY_MAX - MIN(a->reply->body.size, BODY_MAX)) {
                a->too_large = true;
                return 0;
        }
        buffer_append(&a->reply->body, data, size);
        return buffer_error(&a->reply->body) ? 0 : size;
}

static size_t take_header(char *line, size_t one, size_t size, void *userdata)
{
        Asking *a = userdata;

        a->headers_size += size;
        a->too_large |= a->headers_size > HEADERS_MAX;
        if (a->too_large)
                return 0;
        https_reply_header(a->reply, line, size, time(NULL));
        return size;
}

/* ---- what goes ---- */

static bool add_line(struct curl_slist **list, const char *line)
{
        struct curl_slist *more = curl_slist_append(*list, line);

        if (more)
                *list = more;
        return more;
}

static bool add_header(Asking *a, const char *fmt, ...) _printf_(2, 3);
static bool add_header(Asking *a, const char *fmt, ...)
{
        char *line;
        va_list ap;
        bool ok;
        int r;

        va_start(ap, fmt);
        r = vasprintf(&line, fmt, ap);
        va_end(ap);
        if (r < 0)
                return false;
        ok = add_line(&a->headers, line);
        secret_free(line);
        return ok;
}

static bool add_authorization(Asking *a)
{
        const Login *l = &a->explorer->login;
        _cleanup_(secret_buffer_done) Buffer token = BUFFER_NULL;

        return token_make(&token, l->key, l->host, l->policy, (uint64_t)time(NULL) + TOKEN_LIFE_SEC) == 0 &&
               add_header(a, "Authorization: %s", token.data);
}

static bool add_request_id(Asking *a)
{
        uint8_t r[16];

        if (getrandom(r, sizeof(r), 0) != sizeof(r))
                return false;
        return add_header(a, "Request-Id: %02x%02x%02x%02x-%02x%02x-4%01x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0],
                          r[1], r[2], r[3], r[4], r[5], r[6] & 0xfu, r[7], (r[8] & 0x3fu) | 0x80u, r[9], r[10], r[11],
                          r[12], r[13], r[14], r[15]);
}

/* An etag goes with quotes on the wire and without them in JSON (trap 35): one that has them keeps them. */
static bool add_if_match(Asking *a)
{
        const char *etag = a->request->etag;

        if (!etag)
                return true;
        return etag[0] == '"' ? add_header(a, "If-Match: %s", etag) : add_header(a, "If-Match: \"%s\"", etag);
}

/* Of one try: the token and the id are new each time. */
static bool add_headers(Asking *a)
{
        const HttpsRequest *q = a->request;

        for (struct curl_slist *l = a->headers; l; l = l->next)
                explicit_bzero(l->data, strlen(l->data));
        curl_slist_free_all(TAKE_PTR(a->headers));
        return add_authorization(a) && add_request_id(a) && add_if_match(a) &&
               add_header(a, "Accept: application/json") && add_header(a, "Expect:") &&
               add_header(a, q->body ? "Content-Type: application/json; charset=utf-8" : "Content-Type:") &&
               (!q->continuation || add_header(a, "x-ms-continuation: %s", q->continuation)) &&
               (q->page == 0 || add_header(a, "x-ms-max-item-count: %" PRIu32, q->page));
}

/* ---- whom we trust ---- */

static int append_file(Buffer *b, const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : file_read(b, fd, CA_MAX);
}

/* libcurl takes one set of authorities: the system's and ours in one piece. */
static int add_trust(Asking *a, Buffer *words)
{
        const char *ca_file = a->explorer->login.ca_file;
        struct curl_blob blob;
        char *systems = NULL;
        size_t before;
        int r;

        if (!ca_file)
                return 0;
        if (curl_easy_getinfo(a->curl, CURLINFO_CAINFO, &systems) == CURLE_OK && systems)
                (void)append_file(&a->trusted, systems);
        buffer_append_char(&a->trusted, '\n');
        before = a->trusted.size;
        r = append_file(&a->trusted, ca_file);
        if (r < 0) {
                buffer_printf(words, "the authority's file %s cannot be read: %s", ca_file,
                              r == -EBADMSG ? "it is no PEM text" : strerror(-r));
                return r == -EBADMSG ? EXPLORER_USAGE : EXPLORER_FAILED;
        }
        if (!memmem(a->trusted.data + before, a->trusted.size - before, "-----BEGIN CERTIFICATE-----", 27)) {
                buffer_printf(words, "%s holds no certificate: --ca takes a file in PEM form", ca_file);
                return EXPLORER_USAGE;
        }
        blob = (struct curl_blob){a->trusted.data, a->trusted.size, CURL_BLOB_NOCOPY};
        return curl_easy_setopt(a->curl, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK ? 0 : -ENOMEM;
}

/* ---- setting up ---- */

/* The name stays in TLS and in the Host header; only the TCP connection goes elsewhere, past any proxy. */
static bool set_address(Asking *a)
{
        const Login *l = &a->explorer->login;
        bool numeric6 = l->address && strchr(l->address, ':');
        char line[512];

        if (!l->address)
                return true;
        (void)snprintf(line, sizeof(line), "%s:%d:%s%s%s:%u", l->host, LOGIN_HTTPS_PORT, numeric6 ? "[" : "",
                       l->address, numeric6 ? "]" : "", l->https_port);
        return add_line(&a->detour, line) &&
               curl_easy_setopt(a->curl, CURLOPT_CONNECT_TO, a->detour) == CURLE_OK &&
               curl_easy_setopt(a->curl, CURLOPT_NOPROXY, "*") == CURLE_OK;
}

static bool set_url(Asking *a)
{
        _cleanup_free_ char *url = NULL;

        if (asprintf(&url, "https://%s%s", a->explorer->login.host, a->request->path) < 0) {
                url = NULL;
                return false;
        }
        return curl_easy_setopt(a->curl, CURLOPT_URL, url) == CURLE_OK;
}

static bool set_body(Asking *a)
{
        const HttpsRequest *q = a->request;
        const char *body = q->body ?: strcmp(q->method, "POST") == 0 ? "" : NULL;

        if (!body)
                return true;
        return curl_easy_setopt(a->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body)) == CURLE_OK &&
               curl_easy_setopt(a->curl, CURLOPT_POSTFIELDS, body) == CURLE_OK;
}

static bool set_up(Asking *a)
{
        CURL *c = a->curl;

        return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK && /* ".." may be the name of a device */
               curl_easy_setopt(c, CURLOPT_USERAGENT, "hublink-explorer/" HUBLINK_VERSION) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->error) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_WRITEDATA, a) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_HEADERDATA, a) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, a->request->method) == CURLE_OK &&
               set_url(a) && set_address(a) && set_body(a);
}

/* ---- what went wrong ---- */

static void put_where(const Asking *a, Buffer *words)
{
        const Login *l = &a->explorer->login;

        buffer_append_string(words, l->host);
        if (l->address)
                buffer_printf(words, " (%s port %u)", l->address, l->https_port);
}

static const char *advice(const Asking *a)
{
        return a->explorer->login.address ? "does the devhub still run?" : "is port 443 open on the way there?";
}

/* An untrusted chain, another name, or a wrong date: libcurl tells the last two in its words only. */
static void put_tls(const Asking *a, const char *why, Buffer *words)
{
        time_t now = time(NULL);
        char today[32] = "?";
        struct tm t;

        put_where(a, words);
        buffer_printf(words, " cannot prove that it is the hub: %s. ", why);
        if (strstr(why, "expired") || strstr(why, "not yet valid")) {
                if (gmtime_r(&now, &t))
                        (void)strftime(today, sizeof(today), "%F %T UTC", &t);
                buffer_printf(words, "Is this machine's clock right? It says %s", today);
        } else if (strstr(why, "subject name")) {
                buffer_append_string(words, "The login's HostName must be the name that the hub's certificate is for");
        } else if (a->explorer->login.ca_file) {
                buffer_printf(words, "%s is trusted beside the system's authorities, and did not sign it",
                              a->explorer->login.ca_file);
        } else {
                buffer_append_string(words, "If it is a hub of your own, name its authority with --ca FILE");
        }
}

/* Nobody is there, or somebody who does not answer: a firewall drops without a word. */
static void put_time_out(const Asking *a, Buffer *words)
{
        usec_t spent = usec_sub(clock_boot(&clock_system), a->began_usec);
        curl_off_t connected = 0;

        (void)curl_easy_getinfo(a->curl, CURLINFO_CONNECT_TIME_T, &connected);
        put_where(a, words);
        if (connected == 0)
                buffer_printf(words, " cannot be reached within %" PRIu64 " s: %s", spent / USEC_PER_SEC, advice(a));
        else
                buffer_printf(words, " did not answer within %" PRIu64 " s; see --timeout", spent / USEC_PER_SEC);
}

static void put_failure(const Asking *a, CURLcode code, Buffer *words)
{
        const char *why = *a->error ? a->error : curl_easy_strerror(code);

        switch (code) {
        case CURLE_OPERATION_TIMEDOUT:
                put_time_out(a, words);
                break;
        case CURLE_COULDNT_RESOLVE_HOST:
                buffer_printf(words, "the name %s is not known: is it spelt rightly, and is there a network?",
                              a->explorer->login.host);
                break;
        case CURLE_COULDNT_RESOLVE_PROXY:
                buffer_append_string(words, "the name of the proxy (https_proxy in the environment) is not known");
                break;
        case CURLE_COULDNT_CONNECT:
                put_where(a, words);
                buffer_printf(words, " cannot be reached: %s: %s", why, advice(a));
                break;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
                put_tls(a, why, words);
                break;
        default:
                put_where(a, words);
                buffer_printf(words, " did not answer as a hub does: %s", why);
        }
}

static int tell_failure(const Asking *a, CURLcode code, Buffer *words)
{
        if (code == CURLE_OUT_OF_MEMORY || buffer_error(&a->reply->body)) {
                buffer_append_string(words, "no memory is left");
        } else if (a->too_large) {
                put_where(a, words);
                buffer_append_string(words, " sends more than a hub's answer can be: is it a hub?");
        } else {
                put_failure(a, code, words);
        }
        return code == CURLE_OPERATION_TIMEDOUT ? EXPLORER_TIMEOUT : EXPLORER_FAILED;
}

/* ---- tries ---- */

static int try_once(Asking *a, Buffer *words)
{
        usec_t now = clock_boot(&clock_system), left = usec_sub(a->deadline_usec, now) / USEC_PER_MSEC + 1;
        CURLcode code;

        https_reply_done(a->reply);
        a->headers_size = 0;
        a->error[0] = 0;
        if (!add_headers(a) ||
            curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, a->headers) != CURLE_OK ||
            curl_easy_setopt(a->curl, CURLOPT_TIMEOUT_MS, (long)MIN(left, (usec_t)INT32_MAX)) != CURLE_OK ||
            curl_easy_setopt(a->curl, CURLOPT_CONNECTTIMEOUT_MS,
                             (long)MIN(left, CONNECT_USEC / USEC_PER_MSEC)) != CURLE_OK)
                return tell_failure(a, CURLE_OUT_OF_MEMORY, words);
        code = curl_easy_perform(a->curl);
        if (code == CURLE_OK) {
                long status = 0;

                (void)curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
                a->reply->status = (unsigned)status;
                return 0;
        }
        return tell_failure(a, code, words);
}

/* 429 and 503 are said before anything was done; after another 5xx only what reads may be asked again. */
static bool may_repeat(const Asking *a)
{
        unsigned status = a->reply->status;

        return status == 429 || status == 503 || (a->request->reads && status >= 500 && status != 501 && status <= 599);
}

static bool wait_for_another(const Asking *a, Backoff *backoff)
{
        usec_t now = clock_boot(&clock_system), pause = backoff_next(backoff, &random_system);
        struct timespec t;

        pause = MAX(pause, a->reply->retry_after_usec);
        if (usec_add(now, pause) >= a->deadline_usec)
                return false;
        remark(a->explorer, "the hub answers %u: trying again in %.1f s", a->reply->status,
               (double)pause / (double)USEC_PER_SEC);
        t = (struct timespec){(time_t)(pause / USEC_PER_SEC), (long)(pause % USEC_PER_SEC * 1000)};
        while (nanosleep(&t, &t) < 0 && errno == EINTR)
                ;
        return true;
}

static int ask(Asking *a, Buffer *words)
{
        Backoff backoff = {.first_usec = USEC_PER_SEC, .max_usec = 20 * USEC_PER_SEC, .floor_usec = USEC_PER_SEC / 4};
        int r = 0;

        if (!set_up(a))
                r = -ENOMEM;
        if (r == 0)
                r = add_trust(a, words);
        if (r < 0)
                return tell_failure(a, CURLE_OUT_OF_MEMORY, words);
        if (r > 0)
                return r;
        do
                r = try_once(a, words);
        while (r == 0 && may_repeat(a) && wait_for_another(a, &backoff));
        return r;
}

int https_ask(const Explorer *e, const HttpsRequest *request, HttpsReply *ret, Buffer *ret_words)
{
        usec_t now = clock_boot(&clock_system), budget = usec_add(e->timeout_usec, request->patience_usec);
        Asking a = {
                .explorer = e,
                .request = request,
                .curl = e->https->curl,
                .reply = ret,
                .began_usec = now,
                .deadline_usec = usec_add(now, budget),
        };
        int r;

        *ret = (HttpsReply){};
        curl_easy_reset(a.curl); /* its connection stays */
        r = ask(&a, ret_words);
        curl_easy_reset(a.curl); /* what it was told of is about to go */
        for (struct curl_slist *l = a.headers; l; l = l->next)
                explicit_bzero(l->data, strlen(l->data));
        curl_slist_free_all(a.headers);
        curl_slist_free_all(a.detour);
        buffer_done(&a.trusted);
        if (r != 0)
                https_reply_done(ret);
        return r;
}
