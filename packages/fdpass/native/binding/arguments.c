#include "arguments.h"

bool bytes_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size) {
  void *data;
  size_t total;
  double from, count;
  if (napi_get_buffer_info(env, buffer, &data, &total) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a Buffer or typed array");
    return false;
  }
  if (napi_get_value_double(env, offset, &from) != napi_ok || napi_get_value_double(env, length, &count) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected offset and length to be numbers");
    return false;
  }
  /* A comparison with NaN is false, so NaN is out of range. */
  int is_within = from >= 0 && from <= (double)total && count >= 0 && count <= (double)total - from;
  if (!is_within || from != (double)(size_t)from || count != (double)(size_t)count) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "expected offset and length to lie within the buffer");
    return false;
  }
  *bytes = (char *)data + (size_t)from;
  *size = (size_t)count;
  return true;
}

bool room_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size) {
  if (!bytes_of(env, buffer, offset, length, bytes, size)) return false;
  if (*size > 0) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "expected room for at least one byte");
  return false;
}

bool path_of(napi_env env, napi_value value, char **path, size_t *length) {
  if (napi_get_buffer_info(env, value, (void **)path, length) == napi_ok) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a buffer that holds a path");
  return false;
}

bool define(napi_env env, napi_value exports, const napi_property_descriptor *methods, size_t method_count,
  const struct constant *constants, size_t constant_count) {
  TRY_OR(env, napi_define_properties(env, exports, method_count, methods), false);
  for (size_t i = 0; i < constant_count; i++) {
    napi_value value;
    TRY_OR(env, napi_create_int32(env, constants[i].value, &value), false);
    TRY_OR(env, napi_set_named_property(env, exports, constants[i].name, value), false);
  }
  return true;
}
