#include <napi-arguments.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../fork-server.h"
#include "../fork.h"
#include "binding.h"

/* A server, and what JavaScript has given to it. It is freed when JavaScript has let go of it and libuv has closed it.
 */
struct served {
  napi_env env;
  napi_ref state;
  struct callback *callback;  /* NULL when the server is being closed */
  struct fork_server *server; /* likewise */
  napi_async_cleanup_hook_handle cleanup;
  bool is_collected, is_closed;
};

/* What is told after the callback has closed the server is dropped. */
static void on_event(void *context, enum fork_server_event event, int64_t a, int b, int c) {
  struct served *self = context;
  if (self->callback) call_back(self->callback, 4, (double[]){(double)event, (double)a, b, c});
}

static void let_go(struct served *self) {
  if (self->callback != NULL) callback_free(self->callback);
  if (self->state != NULL) napi_delete_reference(self->env, self->state);
  self->callback = NULL;
  self->state = NULL;
}

static void free_if_done(struct served *self) {
  if (self->is_collected && self->is_closed) free(self);
}

/* The environment waits for this when it ends. */
static void on_closed(void *context) {
  struct served *self = context;
  if (self->cleanup != NULL) napi_remove_async_cleanup_hook(self->cleanup);
  self->is_closed = true;
  free_if_done(self);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct served *self = data;
  self->is_collected = true;
  free_if_done(self);
}

static void close_server(struct served *self) {
  if (self->server == NULL) return;
  fork_server_close(self->server, on_closed);
  self->server = NULL;
  let_go(self);
}

/* Otherwise, an event that comes while Node ends would call JavaScript. */
static void on_environment_end(napi_async_cleanup_hook_handle handle, void *context) {
  (void)handle;
  close_server(context);
}

/* serve(socket, state, callback): returns the server, or a negative errno. `state` is an Int32Array with the fields of
 * struct fork_server_state, in their order; the callback gets the event and its a, b, and c. */
static napi_value bind_serve(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  INT32(env, argv[0], socket);
  FUNCTION(env, argv[2]);
  int32_t *state;
  if (!int32s_of(env, argv[1], sizeof(struct fork_server_state) / sizeof *state, &state)) return NULL;
  uv_loop_t *loop;
  napi_value result;
  TRY(env, napi_get_uv_event_loop(env, &loop));
  struct served *self = calloc(1, sizeof *self);
  if (self == NULL) return number(env, UV_ENOMEM);
  self->env = env;
  self->callback = callback_new(env, argv[2], "FORKSERVER");
  int rc = self->callback ? 0 : UV_ENOMEM;
  if (rc == 0 && napi_create_reference(env, argv[1], 1, &self->state) != napi_ok) rc = UV_ENOMEM;
  if (rc == 0) rc = fork_server_new(loop, socket, (struct fork_server_state *)state, on_event, self, &self->server);
  if (rc < 0) {
    let_go(self);
    free(self);
    return number(env, rc);
  }
  if (napi_add_async_cleanup_hook(env, on_environment_end, self, &self->cleanup) == napi_ok &&
      napi_create_external(env, self, on_collected, NULL, &result) == napi_ok)
    return result;
  self->is_collected = true;
  close_server(self);
  napi_throw_error(env, "ERR_NATIVE", "cannot keep the server");
  return NULL;
}

/* Declares the server that an external holds. */
#define SERVER(env, argument)                                      \
  EXTERNAL(env, argument, struct served, served);                  \
  if (served->server == NULL) {                                    \
    napi_throw_error((env), "ERR_NATIVE", "the server is closed"); \
    return NULL;                                                   \
  }                                                                \
  struct fork_server *server = served->server

/* name(server) */
#define BIND_SERVER(name)                                                       \
  static napi_value bind_server_##name(napi_env env, napi_callback_info info) { \
    ARGUMENTS(env, info, 1);                                                    \
    SERVER(env, argv[0]);                                                       \
    return number(env, server_##name(server));                                  \
  }

/* name(server, number) */
#define BIND_SERVER_INT(name)                                                   \
  static napi_value bind_server_##name(napi_env env, napi_callback_info info) { \
    ARGUMENTS(env, info, 2);                                                    \
    SERVER(env, argv[0]);                                                       \
    INT32(env, argv[1], value);                                                 \
    return number(env, server_##name(server, value));                           \
  }

static int server_listen(struct fork_server *server) { return fork_server_listen(server); }

static int server_reap(struct fork_server *server) {
  fork_server_reap(server);
  return 0;
}

static int server_watch(struct fork_server *server, int events) { return fork_server_watch(server, events); }

static int server_ref(struct fork_server *server, int on) {
  fork_server_ref(server, on);
  return 0;
}

static int server_add_child(struct fork_server *server, int pid) {
  return fork_children_add(fork_server_children(server), pid);
}

BIND_SERVER(listen)
BIND_SERVER(reap)
BIND_SERVER_INT(watch)
BIND_SERVER_INT(ref)
BIND_SERVER_INT(add_child)

/* serverClose(server): the server cannot be used afterwards */
static napi_value bind_server_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  EXTERNAL(env, argv[0], struct served, self);
  close_server(self);
  return number(env, 0);
}

/* Returns an array of numbers. */
static napi_value array_of(napi_env env, const int32_t *numbers, size_t count) {
  napi_value result;
  TRY(env, napi_create_array_with_length(env, count, &result));
  for (size_t i = 0; i < count; i++) {
    napi_value element = number(env, numbers[i]);
    if (element == NULL) return NULL;
    TRY(env, napi_set_element(env, result, (uint32_t)i, element));
  }
  return result;
}

/* serverChildren(server): returns an array of pids */
static napi_value bind_server_children(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  SERVER(env, argv[0]);
  const struct fork_children *children = fork_server_children(server);
  return array_of(env, children->pids, children->count);
}

/* serverFork(server, control, out: Int32Array[1]): returns the pid; 0 in the child, with 0 or a negative errno in
 * out[0] if the child could not be set up; or a negative errno */
static napi_value bind_server_fork(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  SERVER(env, argv[0]);
  INT32(env, argv[1], control);
  int32_t *out;
  if (!int32s_of(env, argv[2], 1, &out)) return NULL;
  return number(env, fork_server_fork(server, control, fork_wait_for_threads, out));
}

/* obstacleToThreads(): returns why no process can be forked with all its threads here, as a clause, else undefined */
static napi_value bind_obstacle_to_threads(napi_env env, napi_callback_info info) {
  (void)info;
  const char *obstacle = fork_obstacle_to_threads();
  napi_value result = NULL;
  if (obstacle != NULL) TRY(env, napi_create_string_utf8(env, obstacle, NAPI_AUTO_LENGTH, &result));
  return result;
}

/* rehearseFork(): returns 0, or a negative errno if this process cannot be forked with all its threads now */
static napi_value bind_rehearse_fork(napi_env env, napi_callback_info info) {
  (void)info;
  uv_loop_t *loop;
  TRY(env, napi_get_uv_event_loop(env, &loop));
  return number(env, fork_rehearse_with_threads(loop));
}

struct failure {
  int socket;
  const void *report;
  size_t length;
};

static void report_failure(void *context) {
  const struct failure *self = context;
  send(self->socket, self->report, self->length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* forkWithThreads(control, lifeline, report: Buffer): returns the child's pid, 0 in the child, or a negative errno. A
 * child that cannot have all threads sends the report over `control` and exits. Both share the pipe `lifeline`. */
static napi_value bind_fork_with_threads(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  INT32(env, argv[0], control);
  INT32(env, argv[1], lifeline);
  void *report;
  size_t length;
  TRY_ARGUMENT(env, napi_get_buffer_info(env, argv[2], &report, &length), "expected a Buffer");
  uv_loop_t *loop;
  TRY(env, napi_get_uv_event_loop(env, &loop));
  struct failure failure = {control, report, length};
  return number(env, fork_process_with_threads(loop, lifeline, report_failure, &failure));
}

/* forkRefusal(): returns why rehearseFork, serverFork, or forkWithThreads has refused, as a clause */
static napi_value bind_fork_refusal(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  TRY(env, napi_create_string_utf8(env, fork_refusal(), NAPI_AUTO_LENGTH, &result));
  return result;
}

/* knowThreads(Int32Array): the ids of all other threads */
static napi_value bind_know_threads(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  void *ids;
  size_t count;
  if (!elements_of(env, argv[0], napi_int32_array, 0, &ids, &count)) return NULL;
  return number(env, fork_know_threads(ids, count));
}

static napi_value bind_forget_threads(napi_env env, napi_callback_info info) {
  (void)info;
  fork_forget_threads();
  return number(env, 0);
}

/* threadDescriptors(): returns an array of the descriptors that knowThreads has opened */
static napi_value bind_thread_descriptors(napi_env env, napi_callback_info info) {
  (void)info;
  int32_t descriptors[FORK_MOST_THREAD_DESCRIPTORS];
  return array_of(env, descriptors, fork_thread_descriptors(descriptors));
}

napi_value bind_server(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
    METHOD("serve", bind_serve),
    METHOD("serverWatch", bind_server_watch),
    METHOD("serverRef", bind_server_ref),
    METHOD("serverListen", bind_server_listen),
    METHOD("serverFork", bind_server_fork),
    METHOD("serverAddChild", bind_server_add_child),
    METHOD("serverChildren", bind_server_children),
    METHOD("serverReap", bind_server_reap),
    METHOD("serverClose", bind_server_close),
    METHOD("obstacleToThreads", bind_obstacle_to_threads),
    METHOD("rehearseFork", bind_rehearse_fork),
    METHOD("forkWithThreads", bind_fork_with_threads),
    METHOD("forkRefusal", bind_fork_refusal),
    METHOD("knowThreads", bind_know_threads),
    METHOD("forgetThreads", bind_forget_threads),
    METHOD("threadDescriptors", bind_thread_descriptors),
  };
  TRY(env, napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties));
  return exports;
}
