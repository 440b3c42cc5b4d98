#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

struct seen {
  uv_loop_t loop;
  uv_timer_t timer;
  int calls, timers;
};

static void on_timer(uv_timer_t *timer) { ((struct seen *)timer->data)->timers++; }

/* Starts a timer at the first call, and stops the loop at the second one. */
static void on_end(void *context) {
  struct seen *seen = context;
  assert(!uv_loop_alive(&seen->loop));
  if (seen->calls++ > 0) return uv_stop(&seen->loop);
  assert(uv_timer_start(&seen->timer, on_timer, 1, 0) == 0);
  assert(uv_loop_alive(&seen->loop));
}

/* No process does this: it keeps the handle for the rest of its life. */
static void close_handle(uv_handle_t *handle, void *context) {
  if (handle->type == UV_PREPARE) *(void **)context = handle->data;
  uv_close(handle, NULL);
}

void test_loop_end(void) {
  struct seen seen = {0};
  assert(uv_loop_init(&seen.loop) == 0 && uv_timer_init(&seen.loop, &seen.timer) == 0);
  seen.timer.data = &seen;
  fail_allocations_after(0);
  assert(fork_on_loop_end(&seen.loop, on_end, &seen) == UV_ENOMEM);
  allow_allocations();
  assert(uv_timer_start(&seen.timer, on_timer, 1, 0) == 0);
  assert(fork_on_loop_end(&seen.loop, on_end, &seen) == 0);
  uv_run(&seen.loop, UV_RUN_DEFAULT);
  assert(seen.calls == 2 && seen.timers == 2);
  void *allocated = NULL;
  uv_walk(&seen.loop, close_handle, &allocated);
  assert(uv_run(&seen.loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&seen.loop) == 0);
  free(allocated);
}
