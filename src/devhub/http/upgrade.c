/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/upgrade.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/digest.h"
#include "devhub/http/call-core.h"

#define KEY_SIZE 24 /* base64 of 16 bytes */

/* Is the word one of those in a list with commas? */
static bool lists(const char *list, const char *word)
{
        size_t size = strlen(word);

        while (list && *list) {
                size_t n;

                list += strspn(list, ", \t");
                n = strcspn(list, ",");
                while (n > 0 && isspace((unsigned char)list[n - 1]))
                        n--;
                if (n == size && strncasecmp(list, word, n) == 0)
                        return true;
                list += strcspn(list, ",");
        }
        return false;
}

bool http_upgrade_is_wanted(const HttpCall *call)
{
        return strcmp(call->method, "GET") == 0 && lists(http_call_header(call, "Upgrade"), "websocket");
}

static int accept_key(const char *key, Buffer *b)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        uint8_t digest[DIGEST_SHA1_SIZE];
        int r;

        buffer_printf(&text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
        r = buffer_error(&text) < 0 ? buffer_error(&text) : digest_sha1(text.data, text.size, digest);
        if (r < 0)
                return r;
        base64_encode(b, digest, sizeof(digest));
        return buffer_error(b);
}

static bool is_same_path(const HttpCall *call, const char *path)
{
        size_t size = strlen(path);

        /* some clients write the dollar as %24 */
        if (path[0] == '/' && path[1] == '$' && strncmp(call->path, "/%24", 4) == 0)
                return strcmp(call->path + 4, path + 2) == 0;
        return strncmp(call->path, path, size) == 0 && call->path[size] == 0;
}

const HttpWebSocket *http_upgrade_find(HttpCall *call, const HttpWebSocket *sockets, size_t n_sockets)
{
        const char *protocols = http_call_header(call, "Sec-WebSocket-Protocol");
        const char *version = http_call_header(call, "Sec-WebSocket-Version");
        const char *key = http_call_header(call, "Sec-WebSocket-Key");
        _cleanup_(buffer_done) Buffer accepted = BUFFER_NULL;
        bool has_path = false;

        for (size_t i = 0; i < n_sockets; i++) {
                if (!is_same_path(call, sockets[i].path))
                        continue;
                has_path = true;
                if (!lists(protocols, sockets[i].protocol))
                        continue;
                if (!version || strcmp(version, "13") != 0) {
                        http_reply_header(call, "Sec-WebSocket-Version", "13");
                        http_reply_empty(call, 426);
                        return NULL;
                }
                if (!key || strlen(key) != KEY_SIZE) {
                        http_reply_error(call, SERVICE_ERROR_FORMAT, "Sec-WebSocket-Key is missing or malformed");
                        return NULL;
                }
                if (accept_key(key, &accepted) < 0) {
                        http_reply_failure(call, -12, "answer a WebSocket");
                        return NULL;
                }
                http_reply_header(call, "Upgrade", "websocket");
                http_reply_header(call, "Sec-WebSocket-Accept", "%s", accepted.data);
                http_reply_header(call, "Sec-WebSocket-Protocol", "%s", sockets[i].protocol);
                return &sockets[i];
        }
        if (has_path)
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "No sub-protocol that the hub knows is offered");
        else
                http_reply_empty(call, 404);
        return NULL;
}
