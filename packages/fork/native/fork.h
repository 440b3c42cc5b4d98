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
pid_t fork_process(uv_loop_t *loop);
/* Ends the process without joining threads or running handlers of exit(3). */
void fork_exit(int code);
/* Ignores SIGINT while the process only waits for orders; undone, it has again
 * the disposition that it had before, unless it was changed in between. */
int fork_ignore_interrupt(int on);

/* code-pages.c */

/* Lets children start with the page tables of the code that is in use. */
void fork_refresh_code_pages(void);

/* quiet-threads.c */

/* Waits until all other threads of the process sleep: 0, -EBUSY when they do not, or the
 * negative errno for which that cannot be seen. */
int fork_wait_for_threads(void);

/* random.c */

/* Fills at most 256 octets with what nobody can guess, as getentropy(3). */
int fork_fill_random(void *octets, size_t length);

/* lifeline.c */

/* Lets the kernel kill this process as soon as nobody holds the write end of the
 * pipe that fd reads from. The descriptor returned holds it; closing it undoes it. */
int fork_arm_lifeline(int fd);

/* To be called for that descriptor when this process has become another user. */
int fork_claim_lifeline(int own);

/* signal.c */

/* Sends a signal to a process that holds the other end of a socket, and to no other
 * that may have got its pid since: ESRCH when it has let go of it. */
int fork_signal(pid_t pid, int signal, int socket);

/* reap.c */

struct fork_status {
  pid_t pid;
  int code;   /* exit code, or -1 */
  int signal; /* number of the signal that ended it, or 0 */
};

/* Orphans of descendants become children of this process. */
int fork_become_subreaper(void);
/* 1 and the status of a child of this thread that has ended and still waits to be reaped, else 0. */
int fork_peek_ended(struct fork_status *status);
/* The same for one child; -ECHILD when it is none. */
int fork_peek_ended_one(pid_t pid, struct fork_status *status);
int fork_reap(pid_t pid);

/* limits.c */

/* setrlimit(2) by name: "nofile", "as"; a negative value is no limit. EINVAL for
 * a name that this system does not know. */
int fork_set_limit(const char *name, double soft, double hard);
/* Nothing that this process starts can gain privileges by what it executes. */
int fork_no_new_privileges(void);

/* thread-end.c */

/* What is to end with a thread of Node's that may end without running any code:
 * descriptors, which are closed, and children, which are killed and reaped. */
struct fork_thread_resources;
struct fork_thread_resources *fork_thread_resources_new(void);
int fork_keep_fd(struct fork_thread_resources *self, int fd, int on);
int fork_keep_child(struct fork_thread_resources *self, pid_t pid, int on);
/* Such a child lives on after all: it is reaped after its end when any thread keeps the
 * next one, or ends. */
int fork_spare_child(struct fork_thread_resources *self, pid_t pid, int on);
/* Ends all of it, and frees self. */
void fork_thread_resources_end(struct fork_thread_resources *self);

/* loop-end.c */

typedef void (*fork_loop_end_callback)(void *context);
/* Calls back whenever the event loop has nothing left to wait for, instead of
 * letting it end. During the call uv_loop_alive tells whether that has changed. */
int fork_on_loop_end(uv_loop_t *loop, fork_loop_end_callback callback, void *context);

#endif
