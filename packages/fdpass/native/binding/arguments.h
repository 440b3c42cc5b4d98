/* What the files of this folder share. They are the only ones that know JavaScript. Functions that a caller may
 * expect to fail return a negative errno; src/ turns it into an error.
 */
#ifndef FDPASS_ARGUMENTS_H
#define FDPASS_ARGUMENTS_H

#include "../fdpass.h"
#include "../napi-arguments.h"

/* The functions below return false, with an exception pending, when an argument is invalid. What they store
 * belongs to the buffer. */

/* Stores the part of a buffer from offset to offset + length. A part that is not within the buffer is a RangeError. */
bool bytes_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size);
/* Like bytes_of, for at least one byte: receiving 0 bytes would look like the end of the stream. */
bool room_of(napi_env env, napi_value buffer, napi_value offset, napi_value length, char **bytes, size_t *size);
/* Stores the bytes of a path, which a buffer holds. */
bool path_of(napi_env env, napi_value value, char **path, size_t *length);

/* The state of the addon in one thread. */
struct thread {
  uv_loop_t *loop;
  struct js_watch *watches;
  size_t closing;                         /* watches */
  napi_async_cleanup_hook_handle cleanup; /* set once the environment ends */
  /* Closed when the thread ends, because `worker.terminate()` ends it without running code. JavaScript could add a
   * descriptor only some time after it was opened. */
  struct fdpass_kept kept;
  bool keeps_opened;
};

/* Makes the state of this thread. Returns false, with an exception pending, if that fails. */
bool begin_thread(napi_env env, napi_async_cleanup_hook on_cleanup);
/* Lets the environment end, when `cleanup` is set and the watches are closed. */
void end_thread(struct thread *thread);
struct thread *thread_of(napi_env env);
/* Call this with what a function has opened, and its result, which this returns. Keeps the descriptors if the thread
 * wants that. If there is no memory, closes them, and returns -ENOMEM. */
ssize_t opened(napi_env env, const int *fds, size_t count, ssize_t result);

struct constant {
  const char *name;
  int32_t value;
};

/* Adds the functions and constants of one file to the addon. */
bool define(napi_env env, napi_value exports, const napi_property_descriptor *methods, size_t method_count,
  const struct constant *constants, size_t constant_count);

#define DEFINE(env, exports, methods, constants)                                        \
  define((env), (exports), (methods), sizeof(methods) / sizeof *(methods), (constants), \
    sizeof(constants) / sizeof *(constants))

/* Each adds what one file of this folder offers to src/binding.ts. */
bool define_descriptors(napi_env env, napi_value exports);
bool define_messages(napi_env env, napi_value exports);
bool define_connections(napi_env env, napi_value exports);
bool define_threads(napi_env env, napi_value exports);
bool define_watches(napi_env env, napi_value exports);
bool define_deferred_writes(napi_env env, napi_value exports);
bool define_shared_memory(napi_env env, napi_value exports);

#endif
