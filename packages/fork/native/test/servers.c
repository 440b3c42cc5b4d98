#include "../fork-server.h"
#include "../fork.h"
#include "../frame.h"
#include "tests.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_CODE 7

enum { FORKED = 66, EXITED = 68, STARTED = 69 };

/* A server, and what it has told. */
struct served {
  uv_loop_t loop;
  struct fork_server *server;
  struct fork_server_state state;
  int lifeline[2];                     /* a pipe */
  int owner;                           /* the owner's end of the control socket */
  int told[FORK_SERVER_CHILDLESS + 1]; /* how often each event */
  int64_t last;
  int other;
  bool is_closed;
};

static void on_event(void *context, enum fork_server_event event, int64_t a, int b, int c) {
  struct served *self = context;
  (void)c;
  self->told[event]++;
  self->last = a;
  self->other = b;
  if (event != FORK_SERVER_IS_CHILD) return;
  /* The lifeline of this process is armed, and what it writes to the number of the control socket is its own. */
  bool is_armed = b == 0 && fcntl(self->state.own_lifeline, F_GETOWN) == getpid();
  bool has_written = frame_send_exited(self->state.own_lifeline - 1, 1, 0, 0) == 0;
  fork_exit(is_armed && has_written && !self->state.may_fork ? EXIT_CODE : 1);
}

/* Descriptors: the control socket has the number below that of the lifeline, so that the child finds it. */
static void serve(struct served *self) {
  int pair[2], control = open_descriptors() + 10;
  memset(self, 0, sizeof *self);
  assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  assert(dup2(pair[0], control) == control && close(pair[0]) == 0);
  self->owner = pair[1];
  assert(pipe2(self->lifeline, O_CLOEXEC) == 0);
  self->state.shared_lifeline = self->lifeline[0];
  int armed = fork_arm_lifeline(self->lifeline[0]);
  assert(armed >= 0 && dup2(armed, control + 1) == control + 1 && close(armed) == 0);
  self->state.own_lifeline = control + 1;
  self->state.may_fork = 1;
  assert(uv_loop_init(&self->loop) == 0);
  assert(fork_server_new(&self->loop, control, &self->state, on_event, self, &self->server) == 0);
  assert(fork_server_watch(self->server, UV_READABLE) == 0);
  assert(know_other_threads() == 0);
}

static void on_closed(void *context) { ((struct served *)context)->is_closed = true; }

static void stop_serving(struct served *self) {
  fork_forget_threads();
  close(self->owner);
  fork_server_close(self->server, on_closed);
  assert(uv_run(&self->loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&self->loop) == 0 && self->is_closed);
  close(self->state.own_lifeline - 1);
  close(self->state.own_lifeline);
  close(self->lifeline[0]);
  close(self->lifeline[1]);
}

/* Orders a fork, and returns the owner's end of its control socket. */
static int order_fork(struct served *self, uint8_t id) {
  uint8_t order[FRAME_HEADER_BYTES] = {5, 1, 0xa5, 0xb7, 0, 0, 0, 0, id};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control = {0};
  int pair[2];
  assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  struct iovec iov = {order, sizeof order};
  struct msghdr message = {
    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  *CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &pair[1], sizeof(int));
  assert(sendmsg(self->owner, &message, 0) == sizeof order && close(pair[1]) == 0);
  return pair[0];
}

/* Receives a report, and returns its type. Stores its id and the pid, with which all payloads begin. */
static int receive_report(int socket, uint32_t *id, pid_t *pid) {
  uint8_t header[FRAME_HEADER_BYTES], payload[100];
  assert(recv(socket, header, sizeof header, MSG_WAITALL) == sizeof header);
  assert(recv(socket, payload, header[4], MSG_WAITALL) == header[4]);
  memcpy(id, header + 8, sizeof *id);
  memcpy(pid, payload, sizeof *pid);
  return header[0];
}

static bool has_report(int socket) {
  struct pollfd report = {.fd = socket, .events = POLLIN};
  return poll(&report, 1, 0) == 1;
}

void test_fork_server(void) {
  struct served self;
  serve(&self);
  for (uint8_t i = 1; i <= 3; i++) {
    int child = order_fork(&self, i);
    uint32_t id;
    pid_t pid, same;
    while (!has_report(self.owner)) uv_run(&self.loop, UV_RUN_ONCE);
    assert(receive_report(self.owner, &id, &pid) == FORKED && id == i);
    assert(receive_report(child, &id, &same) == STARTED && same == pid);
    assert(receive_report(child, &id, &same) == EXITED && same == 1);
    while (!has_report(self.owner)) uv_run(&self.loop, UV_RUN_ONCE);
    assert(receive_report(self.owner, &id, &same) == EXITED && same == pid);
    assert(fork_server_children(self.server)->count == 0 && close(child) == 0);
  }
  for (size_t i = 0; i < sizeof self.told / sizeof *self.told; i++) assert(self.told[i] == 0);
  stop_serving(&self);
}

void test_order_for_javascript(void) {
  struct served self;
  serve(&self);
  fork_forget_threads(); /* as if there were a new one */
  int child = order_fork(&self, 1);
  while (!self.told[FORK_SERVER_READY]) uv_run(&self.loop, UV_RUN_ONCE);
  assert(self.last == UV_READABLE && !self.state.may_fork);
  uint8_t order[FRAME_HEADER_BYTES];
  assert(recv(self.state.own_lifeline - 1, order, sizeof order, 0) == sizeof order && close(child) == 0);
  stop_serving(&self);
}

void test_failed_fork(void) {
  struct served self;
  serve(&self);
  int own_lifeline = self.state.own_lifeline;
  self.state.own_lifeline = 1 << 30; /* no child could have it there */
  int child = order_fork(&self, 9);
  while (!self.told[FORK_SERVER_FORK_FAILED]) uv_run(&self.loop, UV_RUN_ONCE);
  assert(self.last == 9 && !self.state.may_fork && close(self.other) == 0 && close(child) == 0);
  self.state.own_lifeline = own_lifeline;
  stop_serving(&self);
}

static int exit_at_once(void *context) {
  (void)context;
  return EXIT_CODE;
}

void test_ends_that_cannot_be_reported(void) {
  struct served self;
  serve(&self);
  self.state.has_queued_frames = 1;
  self.state.tells_when_childless = 1;
  assert(fork_server_listen(self.server) == 0);
  pid_t pid = start_child(exit_at_once, NULL);
  assert(fork_children_add(fork_server_children(self.server), pid) == 0);
  while (!self.told[FORK_SERVER_EXITED]) {
    fork_server_reap(self.server);
    uv_run(&self.loop, UV_RUN_NOWAIT);
  }
  assert(self.told[FORK_SERVER_EXITED] == 1 && self.told[FORK_SERVER_CHILDLESS] == 1 && !has_report(self.owner));
  pid_t stranger = start_child(exit_at_once, NULL);
  while (!self.told[FORK_SERVER_UNKNOWN_ENDED]) uv_run(&self.loop, UV_RUN_ONCE);
  assert(self.last == stranger && status_of(stranger) == EXIT_CODE << 8);
  stop_serving(&self);
}
