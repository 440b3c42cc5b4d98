/* Linked with the addon and --wrap=… for each function: lets the one that the environment variable FAILING_CALL names
 * fail, and ends the process with code 1 if a reference or a context of asynchronous calls is left at its end. */
#include "../../fork.h"

#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int references, contexts;

static int is_failing(const char *call) { return strcmp(getenv("FAILING_CALL"), call) == 0; }

__attribute__((destructor)) static void check(void) {
  if (references == 0 && contexts == 0) return;
  fprintf(stderr, "left: references %d, contexts %d\n", references, contexts);
  _exit(1);
}

napi_status __real_napi_create_reference(napi_env env, napi_value value, uint32_t count, napi_ref *result);
napi_status __wrap_napi_create_reference(napi_env env, napi_value value, uint32_t count, napi_ref *result) {
  if (is_failing("napi_create_reference")) return napi_generic_failure;
  references++;
  return __real_napi_create_reference(env, value, count, result);
}

napi_status __real_napi_delete_reference(napi_env env, napi_ref reference);
napi_status __wrap_napi_delete_reference(napi_env env, napi_ref reference) {
  references--;
  return __real_napi_delete_reference(env, reference);
}

napi_status __real_napi_async_init(napi_env env, napi_value resource, napi_value name, napi_async_context *result);
napi_status __wrap_napi_async_init(napi_env env, napi_value resource, napi_value name, napi_async_context *result) {
  if (is_failing("napi_async_init")) return napi_generic_failure;
  contexts++;
  return __real_napi_async_init(env, resource, name, result);
}

napi_status __real_napi_async_destroy(napi_env env, napi_async_context context);
napi_status __wrap_napi_async_destroy(napi_env env, napi_async_context context) {
  contexts--;
  return __real_napi_async_destroy(env, context);
}

int __real_fork_on_loop_end(uv_loop_t *loop, fork_loop_end_callback callback, void *context);
int __wrap_fork_on_loop_end(uv_loop_t *loop, fork_loop_end_callback callback, void *context) {
  return is_failing("fork_on_loop_end") ? UV_ENOMEM : __real_fork_on_loop_end(loop, callback, context);
}
