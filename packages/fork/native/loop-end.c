#include "fork.h"

#include <stdlib.h>

/* Node waits for its platform's threads at the end of its loop, and a forked
 * child has none. A handle that is always alive keeps uv_run from returning;
 * right before the loop would wait it looks whether anything else is. */
struct loop_end {
  uv_prepare_t prepare;
  uv_idle_t idle; /* lets the loop turn without waiting */
  int turns;      /* in a row that found nothing alive */
  fork_loop_end_callback callback;
  void *context;
};

/* What other code has posted without keeping the loop alive (V8's foreground
 * tasks) arrives within these. */
#define QUIET_TURNS 2

static void on_idle(uv_idle_t *idle) { (void)idle; }

static void on_prepare(uv_prepare_t *prepare) {
  struct loop_end *self = prepare->data;
  uv_unref((uv_handle_t *)&self->prepare);
  int alive = uv_loop_alive(prepare->loop); /* the idle handle never counts */
  uv_ref((uv_handle_t *)&self->prepare);
  if (alive) {
    self->turns = 0;
    uv_idle_stop(&self->idle);
    return;
  }
  if (self->turns++ < QUIET_TURNS) {
    uv_idle_start(&self->idle, on_idle);
    return;
  }
  self->turns = 0;
  uv_idle_stop(&self->idle);
  /* Left out meanwhile, so that uv_loop_alive tells the callback about all else. */
  uv_unref((uv_handle_t *)prepare);
  self->callback(self->context);
  uv_ref((uv_handle_t *)prepare);
}

int fork_on_loop_end(uv_loop_t *loop, fork_loop_end_callback callback, void *context) {
  struct loop_end *self = calloc(1, sizeof *self);
  if (self == NULL) return UV_ENOMEM;
  self->callback = callback;
  self->context = context;
  uv_prepare_init(loop, &self->prepare);
  uv_idle_init(loop, &self->idle);
  uv_unref((uv_handle_t *)&self->idle);
  self->prepare.data = self;
  return uv_prepare_start(&self->prepare, on_prepare);
}
