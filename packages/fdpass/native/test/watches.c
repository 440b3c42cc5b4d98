#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLOSED_FD 99999

struct seen {
  int calls, status, events;
  bool is_closed;
};

static void on_event(void *context, int status, int events) {
  struct seen *seen = context;
  seen->calls++;
  seen->status = status;
  seen->events = events;
}

static void on_closed(void *context) { ((struct seen *)context)->is_closed = true; }

static void end_watch(uv_loop_t *loop, struct fdpass_watch *watch, struct seen *seen) {
  int calls = seen->calls;
  fdpass_watch_close(watch, on_closed);
  assert(uv_run(loop, UV_RUN_DEFAULT) == 0);
  assert(seen->is_closed && seen->calls == calls);
  assert(uv_loop_close(loop) == 0);
}

void test_watch(void) {
  int pair[2];
  uv_loop_t loop;
  struct fdpass_watch *watch;
  struct seen seen = {0};
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0 && uv_loop_init(&loop) == 0);
  assert(fdpass_watch_start(&loop, pair[0], UV_READABLE, on_event, &seen, &watch) == 0);
  assert(fdpass_get_nonblocking(pair[0]) == 1);
  uv_run(&loop, UV_RUN_NOWAIT);
  assert(seen.calls == 0);
  assert(fdpass_write(pair[1], "x", 1) == 1);
  uv_run(&loop, UV_RUN_ONCE);
  assert(seen.calls == 1 && seen.status == 0 && seen.events == UV_READABLE);
  assert(fdpass_watch_change(watch, UV_WRITABLE) == 0);
  uv_run(&loop, UV_RUN_ONCE);
  assert(seen.calls == 2 && seen.events == UV_WRITABLE);
  fdpass_watch_ref(watch, 0);
  assert(!uv_loop_alive(&loop));
  fdpass_watch_ref(watch, 1);
  assert(uv_loop_alive(&loop));
  end_watch(&loop, watch, &seen);
  close(pair[0]);
  close(pair[1]);
}

void test_watch_of_reset_connection(void) {
  int pair[2];
  char byte;
  uv_loop_t loop;
  struct fdpass_watch *watch;
  struct seen seen = {0};
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0 && uv_loop_init(&loop) == 0);
  assert(fdpass_watch_start(&loop, pair[0], UV_READABLE, on_event, &seen, &watch) == 0);
  assert(fdpass_write(pair[0], "unread", 6) == 6 && fdpass_write(pair[1], "x", 1) == 1);
  close(pair[1]); /* with unread bytes: a reset */
  for (int turn = 0; turn < 3; turn++) uv_run(&loop, UV_RUN_ONCE);
  assert(seen.calls >= 3); /* an error has not ended the watch */
  assert(fdpass_read(pair[0], &byte, 1) == 1 && byte == 'x');
  end_watch(&loop, watch, &seen);
  close(pair[0]);
}

void test_rejected_watches(void) {
  char path[] = "/tmp/fdpass-test-XXXXXX";
  int pair[2], file = mkstemp(path);
  uv_loop_t loop;
  struct fdpass_watch *watch, *other;
  struct seen seen = {0};
  assert(file >= 0 && unlink(path) == 0 && fdpass_socketpair(SOCK_STREAM, pair) == 0 && uv_loop_init(&loop) == 0);
  assert(fdpass_watch_start(&loop, file, UV_READABLE, on_event, &seen, &watch) == -EPERM);
  assert(fdpass_watch_start(&loop, CLOSED_FD, UV_READABLE, on_event, &seen, &watch) == -EBADF);
  fail_allocations_after(0);
  assert(fdpass_watch_start(&loop, pair[0], UV_READABLE, on_event, &seen, &watch) == -ENOMEM);
  allow_allocations();
  assert(fdpass_watch_start(&loop, pair[0], UV_READABLE, on_event, &seen, &watch) == 0);
  assert(fdpass_watch_start(&loop, pair[0], UV_READABLE, on_event, &seen, &other) == -EEXIST);
  end_watch(&loop, watch, &seen);
  close(file);
  close(pair[0]);
  close(pair[1]);
}

void test_kept_path(void) {
  char path[] = "/tmp/fdpass-test-XXXXXX";
  int pair[2];
  uv_loop_t loop;
  assert(mkdtemp(path) != NULL && uv_loop_init(&loop) == 0 && fdpass_socketpair(SOCK_STREAM, pair) == 0);
  for (int is_kept = 0; is_kept < 2; is_kept++) {
    char name[sizeof path + 2];
    uv_pipe_t server;
    uv_os_fd_t fd;
    strcat(strcpy(name, path), "/s");
    assert(uv_pipe_init(&loop, &server, 0) == 0 && uv_pipe_bind(&server, name) == 0);
    assert(uv_fileno((uv_handle_t *)&server, &fd) == 0);
    assert(fdpass_keep_path(&loop, pair[0]) == 0); /* another socket, without a path */
    if (is_kept) assert(fdpass_keep_path(&loop, fd) == 0);
    uv_close((uv_handle_t *)&server, NULL);
    assert(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    assert((access(name, F_OK) == 0) == is_kept);
    if (is_kept) unlink(name);
  }
  assert(fdpass_keep_path(&loop, CLOSED_FD) == -EBADF);
  assert(uv_loop_close(&loop) == 0 && rmdir(path) == 0);
  close(pair[0]);
  close(pair[1]);
}
