#include "fork-server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fork.h"
#include "frame.h"

struct fork_server {
  uv_poll_t poll;
  uv_check_t check;
  uv_signal_t child_ended;
  int socket;
  int events;
  struct fork_server_state *state;
  struct fork_children children;
  fork_server_callback callback;
  void *context;
  void (*closed)(void *context);
  int open_handles;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void tell(struct fork_server *self, enum fork_server_event event, int64_t a, int b, int c) {
  self->callback(self->context, event, a, b, c);
}

/* Frames that JavaScript has queued come first. */
static bool may_send(const struct fork_server *self) { return !self->state->has_queued_frames && self->events != 0; }

static void report_ended(struct fork_server *self, const struct fork_status *status) {
  if (!may_send(self) || frame_send_exited(self->socket, status->pid, status->code, status->signal) < 0)
    tell(self, FORK_SERVER_EXITED, status->pid, status->code, status->signal);
}

static void tell_if_none_is_left(struct fork_server *self) {
  if (self->children.count == 0 && self->state->tells_when_childless) tell(self, FORK_SERVER_CHILDLESS, 0, 0, 0);
}

void fork_server_reap(struct fork_server *self) {
  bool has_reaped = false;
  for (size_t i = 0; i < self->children.count;) {
    struct fork_status status;
    pid_t pid = self->children.pids[i];
    int rc = fork_peek_ended_one(pid, &status);
    if (rc == 0) {
      i++;
      continue;
    }
    fork_children_remove(&self->children, pid);
    if (rc == 1)
      fork_reap(pid);
    else /* other code has reaped it */
      status = (struct fork_status){.pid = pid, .code = -1};
    report_ended(self, &status);
    has_reaped = true;
  }
  if (has_reaped) tell_if_none_is_left(self);
}

/* The kernel reports only the first child that has ended. If that is not known here, others may be behind it. */
static void on_child_ended(uv_signal_t *signal, int number) {
  (void)number;
  struct fork_server *self = signal->data;
  struct fork_status status;
  bool has_reaped = false;
  while (fork_peek_ended(&status) == 1) {
    if (!fork_children_remove(&self->children, status.pid)) {
      fork_server_reap(self);
      tell(self, FORK_SERVER_UNKNOWN_ENDED, status.pid, 0, 0);
      break;
    }
    fork_reap(status.pid);
    report_ended(self, &status);
    has_reaped = true;
  }
  if (has_reaped) tell_if_none_is_left(self);
}

int fork_server_listen(struct fork_server *self) {
  if (uv_is_active((uv_handle_t *)&self->child_ended)) return 0;
  return uv_signal_start(&self->child_ended, on_child_ended, SIGCHLD);
}

/* The lifeline belongs to the open file, which parent and child share, so the child opens it anew, at the same number.
 * If the process outlives its owner, it has only the shared one. */
static int arm_lifeline(struct fork_server *self) {
  int armed = fork_arm_lifeline(self->state->shared_lifeline);
  if (armed == -ENOSYS) return 0;
  if (armed < 0 || self->state->own_lifeline < 0) {
    self->state->own_lifeline = armed < 0 ? -1 : armed;
    return armed < 0 ? armed : 0;
  }
  int rc = dup2(armed, self->state->own_lifeline) < 0 ? -errno : 0;
  if (rc == 0 && fcntl(self->state->own_lifeline, F_SETFD, FD_CLOEXEC) < 0) rc = -errno;
  close(armed);
  return rc;
}

/* The control socket of the child takes the number of its parent's, so that all who know it know the child's. */
static int become_child(struct fork_server *self, int control) {
  pid_t pid = getpid();
  /* If the child has an exact copy of the epoll set, the set watches the file, not the number. */
  if (self->state->copies_threads) uv_poll_stop(&self->poll);
  uv_signal_stop(&self->child_ended);
  uv_check_stop(&self->check);
  self->children.count = 0;
  self->state->may_fork = 0;
  self->state->has_queued_frames = 0;
  self->state->tells_when_childless = 0;
  /* Without a socket of its own, the child must not go on: it would write to its parent's. */
  if (dup2(control, self->socket) < 0 || fcntl(self->socket, F_SETFD, FD_CLOEXEC) < 0 ||
      fcntl(self->socket, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
    fork_exit(127);
  if (self->state->copies_threads && self->events) uv_poll_start(&self->poll, self->events, on_poll);
  int rc = fork_report_thread_limit_to(self->socket);
  if (rc < 0 && rc != -ENOSYS) return rc;
  int pidfd = fork_open_self();
  rc = frame_send_started(self->socket, pid, pidfd);
  /* There may be too many descriptors under way (ETOOMANYREFS). The owner can do without. */
  if (rc < 0 && pidfd >= 0) rc = frame_send_started(self->socket, pid, -1);
  if (pidfd >= 0) close(pidfd);
  /* The owner has gone: the lifeline will say so. */
  if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET) return rc;
  return arm_lifeline(self);
}

/* A number above the limit cannot be taken again (dup2(2)). */
static bool are_numbers_within_limit(const struct fork_server *self) {
  struct rlimit limit;
  rlim_t highest = (rlim_t)(self->socket > self->state->own_lifeline ? self->socket : self->state->own_lifeline);
  /* A filter may refuse the call. The fork itself then tells whether there is room. */
  return getrlimit(RLIMIT_NOFILE, &limit) < 0 || highest < limit.rlim_cur;
}

/* In a child that has a socket, but can have no threads. */
static void report_thread_limit(void *control) { fork_send_thread_limit(*(const int *)control); }

pid_t fork_server_fork(struct fork_server *self, int control, int (*wait_for_threads)(void), int *child_error) {
  if (!are_numbers_within_limit(self)) return -EMFILE;
  int rc = fork_children_reserve(&self->children);
  if (rc == 0) rc = fork_server_listen(self);
  if (rc < 0) return rc;
  uv_loop_t *loop = self->child_ended.loop;
  pid_t pid = self->state->copies_threads ? fork_process_with_threads(loop, -1, report_thread_limit, &control)
                                          : fork_process(loop, wait_for_threads);
  if (pid == 0) *child_error = become_child(self, control);
  if (pid > 0) fork_children_add(&self->children, pid);
  return pid;
}

/* Whether there is room for a report. */
static bool can_send(const struct fork_server *self) {
  struct pollfd room = {.fd = self->socket, .events = POLLOUT};
  return may_send(self) && poll(&room, 1, 0) == 1 && room.revents == POLLOUT;
}

static bool has_order(const struct fork_server *self) {
  struct pollfd order = {.fd = self->socket, .events = POLLIN};
  return poll(&order, 1, 0) == 1;
}

/* JavaScript allows forks again when it has carried out what it has received. */
static void tell_ready(struct fork_server *self, int events) {
  self->state->may_fork = 0;
  tell(self, FORK_SERVER_READY, events, 0, 0);
}

/* Carries out an order to fork, unless something has to be done before that only JavaScript can do: to wait for what
 * libuv has under way, and to find out about new threads that a fork does not copy. libuv calls this after it has
 * handled all events of its last poll: a child that was forked in between would handle the rest of them as well. */
static void on_check(uv_check_t *check) {
  struct fork_server *self = check->data;
  uint32_t id;
  int control, child_error;
  uv_check_stop(check);
  bool is_ready = self->state->may_fork && self->child_ended.loop->active_reqs.count == 0 && can_send(self) &&
                  (self->state->copies_threads || fork_has_known_threads());
  if (!is_ready || !frame_take_fork(self->socket, &id, &control)) return tell_ready(self, UV_READABLE);
  pid_t pid = fork_server_fork(self, control, fork_wait_for_known_threads, &child_error);
  if (pid < 0) {
    self->state->may_fork = 0;
    return tell(self, FORK_SERVER_FORK_FAILED, id, control, pid);
  }
  close(control);
  if (pid == 0) return tell(self, FORK_SERVER_IS_CHILD, has_order(self), child_error, 0);
  if (frame_send_forked(self->socket, id, pid) < 0) tell(self, FORK_SERVER_FORKED, id, pid, 0);
}

/* At an error of the descriptor (POLLERR), libuv stops watching. But after a reset by the peer, there may be more to
 * read. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  struct fork_server *self = poll->data;
  if (status < 0) {
    uv_poll_start(poll, self->events, on_poll);
    events = self->events;
  }
  if (events == UV_READABLE && self->state->may_fork)
    uv_check_start(&self->check, on_check);
  else
    tell_ready(self, events);
}

int fork_server_watch(struct fork_server *self, int events) {
  self->events = events;
  return events ? uv_poll_start(&self->poll, events, on_poll) : uv_poll_stop(&self->poll);
}

void fork_server_ref(struct fork_server *self, int on) {
  if (on)
    uv_ref((uv_handle_t *)&self->poll);
  else
    uv_unref((uv_handle_t *)&self->poll);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct fork_server *self = handle->data;
  if (--self->open_handles > 0) return;
  self->closed(self->context);
  free(self->children.pids);
  free(self);
}

void fork_server_close(struct fork_server *self, void (*closed)(void *context)) {
  self->closed = closed;
  self->open_handles = 3;
  uv_close((uv_handle_t *)&self->poll, on_handle_closed);
  uv_close((uv_handle_t *)&self->check, on_handle_closed);
  uv_close((uv_handle_t *)&self->child_ended, on_handle_closed);
}

struct fork_children *fork_server_children(struct fork_server *self) {
  return &self->children;
}

int fork_server_new(uv_loop_t *loop, int socket, struct fork_server_state *state, fork_server_callback callback,
  void *context, struct fork_server **out) {
  struct fork_server *self = calloc(1, sizeof *self);
  if (self == NULL) return -ENOMEM;
  self->socket = socket;
  self->state = state;
  self->callback = callback;
  self->context = context;
  int rc = uv_poll_init(loop, &self->poll, socket);
  if (rc < 0) {
    free(self);
    return rc;
  }
  uv_check_init(loop, &self->check);
  uv_signal_init(loop, &self->child_ended);
  self->poll.data = self->check.data = self->child_ended.data = self;
  uv_unref((uv_handle_t *)&self->check);
  uv_unref((uv_handle_t *)&self->child_ended);
  *out = self;
  return 0;
}
