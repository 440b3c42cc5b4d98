#include "arguments.h"

#include <stdlib.h>

/* The writer, and what it has in its fields, lives as long as the thread may read it. */
struct js_late {
  napi_env env;
  napi_ref writer;
  struct fdpass_late *late;
};

/* The environment ends, of a worker thread maybe: its memory is freed after this. */
static void js_late_end(void *context) {
  struct js_late *self = context;
  fdpass_late_end(self->late);
  napi_delete_reference(self->env, self->writer);
  free(self);
}

/* makeDeferredWriter(socket, Int32Array, writer): an external, or a negative errno. The writer is kept as
 * long as the environment, and keeps the array. */
static napi_value bind_late_make(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  INT32(env, argv[0], socket);
  int32_t *control;
  napi_value external;
  if (!int32s_of(env, argv[1], FDPASS_LATE_CONTROLS, &control)) return NULL;

  struct js_late *self = calloc(1, sizeof *self);
  if (self == NULL) return number(env, UV_ENOMEM);
  self->env = env;
  int rc = fdpass_late_make(socket, control, &self->late);
  if (rc < 0) {
    free(self);
    return number(env, rc);
  }
  if (napi_create_reference(env, argv[2], 1, &self->writer) != napi_ok ||
      napi_create_external(env, self, NULL, NULL, &external) != napi_ok ||
      napi_add_env_cleanup_hook(env, js_late_end, self) != napi_ok) {
    if (self->writer) napi_delete_reference(env, self->writer);
    fdpass_late_end(self->late);
    free(self);
    napi_throw_error(env, "ERR_NATIVE", "the writer could not be made");
    return NULL;
  }
  return external;
}

#define LATE_ARGUMENT(env, argument, self) \
  struct js_late *self;                    \
  TRY((env), napi_get_value_external((env), (argument), (void **)&self))

/* deferWrite(late, buffer, from): 0, or a negative errno. The writer keeps the buffer until the flush. */
static napi_value bind_late_put_off(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  LATE_ARGUMENT(env, argv[0], self);
  void *bytes;
  size_t size;
  TRY(env, napi_get_buffer_info(env, argv[1], &bytes, &size));
  UINT32(env, argv[2], from);
  return number(env, fdpass_late_put_off(self->late, bytes, size, from));
}

/* flushDeferred(late): how many bytes were sent since they were put off, or a negative errno */
static napi_value bind_late_flush(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  LATE_ARGUMENT(env, argv[0], self);
  return number(env, fdpass_late_flush(self->late));
}

bool define_late(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("makeDeferredWriter", bind_late_make),
    METHOD("deferWrite", bind_late_put_off),
    METHOD("flushDeferred", bind_late_flush),
  };
  const struct constant constants[] = {
    {"LATE_END", FDPASS_LATE_END},
    {"LATE_TICKS", FDPASS_LATE_TICKS},
    {"LATE_CONTROLS", FDPASS_LATE_CONTROLS},
  };
  return DEFINE(env, exports, methods, constants);
}
