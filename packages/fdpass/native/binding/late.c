#include "arguments.h"

/* lateMake(socket, Int32Array): an external, or a negative errno. The caller keeps the array for ever. */
static napi_value bind_late_make(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], socket);
  int32_t *control;
  struct fdpass_late *late;
  napi_ref keep;
  napi_value external;
  if (!int32s_of(env, argv[1], FDPASS_LATE_CONTROLS, &control)) return NULL;
  TRY(env, napi_create_reference(env, argv[1], 1, &keep));
  int rc = fdpass_late_make(socket, control, &late);
  if (rc < 0) {
    napi_delete_reference(env, keep);
    return number(env, rc);
  }
  TRY(env, napi_create_external(env, late, NULL, NULL, &external));
  return external;
}

#define LATE_ARGUMENT(env, argument, self) \
  struct fdpass_late *self;                \
  TRY((env), napi_get_value_external((env), (argument), (void **)&self))

/* latePutOff(late, buffer, from): 0, or a negative errno. The caller keeps the buffer until the flush. */
static napi_value bind_late_put_off(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  LATE_ARGUMENT(env, argv[0], late);
  void *bytes;
  size_t size;
  uint32_t from;
  TRY(env, napi_get_buffer_info(env, argv[1], &bytes, &size));
  TRY(env, napi_get_value_uint32(env, argv[2], &from));
  return number(env, fdpass_late_put_off(late, bytes, from));
}

/* lateFlush(late): how many bytes were sent since they were put off, or a negative errno */
static napi_value bind_late_flush(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  LATE_ARGUMENT(env, argv[0], late);
  return number(env, fdpass_late_flush(late));
}

bool define_late(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
      METHOD("lateMake", bind_late_make),
      METHOD("latePutOff", bind_late_put_off),
      METHOD("lateFlush", bind_late_flush),
  };
  const struct constant constants[] = {
      {"LATE_END", FDPASS_LATE_END},
      {"LATE_TICKS", FDPASS_LATE_TICKS},
      {"LATE_CONTROLS", FDPASS_LATE_CONTROLS},
  };
  return DEFINE(env, exports, methods, constants);
}
