/* What every function that JavaScript calls does first and last. The files in
 * this folder are the only ones that know JavaScript. Functions that a caller may
 * expect to fail return a negative errno; src/ makes errors of them. */
#ifndef FDPASS_ARGUMENTS_H
#define FDPASS_ARGUMENTS_H

#include "../fdpass.h"

#include <node_api.h>

/* Returns `otherwise` with an exception pending unless the call succeeds. */
#define TRY_OR(env, call, otherwise)                              \
  do {                                                            \
    if ((call) != napi_ok) {                                      \
      bool pending = false;                                       \
      napi_is_exception_pending((env), &pending);                 \
      if (!pending) napi_throw_error((env), "ERR_NATIVE", #call); \
      return (otherwise);                                         \
    }                                                             \
  } while (0)

#define TRY(env, call) TRY_OR(env, call, NULL)

#define ARGUMENTS(env, info, count)                                        \
  napi_value argv[count];                                                  \
  size_t argc = (count);                                                   \
  TRY((env), napi_get_cb_info((env), (info), &argc, argv, NULL, NULL));    \
  if (argc < (count)) {                                                    \
    napi_throw_type_error((env), "ERR_MISSING_ARGS", "too few arguments"); \
    return NULL;                                                           \
  }

/* As TRY, for what reads an argument: it is the caller's mistake. */
#define TRY_ARGUMENT(env, call, message)                               \
  do {                                                                 \
    if ((call) != napi_ok) {                                           \
      napi_throw_type_error((env), "ERR_INVALID_ARG_TYPE", (message)); \
      return NULL;                                                     \
    }                                                                  \
  } while (0)

#define INT32(env, argument, name) \
  int32_t name;                    \
  TRY_ARGUMENT((env), napi_get_value_int32((env), (argument), &(name)), #name " is a number")

#define UINT32(env, argument, name) \
  uint32_t name;                    \
  TRY_ARGUMENT((env), napi_get_value_uint32((env), (argument), &(name)), #name " is a number")

#define BOOL(env, argument, name) \
  bool name;                      \
  TRY_ARGUMENT((env), napi_get_value_bool((env), (argument), &(name)), #name " is true or false")

/* A result, or a negative errno. */
napi_value number(napi_env env, int64_t value);

/* These return false with an exception pending. */

/* A buffer argument and the part of it that [offset, offset + length) names. */
bool bytes_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size);
/* The same, of at least one byte: nothing received into no room would look like the end. */
bool room_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size);
/* An Int32Array with at least so many elements. */
bool int32s_of(napi_env env, napi_value array, size_t need, int32_t **values);
/* A path, as the bytes of a buffer. */
bool path_of(napi_env env, napi_value value, char **path, size_t *length);

/* What a file of this folder offers to src/binding.ts. */

#define METHOD(property, function) \
  { .utf8name = property, .method = function, .attributes = napi_enumerable }

struct constant {
  const char *name;
  int32_t value;
};

bool define(napi_env env, napi_value exports, const napi_property_descriptor *methods, size_t method_count,
  const struct constant *constants, size_t constant_count);

#define DEFINE(env, exports, methods, constants)                                        \
  define((env), (exports), (methods), sizeof(methods) / sizeof *(methods), (constants), \
    sizeof(constants) / sizeof *(constants))

bool define_descriptors(napi_env env, napi_value exports);
bool define_messages(napi_env env, napi_value exports);
bool define_connections(napi_env env, napi_value exports);
bool define_watches(napi_env env, napi_value exports);
bool define_deferred_writes(napi_env env, napi_value exports);

#endif
