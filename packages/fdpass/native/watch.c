#include "fdpass.h"

#include <stdlib.h>

struct fdpass_watch {
  uv_poll_t poll;
  int events;
  fdpass_watch_callback callback;
  void *context;
  void (*closed)(void *context);
};

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct fdpass_watch *watch = poll->data;
  /* libuv stops watching at an error of the descriptor (POLLERR), and reports EBADF. But after a reset by the peer,
   * there may be more to read. */
  if (status < 0) uv_poll_start(poll, watch->events, on_poll);
  watch->callback(watch->context, status, events);
}

static void on_closed(uv_handle_t *handle) {
  struct fdpass_watch *watch = handle->data;
  if (watch->closed) watch->closed(watch->context);
  free(watch);
}

int fdpass_watch_start(
  uv_loop_t *loop, int fd, int events, fdpass_watch_callback callback, void *context, struct fdpass_watch **out) {
  struct fdpass_watch *watch = malloc(sizeof *watch);
  if (watch == NULL) return UV_ENOMEM;
  *watch = (struct fdpass_watch){.events = events, .callback = callback, .context = context};
  int rc = uv_poll_init(loop, &watch->poll, fd);
  if (rc < 0) {
    free(watch);
    return rc;
  }
  watch->poll.data = watch;
  rc = uv_poll_start(&watch->poll, events, on_poll);
  if (rc < 0) {
    uv_close((uv_handle_t *)&watch->poll, on_closed);
    return rc;
  }
  *out = watch;
  return 0;
}

bool fdpass_is_watched(const uv_loop_t *loop, int fd) {
  return fd >= 0 && (unsigned)fd < loop->nwatchers && loop->watchers[fd] != NULL;
}

int fdpass_watch_change(struct fdpass_watch *watch, int events) {
  watch->events = events;
  return uv_poll_start(&watch->poll, events, on_poll);
}

void fdpass_watch_ref(struct fdpass_watch *watch, int on) {
  if (on)
    uv_ref((uv_handle_t *)&watch->poll);
  else
    uv_unref((uv_handle_t *)&watch->poll);
}

void fdpass_watch_close(struct fdpass_watch *watch, void (*closed)(void *context)) {
  watch->closed = closed;
  uv_close((uv_handle_t *)&watch->poll, on_closed);
}
