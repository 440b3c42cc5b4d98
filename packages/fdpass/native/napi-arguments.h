/* Reads the arguments of a function that JavaScript calls, and returns its result. @anyfork/fork includes this header
 * as well: its binding.gyp asks Node for this folder.
 *
 * A macro that fails returns NULL from the calling function, with an exception pending. An argument of the wrong type
 * is a TypeError. To be used by the thread of the environment, while it calls the function.
 */
#ifndef ANYFORK_NAPI_ARGUMENTS_H
#define ANYFORK_NAPI_ARGUMENTS_H

#include <node_api.h>
#include <stdbool.h>
#include <stdio.h>

/* Throws an Error for a Node-API call that failed, unless the call has left an exception pending. */
static inline void throw_failed_call(napi_env env, const char *call) {
  const napi_extended_error_info *info;
  char message[200];
  bool is_pending = false;
  /* The next call overwrites the information, so the text is copied first. */
  const char *reason = napi_get_last_error_info(env, &info) == napi_ok ? info->error_message : NULL;
  snprintf(message, sizeof message, "%s: %s", call, reason != NULL ? reason : "failed");
  napi_is_exception_pending(env, &is_pending);
  if (!is_pending) napi_throw_error(env, "ERR_NATIVE", message);
}

/* Returns `otherwise` from the calling function unless the Node-API call succeeds. */
#define TRY_OR(env, call, otherwise)   \
  do {                                 \
    if ((call) != napi_ok) {           \
      throw_failed_call((env), #call); \
      return (otherwise);              \
    }                                  \
  } while (0)

#define TRY(env, call) TRY_OR(env, call, NULL)

/* Like TRY, for a call that reads an argument: its failure is the caller's mistake. */
#define TRY_ARGUMENT(env, call, message)                               \
  do {                                                                 \
    if ((call) != napi_ok) {                                           \
      napi_throw_type_error((env), "ERR_INVALID_ARG_TYPE", (message)); \
      return NULL;                                                     \
    }                                                                  \
  } while (0)

/* Declares argv with `count` arguments. Fewer are a TypeError; more are ignored. */
#define ARGUMENTS(env, info, count)                                        \
  napi_value argv[count];                                                  \
  size_t argc = (count);                                                   \
  TRY((env), napi_get_cb_info((env), (info), &argc, argv, NULL, NULL));    \
  if (argc < (count)) {                                                    \
    napi_throw_type_error((env), "ERR_MISSING_ARGS", "too few arguments"); \
    return NULL;                                                           \
  }

/* Each declares a variable, with the value of an argument. */

#define INT32(env, argument, name) \
  int32_t name;                    \
  TRY_ARGUMENT((env), napi_get_value_int32((env), (argument), &(name)), "expected " #name " to be a number")

#define UINT32(env, argument, name) \
  uint32_t name;                    \
  TRY_ARGUMENT((env), napi_get_value_uint32((env), (argument), &(name)), "expected " #name " to be a number")

#define DOUBLE(env, argument, name) \
  double name;                      \
  TRY_ARGUMENT((env), napi_get_value_double((env), (argument), &(name)), "expected " #name " to be a number")

#define BOOL(env, argument, name) \
  bool name;                      \
  TRY_ARGUMENT((env), napi_get_value_bool((env), (argument), &(name)), "expected " #name " to be true or false")

/* The pointer that an external holds. */
#define EXTERNAL(env, argument, type, name)                                         \
  type *name;                                                                       \
  TRY_ARGUMENT((env), napi_get_value_external((env), (argument), (void **)&(name)), \
    "expected an object that this addon has made")

/* Checks that an argument is a function. */
#define FUNCTION(env, argument)                                                    \
  do {                                                                             \
    napi_valuetype type;                                                           \
    TRY((env), napi_typeof((env), (argument), &type));                             \
    if (type != napi_function) {                                                   \
      napi_throw_type_error((env), "ERR_INVALID_ARG_TYPE", "expected a function"); \
      return NULL;                                                                 \
    }                                                                              \
  } while (0)

/* Returns a number: a result, or a negative errno. */
static inline napi_value number(napi_env env, int64_t value) {
  napi_value result;
  TRY(env, napi_create_int64(env, value, &result));
  return result;
}

/* Stores where the elements of a typed array are. The memory belongs to the array. Returns false, with a
 * TypeError pending, unless the array has the given type and at least `need` elements. */
static inline bool elements_of(
  napi_env env, napi_value array, napi_typedarray_type need_type, size_t need, void **elements, size_t *length) {
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, array, &type, length, elements, NULL, NULL) == napi_ok && type == need_type &&
      *length >= need)
    return true;
  char message[60];
  snprintf(message, sizeof message, "expected %s of at least %zu elements",
    need_type == napi_int32_array ? "an Int32Array" : "a Uint32Array", need);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

/* Like elements_of, for an Int32Array. */
static inline bool int32s_of(napi_env env, napi_value array, size_t need, int32_t **values) {
  void *elements;
  size_t length;
  if (!elements_of(env, array, napi_int32_array, need, &elements, &length)) return false;
  *values = elements;
  return true;
}

/* One entry of a napi_property_descriptor[]: a function of the addon. */
#define METHOD(property, function) \
  { .utf8name = property, .method = function, .attributes = napi_enumerable }

#endif
