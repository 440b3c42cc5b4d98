#include "arguments.h"

#include <stdlib.h>

/* A writer. The reference to its owner in JavaScript keeps the memory that the watchdog may read. */
struct js_deferred_writer {
  napi_env env;
  napi_ref owner;
  struct fdpass_deferred_writer *writer;
};

/* Called when the environment ends, before its memory is freed. */
static void js_deferred_writer_end(void *context) {
  struct js_deferred_writer *self = context;
  fdpass_deferred_writer_end(self->writer);
  napi_delete_reference(self->env, self->owner);
  free(self);
}

/* makeDeferredWriter(socket, Int32Array, writer): returns an external, or a negative errno. `writer` is the object that
 * keeps the array and the deferred buffer; it is kept as long as the environment. */
static napi_value bind_make_deferred_writer(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  INT32(env, argv[0], socket);
  int32_t *control;
  napi_value external;
  if (!int32s_of(env, argv[1], FDPASS_DEFERRED_CONTROLS, &control)) return NULL;

  struct js_deferred_writer *self = calloc(1, sizeof *self);
  if (self == NULL) return number(env, UV_ENOMEM);
  self->env = env;
  int rc = fdpass_deferred_writer_make(socket, control, &self->writer);
  if (rc < 0) {
    free(self);
    return number(env, rc);
  }
  if (napi_create_reference(env, argv[2], 1, &self->owner) != napi_ok ||
      napi_create_external(env, self, NULL, NULL, &external) != napi_ok ||
      napi_add_env_cleanup_hook(env, js_deferred_writer_end, self) != napi_ok) {
    if (self->owner) napi_delete_reference(env, self->owner);
    fdpass_deferred_writer_end(self->writer);
    free(self);
    napi_throw_error(env, "ERR_NATIVE", "cannot create the deferred writer");
    return NULL;
  }
  return external;
}

/* deferWrite(writer, buffer, from): returns 0 or a negative errno. The caller keeps the buffer until the flush. */
static napi_value bind_defer_write(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  EXTERNAL(env, argv[0], struct js_deferred_writer, self);
  void *bytes;
  size_t size;
  TRY_ARGUMENT(env, napi_get_buffer_info(env, argv[1], &bytes, &size), "expected a Buffer or typed array");
  UINT32(env, argv[2], from);
  return number(env, fdpass_defer_write(self->writer, bytes, size, from));
}

/* flushDeferred(writer): returns the number of bytes sent since they were deferred, or a negative errno */
static napi_value bind_flush_deferred(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  EXTERNAL(env, argv[0], struct js_deferred_writer, self);
  return number(env, fdpass_flush_deferred(self->writer));
}

/* stopDeferring(writer) */
static napi_value bind_stop_deferring(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  EXTERNAL(env, argv[0], struct js_deferred_writer, self);
  fdpass_deferred_writer_stop(self->writer);
  return NULL;
}

bool define_deferred_writes(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("makeDeferredWriter", bind_make_deferred_writer),
    METHOD("deferWrite", bind_defer_write),
    METHOD("flushDeferred", bind_flush_deferred),
    METHOD("stopDeferring", bind_stop_deferring),
  };
  const struct constant constants[] = {
    {"DEFERRED_END", FDPASS_DEFERRED_END},
    {"DEFERRED_TICKS", FDPASS_DEFERRED_TICKS},
    {"DEFERRED_CONTROLS", FDPASS_DEFERRED_CONTROLS},
  };
  return DEFINE(env, exports, methods, constants);
}
