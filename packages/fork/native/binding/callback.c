#include <stdlib.h>

#include "binding.h"

#define MOST_ARGUMENTS 4

struct callback {
  napi_env env;
  napi_ref function;
  napi_async_context async;
};

void callback_free(struct callback *self) {
  if (self->async != NULL) napi_async_destroy(self->env, self->async);
  if (self->function != NULL) napi_delete_reference(self->env, self->function);
  free(self);
}

struct callback *callback_new(napi_env env, napi_value function, const char *name) {
  struct callback *self = calloc(1, sizeof *self);
  napi_value resource;
  if (self != NULL) {
    self->env = env;
    if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &resource) == napi_ok &&
        napi_create_reference(env, function, 1, &self->function) == napi_ok &&
        napi_async_init(env, NULL, resource, &self->async) == napi_ok)
      return self;
    callback_free(self);
  }
  napi_throw_error(env, "ERR_NATIVE", "cannot keep the callback");
  return NULL;
}

void call_back(struct callback *self, size_t argc, const double *argv) {
  napi_env env = self->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value global, function, result, arguments[MOST_ARGUMENTS];
  napi_status status = napi_get_global(env, &global);
  for (size_t i = 0; i < argc && status == napi_ok; i++) status = napi_create_double(env, argv[i], &arguments[i]);
  if (status == napi_ok) status = napi_get_reference_value(env, self->function, &function);
  if (status == napi_ok &&
      napi_make_callback(env, self->async, global, function, argc, arguments, &result) == napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}
