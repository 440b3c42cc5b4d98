#include "arguments.h"

/* send(socket, buffer, offset, length, Int32Array, count, flags) */
static napi_value bind_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 7);
  INT32(env, argv[0], socket);
  char *bytes;
  size_t size;
  int32_t *fds;
  if (!bytes_of(env, argv[1], argv[2], argv[3], &bytes, &size)) return NULL;
  UINT32(env, argv[5], count);
  if (!int32s_of(env, argv[4], count, &fds)) return NULL;
  INT32(env, argv[6], flags);
  return number(env, fdpass_send(socket, bytes, size, fds, count, flags));
}

#ifdef ANYFORK_LINUX
#define IS_LINUX 1
#else
#define IS_LINUX 0
#endif

/* For a longer time, sleeping is better. */
#define MOST_SPIN_US 1000000

/* receive(socket, buffer, offset, length, Int32Array[2 + 253], flags, spin in microseconds): returns the number of
 * bytes, and stores the number of descriptors, whether the message was truncated, and the descriptors in the array. */
static napi_value bind_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 7);
  INT32(env, argv[0], socket);
  char *bytes;
  size_t size;
  int32_t *out;
  if (!room_of(env, argv[1], argv[2], argv[3], &bytes, &size)) return NULL;
  if (!int32s_of(env, argv[4], 2 + FDPASS_MAX_DESCRIPTORS, &out)) return NULL;
  INT32(env, argv[5], flags);
  DOUBLE(env, argv[6], spin);
  if (!(spin >= 0 && spin <= MOST_SPIN_US)) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "expected spin to be 0 to 1000000 microseconds");
    return NULL;
  }
  struct fdpass_received received;
  ssize_t n = fdpass_receive_spinning(socket, bytes, size, out + 2, &received, flags, (uint64_t)(spin * 1000));
  out[0] = (int32_t)received.count;
  out[1] = received.truncated;
  return number(env, opened(env, out + 2, received.count, n));
}

/* sendOne(socket, fd): sends one descriptor with one zero byte */
static napi_value bind_send_one(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], socket);
  INT32(env, argv[1], fd);
  const char zero = 0;
  return number(env, fdpass_send(socket, &zero, 1, &fd, 1, 0));
}

/* The result at the end of the stream if 0 is a descriptor. It is not an errno. */
#define END_OF_STREAM (-0x10000)

/* receiveOne(socket): returns the descriptor that came with one byte, END_OF_STREAM, or a negative errno */
static napi_value bind_receive_one(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], socket);
  int fds[FDPASS_MAX_DESCRIPTORS];
  char byte;
  struct fdpass_received received;
  ssize_t n = fdpass_receive(socket, &byte, 1, fds, &received, FDPASS_PEEK);
  if (n < 0) return number(env, n);
  if (n == 0 && received.count == 0) return number(env, END_OF_STREAM);
  if (received.count == 1) return number(env, opened(env, fds, 1, fds[0]));
  for (size_t i = 0; i < received.count; i++) fdpass_close(fds[i]);
  return number(env, UV_EPROTO);
}

/* sendMany(socket, Int32Array, count, batch, flags) */
static napi_value bind_send_many(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  INT32(env, argv[0], socket);
  int32_t *fds;
  UINT32(env, argv[2], count);
  UINT32(env, argv[3], batch);
  INT32(env, argv[4], flags);
  if (!int32s_of(env, argv[1], count, &fds)) return NULL;
  return number(env, fdpass_send_many(socket, fds, count, batch, flags));
}

/* receiveMany(socket, Int32Array[2 + 253], wanted, flags): returns the number of descriptors, and stores whether it was
 * a burst, an error to report later or 0, and the descriptors in the array. */
static napi_value bind_receive_many(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 4);
  INT32(env, argv[0], socket);
  int32_t *out;
  if (!int32s_of(env, argv[1], 2 + FDPASS_MAX_DESCRIPTORS, &out)) return NULL;
  UINT32(env, argv[2], wanted);
  INT32(env, argv[3], flags);
  struct fdpass_many many;
  ssize_t n = fdpass_receive_many(socket, out + 2, wanted, &many, flags);
  out[0] = many.was_burst;
  out[1] = many.later;
  return number(env, opened(env, out + 2, n < 0 ? 0 : (size_t)n, n));
}

/* pending(socket) */
static napi_value bind_pending(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  INT32(env, argv[0], socket);
  return number(env, fdpass_pending(socket));
}

/* setReceiveTimeout(socket, milliseconds) */
static napi_value bind_set_receive_timeout(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  INT32(env, argv[0], socket);
  INT32(env, argv[1], milliseconds);
  return number(env, fdpass_set_receive_timeout(socket, milliseconds));
}

bool define_messages(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("send", bind_send),
    METHOD("receive", bind_receive),
    METHOD("sendOne", bind_send_one),
    METHOD("receiveOne", bind_receive_one),
    METHOD("sendMany", bind_send_many),
    METHOD("receiveMany", bind_receive_many),
    METHOD("pending", bind_pending),
    METHOD("setReceiveTimeout", bind_set_receive_timeout),
  };
  const struct constant constants[] = {
    {"DONT_WAIT", FDPASS_DONT_WAIT},
    {"PEEK", FDPASS_PEEK},
    {"BYTES_ONLY", FDPASS_BYTES_ONLY},
    {"YIELD", FDPASS_YIELD},
    {"END_OF_STREAM", END_OF_STREAM},
    {"EAGAIN", UV_EAGAIN},
    {"maxDescriptors", (int)fdpass_most_descriptors()},
    {"isLinux", IS_LINUX},
  };
  return DEFINE(env, exports, methods, constants);
}
