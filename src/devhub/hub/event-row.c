/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/event-row.h"

EventRow event_row_of(sqlite3_stmt *s)
{
        return (EventRow){
                .sequence = (uint64_t)sqlite3_column_int64(s, 0),
                .enqueued_usec = (usec_t)sqlite3_column_int64(s, 1),
                .bag = sqlite3_column_blob(s, 2),
                .bag_size = (size_t)sqlite3_column_bytes(s, 2),
                .body = sqlite3_column_blob(s, 3),
                .body_size = (size_t)sqlite3_column_bytes(s, 3),
                .link = {
                        .device_id = (const char *)sqlite3_column_text(s, 4),
                        .module_id = (const char *)sqlite3_column_text(s, 5),
                        .generation_id = (const char *)sqlite3_column_text(s, 6),
                        .auth_method = (const char *)sqlite3_column_text(s, 7),
                        .model_id = (const char *)sqlite3_column_text(s, 8),
                },
        };
}
