/* A real fork of a process that runs Node, and what parent and child need of
 * the kernel for it. Every function returns a result >= 0 or a negative errno.
 * Nothing here knows JavaScript.
 */
#ifndef FORK_H
#define FORK_H

#include <sys/types.h>
#include <uv.h>

/* fork.c */

/* Forks this process. Returns the child's pid, and 0 in the child, whose event
 * loop is then its own. Only the calling thread lives on in the child: whoever
 * calls makes sure that no other thread holds anything. */
pid_t forking_fork(uv_loop_t *loop);
/* Ends the process without joining threads or running handlers of exit(3). */
void forking_exit(int code);
/* Ignores SIGINT while the process only waits for orders; undone, it has again
 * the disposition that it had before, unless it was changed in between. */
int forking_ignore_interrupt(int on);

/* code-pages.c */

/* Lets children start with the page tables of the code that is in use. */
void forking_refresh_code_pages(void);

/* quiet-threads.c */

/* Waits until all other threads of the process sleep: 0, -EBUSY when they do not, or the
 * negative errno for which that cannot be seen. */
int forking_wait_for_threads(void);

/* random.c */

/* Fills at most 256 octets with what nobody can guess, as getentropy(3). */
int forking_fill_random(void *octets, size_t length);

/* lifeline.c */

/* Lets the kernel kill this process as soon as nobody holds the write end of the
 * pipe that fd reads from. The descriptor returned holds it; closing it undoes it. */
int forking_arm_lifeline(int fd);

/* To be called for that descriptor when this process has become another user. */
int forking_claim_lifeline(int own);

/* signal.c */

/* Sends a signal to a process that holds the other end of a socket, and to no other
 * that may have got its pid since: ESRCH when it has let go of it. */
int forking_signal(pid_t pid, int signal, int socket);

/* reap.c */

struct forking_status {
  pid_t pid;
  int code;   /* exit code, or -1 */
  int signal; /* number of the signal that ended it, or 0 */
};

/* Orphans of descendants become children of this process. */
int forking_become_subreaper(void);
/* 1 and the status of a child of this thread that has ended and still waits to be reaped, else 0. */
int forking_peek_ended(struct forking_status *status);
/* The same for one child; -ECHILD when it is none. */
int forking_peek_ended_one(pid_t pid, struct forking_status *status);
int forking_reap(pid_t pid);

/* limits.c */

/* setrlimit(2) by name: "nofile", "as"; a negative value is no limit. EINVAL for
 * a name that this system does not know. */
int forking_set_limit(const char *name, double soft, double hard);
/* Nothing that this process starts can gain privileges by what it executes. */
int forking_no_new_privileges(void);

/* thread-end.c */

/* What is to end with a thread of Node's that may end without running any code:
 * descriptors, which are closed, and children, which are killed and reaped. */
struct forking_kept;
struct forking_kept *forking_kept_new(void);
int forking_keep_fd(struct forking_kept *self, int fd, int on);
int forking_keep_child(struct forking_kept *self, pid_t pid, int on);
/* Such a child lives on after all: it is reaped after its end when any thread keeps the
 * next one, or ends. */
int forking_spare_child(struct forking_kept *self, pid_t pid, int on);
/* Ends all of it, and frees self. */
void forking_kept_end(struct forking_kept *self);

/* loop-end.c */

typedef void (*forking_loop_end_callback)(void *context);
/* Calls back whenever the event loop has nothing left to wait for, instead of
 * letting it end. During the call uv_loop_alive tells whether that has changed. */
int forking_on_loop_end(uv_loop_t *loop, forking_loop_end_callback callback, void *context);

#endif
