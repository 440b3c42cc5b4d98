#include "fork.h"

#include <stdlib.h>

/* When uv_run returns, Node waits for the threads of its platform, which a forked child does not have. So a handle that
 * is always alive keeps uv_run from returning. Right before the loop would wait, it looks whether anything else is
 * alive. */
struct loop_end {
  uv_prepare_t prepare;
  uv_idle_t idle; /* while it is active, the loop does not wait */
  int turns;      /* the number of turns in a row that found nothing else alive */
  fork_loop_end_callback callback;
  void *context;
};

/* V8's foreground tasks do not keep the loop alive. Those that are posted already run within this many turns. */
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
  /* Not counted meanwhile, so that the callback can ask uv_loop_alive about everything else. */
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
