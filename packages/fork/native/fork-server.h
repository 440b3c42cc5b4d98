/* Carries out orders to fork without JavaScript, where nothing needs it, and reaps the forks. Everything else that
 * happens on the control socket of a process is told to JavaScript. Part of the event loop: all functions are to be
 * called by its thread. None waits, except a fork for other threads.
 */
#ifndef FORK_SERVER_H
#define FORK_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

/* What the server and JavaScript tell each other, in an array that both read and write. */
struct fork_server_state {
  /* both: no order is being carried out, and nothing has to be done before a fork. Taken back when FORK_SERVER_READY or
   * FORK_SERVER_FORK_FAILED is told */
  int32_t may_fork;
  int32_t has_queued_frames;    /* JavaScript: there are frames to be sent before others */
  int32_t tells_when_childless; /* JavaScript: FORK_SERVER_CHILDLESS is awaited */
  int32_t shared_lifeline;      /* JavaScript: the descriptor of the lifeline that children inherit */
  int32_t own_lifeline;         /* both: the descriptor of the one that is armed for this process, or -1 */
  int32_t copies_threads;       /* JavaScript: forks have all threads of this process */
};

enum fork_server_event {
  FORK_SERVER_READY, /* a: UV_READABLE, UV_WRITABLE, or both */
  /* This process has just been forked. a: whether an order has arrived. b: 0, or a negative errno if it could not be
   * set up */
  FORK_SERVER_IS_CHILD,
  FORK_SERVER_FORKED,        /* a fork that could not be reported. a: the id of the order, b: the pid */
  FORK_SERVER_FORK_FAILED,   /* a: the id, b: the control socket, which the receiver owns, c: a negative errno */
  FORK_SERVER_EXITED,        /* an end that could not be reported. a, b, c: those of struct fork_status */
  FORK_SERVER_UNKNOWN_ENDED, /* a child that the server does not know has ended. a: its pid */
  FORK_SERVER_CHILDLESS,     /* the last child that the server knows was reaped */
};

typedef void (*fork_server_callback)(void *context, enum fork_server_event event, int64_t a, int b, int c);

struct fork_server;

/* Makes a server. It watches nothing yet. `socket`, `state`, and `context` are borrowed until it is closed. Returns 0
 * or a negative errno: -ENOMEM, those of uv_poll_init. */
int fork_server_new(uv_loop_t *loop, int socket, struct fork_server_state *state, fork_server_callback callback,
  void *context, struct fork_server **out);

/* Sets which events of the socket are told: UV_READABLE, UV_WRITABLE, both, or 0, which is for good if the socket is
 * then closed. Orders to fork are not told if the server has carried them out. Returns 0 or a negative errno. */
int fork_server_watch(struct fork_server *self, int events);

/* Lets the server keep the loop alive, or not. */
void fork_server_ref(struct fork_server *self, int on);

/* Starts to reap the children as soon as they end. Has no effect if that has begun. Returns 0 or a negative errno. */
int fork_server_listen(struct fork_server *self);

/* Forks this process, with all its threads if `copies_threads` is set; `wait_for_threads` is that of fork_process.
 * `control` is the control socket of the child, where it gets the number of this process's control socket; borrowed.
 * Returns the pid; 0 in the child, with 0 or a negative errno in `child_error` if the child could not be set up; or a
 * negative errno: -EMFILE if that number is above the limit, those of fork_process. The caller reports a pid. A child
 * that cannot even have its control socket exits with code 127. */
pid_t fork_server_fork(struct fork_server *self, int control, int (*wait_for_threads)(void), int *child_error);

/* Reaps the children that have ended, and reports them. */
void fork_server_reap(struct fork_server *self);

/* Ends the server: no event follows. It is freed later by the event loop, which then calls back. */
void fork_server_close(struct fork_server *self, void (*closed)(void *context));

/* The children that the server reaps. The caller may add and remove some. */
struct fork_children *fork_server_children(struct fork_server *self);

#endif
