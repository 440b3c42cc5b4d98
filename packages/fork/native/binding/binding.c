/* What JavaScript calls, except for the fork server (server.c). Functions that a caller may expect to fail
 * return a negative errno; src/ turns it into an error. */
#include "binding.h"
#include "../fork.h"

#include <napi-arguments.h>
#include <stdlib.h>
#include <unistd.h>

/* fork(): returns the child's pid, 0 in the child, or a negative errno */
static napi_value bind_fork(napi_env env, napi_callback_info info) {
  (void)info;
  uv_loop_t *loop;
  TRY(env, napi_get_uv_event_loop(env, &loop));
  return number(env, fork_process(loop, fork_wait_for_threads));
}

static napi_value bind_refresh_code_pages(napi_env env, napi_callback_info info) {
  (void)info;
  fork_refresh_code_pages();
  return number(env, 0);
}

static napi_value bind_own_pid_in_proc(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, fork_own_pid_in_proc());
}

static napi_value bind_reduce_heap(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, fork_reduce_heap());
}

static napi_value bind_trim_malloc(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, fork_trim_malloc());
}

static napi_value bind_getpid(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, getpid());
}

/* activeRequests(): returns the number of libuv's requests that have not ended */
static napi_value bind_active_requests(napi_env env, napi_callback_info info) {
  (void)info;
  uv_loop_t *loop;
  TRY(env, napi_get_uv_event_loop(env, &loop));
  return number(env, loop->active_reqs.count);
}

/* isLoopAlive(): returns, during the callback of onLoopEnd, whether something new keeps the loop going */
static napi_value bind_is_loop_alive(napi_env env, napi_callback_info info) {
  (void)info;
  uv_loop_t *loop;
  napi_value result;
  TRY(env, napi_get_uv_event_loop(env, &loop));
  TRY(env, napi_get_boolean(env, uv_loop_alive(loop), &result));
  return result;
}

static napi_value bind_become_subreaper(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, fork_become_subreaper());
}

/* name(number) */
#define BIND_INT(name)                                                   \
  static napi_value bind_##name(napi_env env, napi_callback_info info) { \
    ARGUMENTS(env, info, 1);                                             \
    INT32(env, argv[0], value);                                          \
    return number(env, fork_##name(value));                              \
  }

BIND_INT(arm_lifeline)
BIND_INT(disarm_lifeline)
BIND_INT(share_lifeline)
BIND_INT(ignore_interrupt)
BIND_INT(reap)

/* claimLifeline(own, pid), openLifeline(fd, slot), openProcess(pid, slot), signalProcess(process, signal),
 * processPid(process, level): slot is an open descriptor */
#define BIND_INTS(name)                                                  \
  static napi_value bind_##name(napi_env env, napi_callback_info info) { \
    ARGUMENTS(env, info, 2);                                             \
    INT32(env, argv[0], first);                                          \
    INT32(env, argv[1], second);                                         \
    return number(env, fork_##name(first, second));                      \
  }

BIND_INTS(claim_lifeline)
BIND_INTS(open_lifeline)
BIND_INTS(open_process)
BIND_INTS(signal_process)
BIND_INTS(process_pid)

/* reportThreadLimit(socket, buffer) */
static napi_value bind_report_thread_limit(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], socket);
  void *bytes;
  size_t length;
  TRY_ARGUMENT(env, napi_get_buffer_info(env, argv[1], &bytes, &length), "expected a Buffer");
  return number(env, fork_report_thread_limit(socket, bytes, length));
}

static napi_value bind_exit(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], code);
  fork_exit(code);
  return NULL;
}

/* peekEnded(pid, Int32Array[3]): returns 1 and stores pid, code, and signal if this child has ended, or any child of
 * this thread if pid is 0. Else returns 0 or a negative errno. */
static napi_value bind_peek_ended(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], pid);
  int32_t *out;
  if (!int32s_of(env, argv[1], 3, &out)) return NULL;
  struct fork_status status;
  int rc = pid == 0 ? fork_peek_ended(&status) : fork_peek_ended_one(pid, &status);
  if (rc == 1) {
    out[0] = status.pid;
    out[1] = status.code;
    out[2] = status.signal;
  }
  return number(env, rc);
}

/* fillRandom(Uint32Array): fills at most 64 numbers */
static napi_value bind_fill_random(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  void *elements;
  size_t length;
  if (!elements_of(env, argv[0], napi_uint32_array, 0, &elements, &length)) return NULL;
  return number(env, fork_fill_random(elements, length * sizeof(uint32_t)));
}

/* signal(pid, signal, socket, user) */
static napi_value bind_signal(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 4);
  INT32(env, argv[0], pid);
  INT32(env, argv[1], signal);
  INT32(env, argv[2], socket);
  UINT32(env, argv[3], user);
  return number(env, fork_signal(pid, signal, socket, user));
}

/* signalChild(parent, pid, signal) */
static napi_value bind_signal_child(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  INT32(env, argv[0], parent);
  INT32(env, argv[1], pid);
  INT32(env, argv[2], signal);
  return number(env, fork_signal_child(parent, pid, signal));
}

/* processorTime(pid): returns milliseconds, or a negative errno */
static napi_value bind_processor_time(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], pid);
  double milliseconds;
  int rc = fork_processor_time(pid, &milliseconds);
  if (rc < 0) return number(env, rc);
  napi_value result;
  TRY(env, napi_create_double(env, milliseconds, &result));
  return result;
}

/* hasProcessEnded(process) */
static napi_value bind_has_process_ended(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], process);
  return number(env, fork_process_has_ended(process));
}

/* setLimit(name, soft, hard) */
static napi_value bind_set_limit(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  char name[16];
  size_t length;
  TRY_ARGUMENT(
    env, napi_get_value_string_utf8(env, argv[0], name, sizeof name, &length), "expected name to be a string");
  DOUBLE(env, argv[1], soft);
  DOUBLE(env, argv[2], hard);
  return number(env, fork_set_limit(name, soft, hard));
}

/* noNewPrivileges(areAllThreads) */
static napi_value bind_no_new_privileges(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], are_all);
  return number(env, are_all ? fork_no_new_privileges_in_threads() : fork_no_new_privileges());
}

static napi_value bind_drop_capabilities(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, fork_drop_capabilities());
}

static napi_value bind_confine_signals(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, fork_confine_signals());
}

static napi_value bind_memory_file(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, fork_memory_file());
}

static void free_strings(char **strings) {
  for (char **next = strings; *next != NULL; next++) free(*next);
  free(strings);
}

/* Copies an array of strings to a list that ends with NULL, which free_strings frees. Returns NULL with an exception
 * pending if that fails. */
static char **strings_of(napi_env env, napi_value array) {
  uint32_t count;
  TRY_ARGUMENT(env, napi_get_array_length(env, array, &count), "expected an array");
  char **strings = calloc((size_t)count + 1, sizeof *strings);
  for (uint32_t i = 0; strings != NULL && i < count; i++) {
    napi_value element;
    size_t length;
    if (napi_get_element(env, array, i, &element) != napi_ok ||
        napi_get_value_string_utf8(env, element, NULL, 0, &length) != napi_ok ||
        (strings[i] = malloc(length + 1)) == NULL ||
        napi_get_value_string_utf8(env, element, strings[i], length + 1, &length) != napi_ok) {
      free_strings(strings);
      strings = NULL;
    }
  }
  if (strings == NULL) napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected an array of strings");
  return strings;
}

/* execute([path], arguments, environment): returns only a negative errno */
static napi_value bind_execute(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  char **path = strings_of(env, argv[0]);
  char **arguments = path ? strings_of(env, argv[1]) : NULL;
  char **environment = arguments ? strings_of(env, argv[2]) : NULL;
  int rc = environment ? fork_execute(path[0], arguments, environment) : 0;
  if (path) free_strings(path);
  if (arguments) free_strings(arguments);
  if (environment) free_strings(environment);
  return environment ? number(env, rc) : NULL;
}

/* changeRoot([folder]) */
static napi_value bind_change_root(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  char **folder = strings_of(env, argv[0]);
  if (folder == NULL) return NULL;
  int rc = fork_change_root(folder[0]);
  free_strings(folder);
  return number(env, rc);
}

/* unshare(names) */
static napi_value bind_unshare(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  char **names = strings_of(env, argv[0]);
  if (names == NULL) return NULL;
  int rc = fork_unshare(names);
  free_strings(names);
  return number(env, rc);
}

static void on_loop_end(void *context) { call_back(context, 0, NULL); }

/* onLoopEnd(callback): for the rest of the process's life */
static napi_value bind_on_loop_end(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  FUNCTION(env, argv[0]);
  uv_loop_t *loop;
  TRY(env, napi_get_uv_event_loop(env, &loop));
  struct callback *callback = callback_new(env, argv[0], "LOOPEND");
  if (callback == NULL) return NULL;
  int rc = fork_on_loop_end(loop, on_loop_end, callback);
  if (rc < 0) callback_free(callback);
  return number(env, rc);
}

static void on_environment_end(void *children) { fork_thread_children_end(children); }

#define CHILDREN(env, name)          \
  struct fork_thread_children *name; \
  TRY(env, napi_get_instance_data(env, (void **)&(name)))

/* beginSpawn() */
static napi_value bind_begin_spawn(napi_env env, napi_callback_info info) {
  (void)info;
  CHILDREN(env, children);
  return number(env, fork_begin_spawn(children));
}

/* endSpawn(pid) */
static napi_value bind_end_spawn(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], pid);
  CHILDREN(env, children);
  return number(env, fork_end_spawn(children, pid));
}

/* forgetChild(pid): it was reaped */
static napi_value bind_forget_child(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], pid);
  CHILDREN(env, children);
  return number(env, fork_keep_child(children, pid, 0));
}

/* spareChild(pid): it lives on when the thread ends */
static napi_value bind_spare_child(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], pid);
  CHILDREN(env, children);
  return number(env, fork_spare_child(children, pid, 1));
}

NAPI_MODULE_INIT() {
  struct fork_thread_children *children = fork_thread_children_new();
  if (children == NULL || napi_set_instance_data(env, children, NULL, NULL) != napi_ok ||
      napi_add_env_cleanup_hook(env, on_environment_end, children) != napi_ok) {
    if (children) fork_thread_children_end(children);
    napi_throw_error(env, "ERR_NATIVE", "the addon could not be set up");
    return NULL;
  }
  const napi_property_descriptor properties[] = {
    METHOD("refreshCodePages", bind_refresh_code_pages),
    METHOD("fork", bind_fork),
    METHOD("memoryFile", bind_memory_file),
    METHOD("execute", bind_execute),
    METHOD("getpid", bind_getpid),
    METHOD("ownPidInProc", bind_own_pid_in_proc),
    METHOD("exit", bind_exit),
    METHOD("armLifeline", bind_arm_lifeline),
    METHOD("claimLifeline", bind_claim_lifeline),
    METHOD("openLifeline", bind_open_lifeline),
    METHOD("disarmLifeline", bind_disarm_lifeline),
    METHOD("shareLifeline", bind_share_lifeline),
    METHOD("reportThreadLimit", bind_report_thread_limit),
    METHOD("ignoreInterrupt", bind_ignore_interrupt),
    METHOD("becomeSubreaper", bind_become_subreaper),
    METHOD("peekEnded", bind_peek_ended),
    METHOD("reap", bind_reap),
    METHOD("onLoopEnd", bind_on_loop_end),
    METHOD("isLoopAlive", bind_is_loop_alive),
    METHOD("activeRequests", bind_active_requests),
    METHOD("fillRandom", bind_fill_random),
    METHOD("reduceHeap", bind_reduce_heap),
    METHOD("trimMalloc", bind_trim_malloc),
    METHOD("signal", bind_signal),
    METHOD("signalChild", bind_signal_child),
    METHOD("openProcess", bind_open_process),
    METHOD("signalProcess", bind_signal_process),
    METHOD("hasProcessEnded", bind_has_process_ended),
    METHOD("processPid", bind_process_pid),
    METHOD("setLimit", bind_set_limit),
    METHOD("noNewPrivileges", bind_no_new_privileges),
    METHOD("changeRoot", bind_change_root),
    METHOD("unshare", bind_unshare),
    METHOD("dropCapabilities", bind_drop_capabilities),
    METHOD("confineSignals", bind_confine_signals),
    METHOD("processorTime", bind_processor_time),
    METHOD("beginSpawn", bind_begin_spawn),
    METHOD("endSpawn", bind_end_spawn),
    METHOD("forgetChild", bind_forget_child),
    METHOD("spareChild", bind_spare_child),
  };
  TRY(env, napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties));
  return bind_server(env, exports);
}
