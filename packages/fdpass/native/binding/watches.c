#include "arguments.h"

#include <stdlib.h>

struct js_watch {
  napi_env env;
  struct thread *thread;
  struct fdpass_watch *watch;
  napi_async_context async;
  napi_ref callback;
  struct js_watch *next, **link;
};

static void finish_cleanup(struct thread *thread) {
  if (thread->cleanup == NULL || thread->watches != NULL || thread->closing > 0) return;
  end_thread(thread);
}

static void js_watch_closed(void *context) {
  struct js_watch *self = context;
  struct thread *thread = self->thread;
  free(self);
  thread->closing--;
  finish_cleanup(thread);
}

static void js_watch_end(struct js_watch *self) {
  if (self->link == NULL) return;
  *self->link = self->next;
  if (self->next) self->next->link = self->link;
  self->link = NULL;
  self->thread->closing++;
  napi_delete_reference(self->env, self->callback);
  napi_async_destroy(self->env, self->async);
  fdpass_watch_close(self->watch, js_watch_closed);
}

static void on_ready(void *context, int status, int events) {
  struct js_watch *self = context;
  napi_env env = self->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value receiver, callback, argument, result;
  if (napi_get_global(env, &receiver) == napi_ok &&
      napi_get_reference_value(env, self->callback, &callback) == napi_ok && callback != NULL &&
      napi_create_int32(env, status < 0 ? status : events, &argument) == napi_ok) {
    napi_async_context async = self->async; /* self may end during the call */
    if (napi_make_callback(env, async, receiver, callback, 1, &argument, &result) == napi_pending_exception) {
      napi_value error;
      if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

/* watch(fd, events, callback): returns an external, or a negative errno */
static napi_value bind_watch(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  INT32(env, argv[0], fd);
  INT32(env, argv[1], events);
  FUNCTION(env, argv[2]);
  struct thread *thread = thread_of(env);
  napi_value name, external;
  TRY(env, napi_create_string_utf8(env, "FDWATCH", NAPI_AUTO_LENGTH, &name));

  struct js_watch *self = calloc(1, sizeof *self);
  if (self == NULL) return number(env, UV_ENOMEM);
  self->env = env;
  self->thread = thread;
  int rc = fdpass_watch_start(thread->loop, fd, events, on_ready, self, &self->watch);
  if (rc < 0) {
    free(self);
    return number(env, rc);
  }
  self->next = thread->watches;
  self->link = &thread->watches;
  if (self->next) self->next->link = &self->next;
  thread->watches = self;
  if (napi_create_reference(env, argv[2], 1, &self->callback) != napi_ok ||
      napi_async_init(env, NULL, name, &self->async) != napi_ok ||
      napi_create_external(env, self, NULL, NULL, &external) != napi_ok) {
    js_watch_end(self);
    napi_throw_error(env, "ERR_NATIVE", "cannot create the watch");
    return NULL;
  }
  return external;
}

static napi_value bind_watch_change(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  EXTERNAL(env, argv[0], struct js_watch, self);
  INT32(env, argv[1], events);
  return number(env, fdpass_watch_change(self->watch, events));
}

static napi_value bind_watch_ref(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  EXTERNAL(env, argv[0], struct js_watch, self);
  BOOL(env, argv[1], on);
  fdpass_watch_ref(self->watch, on);
  return NULL;
}

static napi_value bind_watch_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  EXTERNAL(env, argv[0], struct js_watch, self);
  js_watch_end(self);
  return NULL;
}

/* Closes the watches that are left when the environment ends; the last one to be closed lets it go on. */
static void on_cleanup(napi_async_cleanup_hook_handle handle, void *data) {
  struct thread *thread = data;
  thread->cleanup = handle;
  while (thread->watches) js_watch_end(thread->watches);
  finish_cleanup(thread);
}

bool define_watches(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("watch", bind_watch),
    METHOD("watchChange", bind_watch_change),
    METHOD("watchRef", bind_watch_ref),
    METHOD("watchClose", bind_watch_close),
  };
  const struct constant constants[] = {
    {"UV_READABLE", UV_READABLE},
    {"UV_WRITABLE", UV_WRITABLE},
    {"UV_DISCONNECT", UV_DISCONNECT},
  };
  return begin_thread(env, on_cleanup) && DEFINE(env, exports, methods, constants);
}
