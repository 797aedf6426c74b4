/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/stream.h"

void stream_settings_done(StreamSettings *s)
{
        free(s->body);
        free(s->message_id);
        free(s->correlation_id);
        for (size_t i = 0; i < s->n_properties; i++) {
                free(s->properties[i].name);
                free(s->properties[i].value);
        }
        free(s->properties);
        *s = (StreamSettings){};
}
