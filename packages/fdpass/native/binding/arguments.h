/* What the files of this folder share. They are the only ones that know JavaScript. Functions that a caller may
 * expect to fail return a negative errno; src/ turns it into an error.
 */
#ifndef FDPASS_ARGUMENTS_H
#define FDPASS_ARGUMENTS_H

#include "../fdpass.h"
#include "../napi-arguments.h"

/* The functions below return false, with an exception pending, when an argument is invalid. What they store
 * belongs to the buffer. */

/* Stores the part of a buffer from offset to offset + length. A part that is not within the buffer is a RangeError. */
bool bytes_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size);
/* Like bytes_of, for at least one byte: receiving 0 bytes would look like the end of the stream. */
bool room_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size);
/* Stores the bytes of a path, which a buffer holds. */
bool path_of(napi_env env, napi_value value, char **path, size_t *length);

struct constant {
  const char *name;
  int32_t value;
};

/* Adds the functions and constants of one file to the addon. */
bool define(napi_env env, napi_value exports, const napi_property_descriptor *methods, size_t method_count,
  const struct constant *constants, size_t constant_count);

#define DEFINE(env, exports, methods, constants)                                        \
  define((env), (exports), (methods), sizeof(methods) / sizeof *(methods), (constants), \
    sizeof(constants) / sizeof *(constants))

/* Each adds what one file of this folder offers to src/binding.ts. */
bool define_descriptors(napi_env env, napi_value exports);
bool define_messages(napi_env env, napi_value exports);
bool define_connections(napi_env env, napi_value exports);
bool define_watches(napi_env env, napi_value exports);
bool define_deferred_writes(napi_env env, napi_value exports);

#endif
