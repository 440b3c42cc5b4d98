#include "arguments.h"

#include <stdlib.h>

bool begin_thread(napi_env env, napi_async_cleanup_hook on_cleanup) {
  struct thread *thread = calloc(1, sizeof *thread);
  if (thread == NULL) {
    napi_throw_error(env, "ENOMEM", "out of memory");
    return false;
  }
  if (napi_get_uv_event_loop(env, &thread->loop) != napi_ok ||
      napi_set_instance_data(env, thread, NULL, NULL) != napi_ok ||
      napi_add_async_cleanup_hook(env, on_cleanup, thread, NULL) != napi_ok) {
    free(thread);
    napi_throw_error(env, "ERR_NATIVE", "cannot get the event loop");
    return false;
  }
  return true;
}

void end_thread(struct thread *thread) {
  napi_remove_async_cleanup_hook(thread->cleanup);
  fdpass_close_kept(&thread->kept);
  free(thread);
}

struct thread *thread_of(napi_env env) {
  struct thread *thread = NULL;
  napi_get_instance_data(env, (void **)&thread);
  return thread;
}

ssize_t opened(napi_env env, const int *fds, size_t count, ssize_t result) {
  struct thread *thread = result < 0 ? NULL : thread_of(env);
  if (thread == NULL || !thread->keeps_opened) return result;
  int rc = fdpass_keep(&thread->kept, fds, count);
  if (rc == 0) return result;
  for (size_t i = 0; i < count; i++) fdpass_close(fds[i]);
  return rc;
}

/* keepOpened(on): from now on, new descriptors are closed when the thread ends; or no longer */
static napi_value bind_keep_opened(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  BOOL(env, argv[0], on);
  thread_of(env)->keeps_opened = on;
  return NULL;
}

/* keep(fd, on): adds a descriptor that is closed when the thread ends, or removes it. Returns 0 or a negative errno. */
static napi_value bind_keep(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], fd);
  BOOL(env, argv[1], on);
  struct fdpass_kept *kept = &thread_of(env)->kept;
  if (on) return number(env, fdpass_keep(kept, &fd, 1));
  fdpass_forget(kept, fd);
  return number(env, 0);
}

bool define_threads(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("keepOpened", bind_keep_opened),
    METHOD("keep", bind_keep),
  };
  return define(env, exports, methods, sizeof methods / sizeof *methods, NULL, 0);
}
