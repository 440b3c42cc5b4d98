#include "arguments.h"

#include <sys/socket.h>

/* socketpair(type, Int32Array[2]) */
static napi_value bind_socketpair(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], type);
  int32_t *out;
  if (!int32s_of(env, argv[1], 2, &out)) return NULL;
  return number(env, opened(env, out, 2, fdpass_socketpair(type, out)));
}

/* pipe(Int32Array[2]) */
static napi_value bind_pipe(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int32_t *out;
  if (!int32s_of(env, argv[0], 2, &out)) return NULL;
  return number(env, opened(env, out, 2, fdpass_pipe(out)));
}

/* duplicate(fd) */
static napi_value bind_duplicate(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], fd);
  int copy = fdpass_duplicate(fd);
  return number(env, opened(env, &copy, 1, copy));
}

/* duplicateTo(fd, number): the loop of this thread would go on watching the file that loses its number */
static napi_value bind_duplicate_to(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], fd);
  INT32(env, argv[1], to);
  if (fdpass_is_watched(thread_of(env)->loop, to)) return number(env, UV_EBUSY);
  int copy = fdpass_duplicate_to(fd, to);
  return number(env, opened(env, &copy, 1, copy));
}

/* checkRoom(slots) */
static napi_value bind_check_room(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  UINT32(env, argv[0], slots);
  return number(env, fdpass_check_room(slots));
}

/* close(fd) */
static napi_value bind_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], fd);
  fdpass_forget(&thread_of(env)->kept, fd); /* first: another thread may get the number */
  return number(env, fdpass_close(fd));
}

/* name(fd) */
#define BIND_FD(name)                                                    \
  static napi_value bind_##name(napi_env env, napi_callback_info info) { \
    ARGUMENTS(env, info, 1);                                             \
    INT32(env, argv[0], fd);                                             \
    return number(env, fdpass_##name(fd));                               \
  }

/* name(fd, on) */
#define BIND_FD_FLAG(name)                                               \
  static napi_value bind_##name(napi_env env, napi_callback_info info) { \
    ARGUMENTS(env, info, 2);                                             \
    INT32(env, argv[0], fd);                                             \
    BOOL(env, argv[1], on);                                              \
    return number(env, fdpass_##name(fd, on));                           \
  }

/* name(fd, buffer, offset, length) */
#define BIND_BYTES(name)                                                       \
  static napi_value bind_##name(napi_env env, napi_callback_info info) {       \
    ARGUMENTS(env, info, 4);                                                   \
    INT32(env, argv[0], fd);                                                   \
    char *bytes;                                                               \
    size_t size;                                                               \
    if (!bytes_of(env, argv[1], argv[2], argv[3], &bytes, &size)) return NULL; \
    return number(env, fdpass_##name(fd, bytes, size));                        \
  }

/* setAsyncOwner(fd, pid) */
static napi_value bind_set_async_owner(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], fd);
  INT32(env, argv[1], pid);
  return number(env, fdpass_set_async_owner(fd, pid));
}

BIND_FD(get_nonblocking)
BIND_FD(get_close_on_exec)
BIND_FD_FLAG(set_nonblocking)
BIND_FD_FLAG(set_close_on_exec)
BIND_BYTES(read)
BIND_BYTES(write)

/* splice(from, to, length) */
static napi_value bind_splice(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  INT32(env, argv[0], from);
  INT32(env, argv[1], to);
  UINT32(env, argv[2], length);
  return number(env, fdpass_splice(from, to, length));
}

/* adviseHugePages(buffer, offset, length) */
static napi_value bind_advise_huge_pages(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  char *bytes;
  size_t size;
  if (!bytes_of(env, argv[0], argv[1], argv[2], &bytes, &size)) return NULL;
  return number(env, fdpass_advise_huge_pages(bytes, size));
}

bool define_descriptors(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("socketpair", bind_socketpair),
    METHOD("pipe", bind_pipe),
    METHOD("duplicate", bind_duplicate),
    METHOD("duplicateTo", bind_duplicate_to),
    METHOD("checkRoom", bind_check_room),
    METHOD("close", bind_close),
    METHOD("getNonblocking", bind_get_nonblocking),
    METHOD("setNonblocking", bind_set_nonblocking),
    METHOD("getCloseOnExec", bind_get_close_on_exec),
    METHOD("setCloseOnExec", bind_set_close_on_exec),
    METHOD("setAsyncOwner", bind_set_async_owner),
    METHOD("read", bind_read),
    METHOD("write", bind_write),
    METHOD("splice", bind_splice),
    METHOD("adviseHugePages", bind_advise_huge_pages),
  };
  const struct constant constants[] = {
    {"SOCK_STREAM", SOCK_STREAM},
    {"SOCK_DGRAM", SOCK_DGRAM},
    {"SOCK_SEQPACKET", SOCK_SEQPACKET},
  };
  return DEFINE(env, exports, methods, constants);
}
