/* The only file that knows JavaScript. Functions that a caller may expect to
 * fail return a negative errno; src/ makes errors of them. */
#include "fdpass.h"

#include <node_api.h>
#include <stdlib.h>
#include <sys/socket.h>

#define TRY(env, call)                                            \
  do {                                                            \
    if ((call) != napi_ok) {                                      \
      bool pending = false;                                       \
      napi_is_exception_pending((env), &pending);                 \
      if (!pending) napi_throw_error((env), "ERR_NATIVE", #call); \
      return NULL;                                                \
    }                                                             \
  } while (0)

#define ARGUMENTS(env, info, count)                                        \
  napi_value argv[count];                                                  \
  size_t argc = (count);                                                   \
  TRY((env), napi_get_cb_info((env), (info), &argc, argv, NULL, NULL));    \
  if (argc < (count)) {                                                    \
    napi_throw_type_error((env), "ERR_MISSING_ARGS", "too few arguments"); \
    return NULL;                                                           \
  }

static napi_value number(napi_env env, int64_t value) {
  napi_value result;
  TRY(env, napi_create_int64(env, value, &result));
  return result;
}

/* A buffer argument and the part of it that [offset, offset + length) names. */
static bool bytes_of(napi_env env, napi_value buffer, napi_value offset, napi_value length,
                     char **bytes, size_t *size) {
  void *data;
  size_t total;
  int64_t from, count;
  if (napi_get_buffer_info(env, buffer, &data, &total) != napi_ok ||
      napi_get_value_int64(env, offset, &from) != napi_ok ||
      napi_get_value_int64(env, length, &count) != napi_ok || from < 0 || count < 0 ||
      (uint64_t)from > total || (uint64_t)count > total - (uint64_t)from) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "offset and length lie outside the buffer");
    return false;
  }
  *bytes = (char *)data + from;
  *size = (size_t)count;
  return true;
}

static bool int32s_of(napi_env env, napi_value array, size_t need, int32_t **values) {
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_int32_array || length < need) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected an Int32Array with room enough");
    return false;
  }
  *values = data;
  return true;
}

/* socketpair(type, Int32Array[2]) */
static napi_value bind_socketpair(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int32_t type, *out;
  TRY(env, napi_get_value_int32(env, argv[0], &type));
  if (!int32s_of(env, argv[1], 2, &out)) return NULL;
  return number(env, fdpass_socketpair(type, out));
}

/* pipe(Int32Array[2]) */
static napi_value bind_pipe(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int32_t *out;
  if (!int32s_of(env, argv[0], 2, &out)) return NULL;
  return number(env, fdpass_pipe(out));
}

#define BIND_FD(name)                                                 \
  static napi_value bind_##name(napi_env env, napi_callback_info info) { \
    ARGUMENTS(env, info, 1);                                          \
    int32_t fd;                                                       \
    TRY(env, napi_get_value_int32(env, argv[0], &fd));                \
    return number(env, fdpass_##name(fd));                            \
  }

#define BIND_FD_FLAG(name)                                            \
  static napi_value bind_##name(napi_env env, napi_callback_info info) { \
    ARGUMENTS(env, info, 2);                                          \
    int32_t fd;                                                       \
    bool on;                                                          \
    TRY(env, napi_get_value_int32(env, argv[0], &fd));                \
    TRY(env, napi_get_value_bool(env, argv[1], &on));                 \
    return number(env, fdpass_##name(fd, on));                        \
  }

BIND_FD(duplicate)
BIND_FD(close)
BIND_FD(get_nonblocking)
BIND_FD(get_close_on_exec)
BIND_FD(accept)
BIND_FD(pending)
BIND_FD_FLAG(set_nonblocking)
BIND_FD_FLAG(set_close_on_exec)

/* read(fd, buffer, offset, length), write(fd, buffer, offset, length) */
#define BIND_BYTES(name)                                                \
  static napi_value bind_##name(napi_env env, napi_callback_info info) {  \
    ARGUMENTS(env, info, 4);                                            \
    int32_t fd;                                                         \
    char *bytes;                                                        \
    size_t size;                                                        \
    TRY(env, napi_get_value_int32(env, argv[0], &fd));                  \
    if (!bytes_of(env, argv[1], argv[2], argv[3], &bytes, &size)) return NULL; \
    return number(env, fdpass_##name(fd, bytes, size));                 \
  }

BIND_BYTES(read)
BIND_BYTES(write)

/* send(socket, buffer, offset, length, Int32Array, count, flags) */
static napi_value bind_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 7);
  int32_t socket, flags, *fds;
  uint32_t count;
  char *bytes;
  size_t size;
  TRY(env, napi_get_value_int32(env, argv[0], &socket));
  if (!bytes_of(env, argv[1], argv[2], argv[3], &bytes, &size)) return NULL;
  TRY(env, napi_get_value_uint32(env, argv[5], &count));
  if (!int32s_of(env, argv[4], count, &fds)) return NULL;
  TRY(env, napi_get_value_int32(env, argv[6], &flags));
  return number(env, fdpass_send(socket, bytes, size, fds, count, flags));
}

/* receive(socket, buffer, offset, length, Int32Array[2 + 253], flags): bytes; the array
 * gets the number of descriptors, whether the message was cut, the descriptors. */
static napi_value bind_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 6);
  int32_t socket, flags, *out;
  char *bytes;
  size_t size;
  TRY(env, napi_get_value_int32(env, argv[0], &socket));
  if (!bytes_of(env, argv[1], argv[2], argv[3], &bytes, &size)) return NULL;
  if (!int32s_of(env, argv[4], 2 + FDPASS_MAX_DESCRIPTORS, &out)) return NULL;
  TRY(env, napi_get_value_int32(env, argv[5], &flags));
  struct fdpass_received received;
  ssize_t n = fdpass_receive(socket, bytes, size, out + 2, &received, flags);
  out[0] = (int32_t)received.count;
  out[1] = received.truncated;
  return number(env, n);
}

/* sendOne(socket, fd): one descriptor with one zero byte */
static napi_value bind_send_one(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int32_t socket, fd;
  const char zero = 0;
  TRY(env, napi_get_value_int32(env, argv[0], &socket));
  TRY(env, napi_get_value_int32(env, argv[1], &fd));
  return number(env, fdpass_send(socket, &zero, 1, &fd, 1, 0));
}

/* The end of the stream, where 0 is a descriptor. */
#define END_OF_STREAM (-0x10000)

/* receiveOne(socket): the descriptor that came with one byte, -0x10000 at the end of the stream */
static napi_value bind_receive_one(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int32_t socket;
  int fds[FDPASS_MAX_DESCRIPTORS];
  char byte;
  TRY(env, napi_get_value_int32(env, argv[0], &socket));
  struct fdpass_received received;
  ssize_t n = fdpass_receive(socket, &byte, 1, fds, &received, FDPASS_PEEK);
  if (n < 0) return number(env, n);
  if (n == 0 && received.count == 0) return number(env, END_OF_STREAM);
  if (received.count == 1) return number(env, fds[0]);
  for (size_t i = 0; i < received.count; i++) fdpass_close(fds[i]);
  return number(env, UV_EPROTO);
}

/* A path argument, as the bytes of a buffer. */
static bool path_of(napi_env env, napi_value value, char **path, size_t *length) {
  if (napi_get_buffer_info(env, value, (void **)path, length) == napi_ok) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a path in a buffer");
  return false;
}

/* listen(path, backlog) */
static napi_value bind_listen(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  char *path;
  size_t length;
  int32_t backlog;
  if (!path_of(env, argv[0], &path, &length)) return NULL;
  TRY(env, napi_get_value_int32(env, argv[1], &backlog));
  return number(env, fdpass_listen(path, length, backlog));
}

/* connect(path) */
static napi_value bind_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  char *path;
  size_t length;
  if (!path_of(env, argv[0], &path, &length)) return NULL;
  return number(env, fdpass_connect(path, length));
}

/* shutdown(fd, how) */
static napi_value bind_shutdown(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int32_t fd, how;
  TRY(env, napi_get_value_int32(env, argv[0], &fd));
  TRY(env, napi_get_value_int32(env, argv[1], &how));
  return number(env, fdpass_shutdown(fd, how));
}

/* peerCredentials(socket, Int32Array[3]): pid, uid, gid */
static napi_value bind_peer_credentials(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int32_t socket, *out;
  TRY(env, napi_get_value_int32(env, argv[0], &socket));
  if (!int32s_of(env, argv[1], 3, &out)) return NULL;
  struct fdpass_credentials credentials;
  int rc = fdpass_peer_credentials(socket, &credentials);
  if (rc == 0) {
    out[0] = credentials.pid;
    out[1] = (int32_t)credentials.uid;
    out[2] = (int32_t)credentials.gid;
  }
  return number(env, rc);
}

/* What lives as long as the addon does in one thread: its loop, its watches. */
struct thread {
  uv_loop_t *loop;
  struct js_watch *watches;
  size_t closing;
  napi_async_cleanup_hook_handle cleanup; /* set once the environment goes down */
};

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
  napi_remove_async_cleanup_hook(thread->cleanup);
  free(thread);
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
    if (napi_make_callback(env, async, receiver, callback, 1, &argument, &result) ==
        napi_pending_exception) {
      napi_value error;
      if (napi_get_and_clear_last_exception(env, &error) == napi_ok)
        napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

/* watch(fd, events, callback): an external, or a negative errno */
static napi_value bind_watch(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  int32_t fd, events;
  struct thread *thread;
  napi_value name, external;
  TRY(env, napi_get_value_int32(env, argv[0], &fd));
  TRY(env, napi_get_value_int32(env, argv[1], &events));
  TRY(env, napi_get_instance_data(env, (void **)&thread));
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
    napi_throw_error(env, "ERR_NATIVE", "the watch could not be made");
    return NULL;
  }
  return external;
}

#define WATCH_ARGUMENT(env, argument, self) \
  struct js_watch *self;                    \
  TRY((env), napi_get_value_external((env), (argument), (void **)&self))

static napi_value bind_watch_change(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  WATCH_ARGUMENT(env, argv[0], self);
  int32_t events;
  TRY(env, napi_get_value_int32(env, argv[1], &events));
  return number(env, fdpass_watch_change(self->watch, events));
}

static napi_value bind_watch_ref(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  WATCH_ARGUMENT(env, argv[0], self);
  bool on;
  TRY(env, napi_get_value_bool(env, argv[1], &on));
  fdpass_watch_ref(self->watch, on);
  return NULL;
}

static napi_value bind_watch_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  WATCH_ARGUMENT(env, argv[0], self);
  js_watch_end(self);
  return NULL;
}

/* A worker thread ends: close what it still watches, then let it go. */
static void on_cleanup(napi_async_cleanup_hook_handle handle, void *data) {
  struct thread *thread = data;
  thread->cleanup = handle;
  while (thread->watches) js_watch_end(thread->watches);
  finish_cleanup(thread);
}

static napi_value constant(napi_env env, napi_value exports, const char *name, int32_t value) {
  napi_value result;
  TRY(env, napi_create_int32(env, value, &result));
  TRY(env, napi_set_named_property(env, exports, name, result));
  return result;
}

static napi_value init(napi_env env, napi_value exports) {
  struct thread *thread = calloc(1, sizeof *thread);
  if (thread == NULL) {
    napi_throw_error(env, "ENOMEM", "out of memory");
    return NULL;
  }
  if (napi_get_uv_event_loop(env, &thread->loop) != napi_ok ||
      napi_set_instance_data(env, thread, NULL, NULL) != napi_ok ||
      napi_add_async_cleanup_hook(env, on_cleanup, thread, NULL) != napi_ok) {
    free(thread);
    napi_throw_error(env, "ERR_NATIVE", "no event loop");
    return NULL;
  }

#define METHOD(property, function) \
  { .utf8name = property, .method = function, .attributes = napi_enumerable }
  const napi_property_descriptor properties[] = {
      METHOD("socketpair", bind_socketpair),
      METHOD("pipe", bind_pipe),
      METHOD("duplicate", bind_duplicate),
      METHOD("close", bind_close),
      METHOD("getNonblocking", bind_get_nonblocking),
      METHOD("setNonblocking", bind_set_nonblocking),
      METHOD("getCloseOnExec", bind_get_close_on_exec),
      METHOD("setCloseOnExec", bind_set_close_on_exec),
      METHOD("read", bind_read),
      METHOD("write", bind_write),
      METHOD("send", bind_send),
      METHOD("receive", bind_receive),
      METHOD("sendOne", bind_send_one),
      METHOD("receiveOne", bind_receive_one),
      METHOD("pending", bind_pending),
      METHOD("listen", bind_listen),
      METHOD("accept", bind_accept),
      METHOD("connect", bind_connect),
      METHOD("shutdown", bind_shutdown),
      METHOD("peerCredentials", bind_peer_credentials),
      METHOD("watch", bind_watch),
      METHOD("watchChange", bind_watch_change),
      METHOD("watchRef", bind_watch_ref),
      METHOD("watchClose", bind_watch_close),
  };
  TRY(env, napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties));
  if (!constant(env, exports, "SOCK_STREAM", SOCK_STREAM) ||
      !constant(env, exports, "SOCK_DGRAM", SOCK_DGRAM) ||
      !constant(env, exports, "SOCK_SEQPACKET", SOCK_SEQPACKET) ||
      !constant(env, exports, "UV_READABLE", UV_READABLE) ||
      !constant(env, exports, "UV_WRITABLE", UV_WRITABLE) ||
      !constant(env, exports, "UV_DISCONNECT", UV_DISCONNECT) ||
      !constant(env, exports, "SHUT_RD", SHUT_RD) || !constant(env, exports, "SHUT_WR", SHUT_WR) ||
      !constant(env, exports, "SHUT_RDWR", SHUT_RDWR) ||
      !constant(env, exports, "DONT_WAIT", FDPASS_DONT_WAIT) ||
      !constant(env, exports, "PEEK", FDPASS_PEEK) ||
      !constant(env, exports, "END_OF_STREAM", END_OF_STREAM) ||
      !constant(env, exports, "maxDescriptors", FDPASS_MAX_DESCRIPTORS))
    return NULL;
  return exports;
}

NAPI_MODULE_INIT() { return init(env, exports); }
