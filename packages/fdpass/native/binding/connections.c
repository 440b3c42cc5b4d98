#include "arguments.h"

#include <sys/socket.h>

/* listen(path, backlog) */
static napi_value bind_listen(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  char *path;
  size_t length;
  if (!path_of(env, argv[0], &path, &length)) return NULL;
  INT32(env, argv[1], backlog);
  int listener = fdpass_listen(path, length, backlog);
  return number(env, opened(env, &listener, 1, listener));
}

/* accept(listener) */
static napi_value bind_accept(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], listener);
  int socket = fdpass_accept(listener);
  return number(env, opened(env, &socket, 1, socket));
}

/* connect(path, type) */
static napi_value bind_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  char *path;
  size_t length;
  if (!path_of(env, argv[0], &path, &length)) return NULL;
  INT32(env, argv[1], type);
  int socket = fdpass_connect(path, length, type);
  return number(env, opened(env, &socket, 1, socket));
}

/* shutdown(fd, how) */
static napi_value bind_shutdown(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], fd);
  INT32(env, argv[1], how);
  return number(env, fdpass_shutdown(fd, how));
}

/* socketKind(socket, Int32Array[3]): stores whether it is an AF_UNIX socket, its type, and whether it listens */
static napi_value bind_socket_kind(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], socket);
  int32_t *out;
  if (!int32s_of(env, argv[1], 3, &out)) return NULL;
  struct fdpass_socket_kind kind;
  int rc = fdpass_socket_kind(socket, &kind);
  if (rc == 0) {
    out[0] = kind.is_unix;
    out[1] = kind.type;
    out[2] = kind.is_listening;
  }
  return number(env, rc);
}

/* peerCredentials(socket, Int32Array[3]): stores pid, uid, and gid */
static napi_value bind_peer_credentials(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], socket);
  int32_t *out;
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

/* passCredentials(socket, on) */
static napi_value bind_pass_credentials(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], socket);
  BOOL(env, argv[1], on);
  return number(env, fdpass_pass_credentials(socket, on));
}

/* peekSender(socket, Int32Array[2]): stores pid and uid; returns 1, 0 at the end of the stream, or a negative errno */
static napi_value bind_peek_sender(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], socket);
  int32_t *out;
  if (!int32s_of(env, argv[1], 2, &out)) return NULL;
  struct fdpass_credentials credentials = {0};
  int rc = fdpass_peek_sender(socket, &credentials);
  out[0] = credentials.pid;
  out[1] = (int32_t)credentials.uid;
  return number(env, rc);
}

/* keepPath(fd) */
static napi_value bind_keep_path(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], fd);
  uv_loop_t *loop;
  TRY(env, napi_get_uv_event_loop(env, &loop));
  return number(env, fdpass_keep_path(loop, fd));
}

bool define_connections(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("listen", bind_listen),
    METHOD("accept", bind_accept),
    METHOD("connect", bind_connect),
    METHOD("shutdown", bind_shutdown),
    METHOD("socketKind", bind_socket_kind),
    METHOD("peerCredentials", bind_peer_credentials),
    METHOD("passCredentials", bind_pass_credentials),
    METHOD("peekSender", bind_peek_sender),
    METHOD("keepPath", bind_keep_path),
  };
  const struct constant constants[] = {
    {"SHUT_RD", SHUT_RD},
    {"SHUT_WR", SHUT_WR},
    {"SHUT_RDWR", SHUT_RDWR},
  };
  return DEFINE(env, exports, methods, constants);
}
