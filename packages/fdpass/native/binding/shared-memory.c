#include "arguments.h"

/* sharedMemory(length): returns a descriptor, or a negative errno */
static napi_value bind_shared_memory(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  UINT32(env, argv[0], length);
  int fd = fdpass_shared_memory(length);
  return number(env, opened(env, &fd, 1, fd));
}

/* Called when the array buffer is collected. */
static void unmap(napi_env env, void *memory, void *length) {
  (void)env;
  fdpass_unmap(memory, (size_t)(uintptr_t)length);
}

/* mapMemory(fd, length): returns an ArrayBuffer, or a negative errno */
static napi_value bind_map_memory(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], fd);
  UINT32(env, argv[1], length);
  void *memory;
  napi_value buffer;
  int rc = fdpass_map(fd, length, &memory);
  if (rc < 0) return number(env, rc);
  if (napi_create_external_arraybuffer(env, memory, length, unmap, (void *)(uintptr_t)length, &buffer) == napi_ok)
    return buffer;
  fdpass_unmap(memory, length);
  return number(env, UV_ENOTSUP); /* a runtime whose buffers must be in memory of its own */
}

bool define_shared_memory(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("sharedMemory", bind_shared_memory),
    METHOD("mapMemory", bind_map_memory),
  };
  return define(env, exports, methods, sizeof methods / sizeof *methods, NULL, 0);
}
