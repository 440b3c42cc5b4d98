#include "arguments.h"

/* Longer than this is better slept. */
#define MOST_SPIN_US 1000000

/* receiveSpinning(socket, buffer, offset, length, Int32Array[2 + 253], flags, microseconds): as receive */
static napi_value bind_receive_spinning(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 7);
  INT32(env, argv[0], socket);
  char *bytes;
  size_t size;
  int32_t *out;
  double spin;
  if (!room_of(env, argv[1], argv[2], argv[3], &bytes, &size)) return NULL;
  if (!int32s_of(env, argv[4], 2 + FDPASS_MAX_DESCRIPTORS, &out)) return NULL;
  INT32(env, argv[5], flags);
  TRY_ARGUMENT(env, napi_get_value_double(env, argv[6], &spin), "spin is a number");
  if (!(spin >= 0 && spin <= MOST_SPIN_US)) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "spin is 0 to 1000000 microseconds");
    return NULL;
  }
  struct fdpass_received received;
  ssize_t n = fdpass_receive_spinning(socket, bytes, size, out + 2, &received, flags, (uint64_t)(spin * 1000));
  out[0] = (int32_t)received.count;
  out[1] = received.truncated;
  return number(env, n);
}

bool define_spinning(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
    METHOD("receiveSpinning", bind_receive_spinning),
  };
  const struct constant constants[] = {
    {"BYTES_ONLY", FDPASS_BYTES_ONLY},
    {"YIELD", FDPASS_YIELD},
  };
  return DEFINE(env, exports, methods, constants);
}
