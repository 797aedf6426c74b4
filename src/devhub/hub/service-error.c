/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/service-error.h"

/* In the order of ServiceError; the HTTP status is the number's head. */
static const struct {
        unsigned number;
        const char *name;
        const char *condition;
} table[_SERVICE_ERROR_MAX] = {
        [SERVICE_ERROR_NONE] = {0, "", ""},

        [SERVICE_ERROR_INVALID_PROTOCOL_VERSION] = {400001, "InvalidProtocolVersion", "com.microsoft:argument-error"},
        [SERVICE_ERROR_INVALID_OPERATION] = {400003, "InvalidOperation", "amqp:not-allowed"},
        [SERVICE_ERROR_ARGUMENT_INVALID] = {400004, "ArgumentInvalid", "com.microsoft:argument-error"},
        [SERVICE_ERROR_ARGUMENT_NULL] = {400005, "ArgumentNull", "com.microsoft:argument-error"},
        [SERVICE_ERROR_FORMAT] = {400006, "IotHubFormatError", "com.microsoft:argument-error"},
        [SERVICE_ERROR_IMPORT_WARNING_EXISTS] = {400009, "ImportWarningExistsError", "com.microsoft:argument-error"},
        [SERVICE_ERROR_INVALID_SCHEMA_VERSION] = {400010, "InvalidSchemaVersion", "com.microsoft:argument-error"},
        [SERVICE_ERROR_DEVICE_DEFINED_MULTIPLE_TIMES] = {400011, "DeviceDefinedMultipleTimes",
                                                         "com.microsoft:argument-error"},
        [SERVICE_ERROR_DESERIALIZATION] = {400012, "DeserializationError", "com.microsoft:argument-error"},
        [SERVICE_ERROR_BULK_REGISTRY_OPERATION_FAILURE] = {400013, "BulkRegistryOperationFailure",
                                                           "com.microsoft:argument-error"},

        [SERVICE_ERROR_IOT_HUB_NOT_FOUND] = {401001, "IotHubNotFound", "com.microsoft:iot-hub-not-found-error"},
        [SERVICE_ERROR_UNAUTHORIZED_ACCESS] = {401002, "IotHubUnauthorizedAccess", "amqp:unauthorized-access"},
        [SERVICE_ERROR_UNAUTHORIZED] = {401003, "IotHubUnauthorized", "amqp:unauthorized-access"},

        [SERVICE_ERROR_SUSPENDED] = {403001, "IotHubSuspended", "com.microsoft:iot-hub-suspended"},
        [SERVICE_ERROR_QUOTA_EXCEEDED] = {403002, "IotHubQuotaExceeded", "com.microsoft:quota-exceeded"},
        [SERVICE_ERROR_JOB_QUOTA_EXCEEDED] = {403003, "JobQuotaExceeded", "com.microsoft:quota-exceeded"},
        [SERVICE_ERROR_MAXIMUM_QUEUE_DEPTH_EXCEEDED] = {403004, "DeviceMaximumQueueDepthExceeded",
                                                        "amqp:resource-limit-exceeded"},
        [SERVICE_ERROR_MAX_CBS_TOKEN_EXCEEDED] = {403005, "IotHubMaxCbsTokenExceeded",
                                                  "amqp:resource-limit-exceeded"},
        [SERVICE_ERROR_MAXIMUM_FILE_UPLOADS_EXCEEDED] = {403006, "DeviceMaximumActiveFileUploadLimitExceeded",
                                                         "amqp:resource-limit-exceeded"},

        [SERVICE_ERROR_DEVICE_NOT_FOUND] = {404001, "DeviceNotFound", "amqp:not-found"},
        [SERVICE_ERROR_JOB_NOT_FOUND] = {404002, "JobNotFound", "amqp:not-found"},
        [SERVICE_ERROR_MODULE_NOT_FOUND] = {404010, "ModuleNotFound", "amqp:not-found"},
        [SERVICE_ERROR_DEVICE_NOT_ONLINE] = {404103, "DeviceNotOnline", "amqp:not-found"},
        [SERVICE_ERROR_DEVICE_CONNECTION_CLOSED_REMOTELY] = {404104, "DeviceConnectionClosedRemotely",
                                                             "amqp:not-found"},

        [SERVICE_ERROR_DEVICE_ALREADY_EXISTS] = {409001, "DeviceAlreadyExists",
                                                 "com.microsoft:device-already-exists"},
        [SERVICE_ERROR_LINK_CREATION_CONFLICT] = {409002, "LinkCreationConflict", "amqp:resource-locked"},
        [SERVICE_ERROR_MODULE_ALREADY_EXISTS] = {409301, "ModuleAlreadyExistsOnDevice",
                                                 "com.microsoft:device-already-exists"},

        [SERVICE_ERROR_PRECONDITION_FAILED] = {412001, "PreconditionFailed", "com.microsoft:precondition-failed"},
        [SERVICE_ERROR_MESSAGE_LOCK_LOST] = {412002, "DeviceMessageLockLost", "com.microsoft:message-lock-lost"},

        [SERVICE_ERROR_MESSAGE_TOO_LARGE] = {413001, "MessageTooLarge", "amqp:link:message-size-exceeded"},
        [SERVICE_ERROR_TOO_MANY_DEVICES] = {413002, "TooManyDevices", "amqp:resource-limit-exceeded"},
        [SERVICE_ERROR_TOO_MANY_MODULES] = {413003, "TooManyModulesOnDevice", "amqp:resource-limit-exceeded"},

        [SERVICE_ERROR_TOO_MANY_REQUESTS] = {429000, "GenericTooManyRequests",
                                             "com.microsoft:device-container-throttled"},
        [SERVICE_ERROR_THROTTLING] = {429001, "ThrottlingException", "com.microsoft:device-container-throttled"},
        [SERVICE_ERROR_THROTTLE_BACKLOG_LIMIT] = {429002, "ThrottleBacklogLimitExceeded",
                                                  "com.microsoft:device-container-throttled"},
        [SERVICE_ERROR_THROTTLING_BACKLOG_TIMEOUT] = {429003, "ThrottlingBacklogTimeout",
                                                      "com.microsoft:device-container-throttled"},
        [SERVICE_ERROR_THROTTLING_MAX_ACTIVE_JOBS] = {429004, "ThrottlingMaxActiveJobCountExceeded",
                                                      "com.microsoft:device-container-throttled"},
        [SERVICE_ERROR_DEVICE_THROTTLING_LIMIT] = {429005, "DeviceThrottlingLimitExceeded",
                                                   "com.microsoft:device-container-throttled"},

        [SERVICE_ERROR_SERVER] = {500001, "ServerError", "amqp:internal-error"},
        [SERVICE_ERROR_GENERIC_TIMEOUT] = {500008, "GenericTimeout", "com.microsoft:timeout"},
        [SERVICE_ERROR_UNAVAILABLE] = {503001, "ServiceUnavailable", "amqp:internal-error"},
        [SERVICE_ERROR_PARTITION_NOT_FOUND] = {503003, "PartitionNotFound", "com.microsoft:partition-not-found"},
        [SERVICE_ERROR_GATEWAY_TIMEOUT] = {504101, "GatewayTimeout", "com.microsoft:timeout"},
};

unsigned service_error_number(ServiceError error)
{
        return table[error].number;
}

const char *service_error_name(ServiceError error)
{
        return table[error].name;
}

unsigned service_error_http_status(ServiceError error)
{
        return table[error].number / 1000;
}

const char *service_error_condition(ServiceError error)
{
        return table[error].condition;
}
