#include "arguments.h"

napi_value number(napi_env env, int64_t value) {
  napi_value result;
  TRY(env, napi_create_int64(env, value, &result));
  return result;
}

bool bytes_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size) {
  void *data;
  size_t total;
  double from, count;
  if (napi_get_buffer_info(env, buffer, &data, &total) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a Buffer or typed array");
    return false;
  }
  if (napi_get_value_double(env, offset, &from) != napi_ok || napi_get_value_double(env, length, &count) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "offset and length are numbers");
    return false;
  }
  /* NaN is in no range. */
  int is_within = from >= 0 && from <= (double)total && count >= 0 && count <= (double)total - from;
  if (!is_within || from != (double)(size_t)from || count != (double)(size_t)count) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "offset and length are no part of the buffer");
    return false;
  }
  *bytes = (char *)data + (size_t)from;
  *size = (size_t)count;
  return true;
}

bool room_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size) {
  if (!bytes_of(env, buffer, offset, length, bytes, size)) return false;
  if (*size > 0) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "there is no room in the buffer");
  return false;
}

bool int32s_of(napi_env env, napi_value array, size_t need, int32_t **values) {
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, NULL, NULL) != napi_ok || type != napi_int32_array ||
      length < need) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected an Int32Array with room enough");
    return false;
  }
  *values = data;
  return true;
}

bool path_of(napi_env env, napi_value value, char **path, size_t *length) {
  if (napi_get_buffer_info(env, value, (void **)path, length) == napi_ok) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a path in a buffer");
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
