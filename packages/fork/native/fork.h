/* A real fork of a process that runs Node, and what parent and child need from the kernel for it. Nothing here knows
 * JavaScript.
 *
 * Unless stated otherwise, a function returns a result >= 0 or a negative errno, borrows its arguments, keeps no
 * pointer to them, and can be called by any thread. Functions that exist on Linux only return -ENOSYS elsewhere.
 */
#ifndef FORK_H
#define FORK_H

#include <platform.h> /* of fdpass */

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

/* fork.c */

/* Forks this process (fork(2)). Returns the child's pid, and 0 in the child, where `loop` is then the child's own
 * (uv_loop_fork). First makes all memory inheritable (fork_inherit_memory), and waits for all other threads to sleep:
 * `wait_for_threads` is fork_wait_for_threads or fork_wait_for_known_threads. All signals are blocked meanwhile.
 *
 * Call this in the thread of the loop. The child has no other thread, so the caller makes sure that no other thread
 * holds a lock while it sleeps. Linux only. Errors: those of fork(2), fork_inherit_memory, and `wait_for_threads`. A
 * child whose loop cannot be set up exits with code 127. */
pid_t fork_process(uv_loop_t *loop, int (*wait_for_threads)(void));

/* all-threads: Linux with glibc on x86-64 and arm64 */

/* Returns a clause that says why no process can be forked with all its threads here, or NULL if that is possible. Any
 * thread may call it. */
const char *fork_obstacle_to_threads(void);

/* Like fork_process, but the child has all threads of this process. Each of them goes on, at the same place. It waits
 * for some seconds until all threads wait in system calls that both parent and child can make. In the child,
 * descriptors that only this process uses are opened anew. All signals are blocked meanwhile.
 *
 * Errors: -EBUSY and -ENOTSUP, for which fork_refusal says why; -EMFILE, also if a descriptor is above the limit;
 * -ENOMEM; those of clone(2) and fork_inherit_memory. A child whose descriptors cannot be opened anew exits with code
 * 127. In one whose threads cannot be made, `fail` is called, which may not use the heap; it then exits with code 1.
 *
 * `shared` is the read end of a pipe that parent and child go on sharing although both ends are open here, or -1. */
pid_t fork_process_with_threads(uv_loop_t *loop, int shared, void (*fail)(void *context), void *context);

/* Takes the steps of fork_process_with_threads before the fork, and undoes them. Returns 0, or the error with which a
 * fork would fail now. */
int fork_rehearse_with_threads(const uv_loop_t *loop);

/* Like fork_no_new_privileges, for all threads of the process. Errors: -EBUSY if a thread does not stop, -ENOTSUP;
 * those are refusals. */
int fork_no_new_privileges_in_threads(void);

/* Returns a clause that says why the last function that refused something did so. Valid until the next refusal. */
const char *fork_refusal(void);

/* Ends the process with this exit code by _exit(2): joins no thread, and runs no handler of exit(3). Does not return.
 */
void fork_exit(int code);

/* execute.c: Linux only */

/* Makes an empty file that exists only in memory (memfd_create(2)). Returns its descriptor, which the caller owns and
 * which is close-on-exec. */
int fork_memory_file(void);

/* Replaces the program of this process (execve(2)): pid, children, and descriptors that are not close-on-exec stay.
 * Both lists end with NULL. Returns only on an error, and has then changed nothing. */
int fork_execute(const char *path, char *const arguments[], char *const environment[]);

/* interrupt.c */

/* Ignores SIGINT if `on`. Otherwise restores the disposition (sigaction(2)) from before, unless other code has changed
 * it in between. Calls do not nest. A forked child inherits what is ignored, and can undo it. */
int fork_ignore_interrupt(int on);

/* thread-limit.c: Linux only */

/* The largest report, in bytes. */
#define FORK_MOST_REPORT 4096

/* From now on, if this process aborts (SIGABRT) because it can start no more threads or processes, as libuv does when
 * it starts its pool, first sends these bytes over a socket. Calls replace each other. The bytes are copied. The socket
 * is borrowed; nothing is sent after it was closed. Errors: -EMSGSIZE; those of fstat(2). */
int fork_report_thread_limit(int socket, const void *bytes, size_t length);

/* From now on, sends these bytes over another socket. Errors: those of fstat(2). */
int fork_report_thread_limit_to(int socket);

/* Sends these bytes over a socket at once. */
void fork_send_thread_limit(int socket);

/* code-pages.c */

/* Prepares the page tables of code for fork(2), so that children share what is in use, and take no page faults for it.
 * Has no result: an error only costs speed. No other thread should run meanwhile, or its next steps are slower. Does
 * nothing on other systems than Linux. */
void fork_refresh_code_pages(void);

/* threads.c: Linux only. The functions for known threads are for the main thread. */

/* Waits until all other threads of the process sleep, for some seconds at most. Returns 0, -EBUSY if one of them still
 * runs, or the errno with which /proc/self/task cannot be read. */
int fork_wait_for_threads(void);

/* Makes these the known threads: all others of the process, by their ids. Keeps descriptors open to look at them.
 * Returns 0; otherwise none is known: -ENOENT if one has ended, -E2BIG if there are too many, -EMFILE if that would
 * leave hardly any descriptor, those of open(2). */
int fork_know_threads(const int32_t *ids, size_t count);

/* Knows no thread any more, and closes the descriptors. A forked child has none of the threads. */
void fork_forget_threads(void);

/* Returns whether there are as many threads as are known. */
bool fork_has_known_threads(void);

/* Like fork_wait_for_threads, if the process has the known threads and no other. Otherwise -ENOENT. */
int fork_wait_for_known_threads(void);

/* Stores the descriptors that are kept open, at most FORK_MOST_THREAD_DESCRIPTORS. Returns how many. */
#define FORK_MOST_THREAD_DESCRIPTORS 33
size_t fork_thread_descriptors(int32_t *out);

/* inherit-memory.c: Linux only */

/* Takes the mark MADV_DONTFORK off all memory (madvise(2)). Node sets it on V8's heap, and again on what is allocated
 * later; without this memory, a child dies at its first step. The mappings of devices keep it. Errors: those of open(2)
 * and read(2) for /proc/self/maps, and of madvise(2). */
int fork_inherit_memory(void);

/* proc-lines.c: Linux only */

/* Calls back for each line of a file, such as those in /proc. A line of more than 8190 octets is cut. Allocates no
 * memory. Returns 0, the first error that a call returns, or that of open(2) or read(2). */
int fork_each_line(const char *path, int (*visit)(const char *line, void *context), void *context);

/* reduce-memory.c */

/* Tells V8 that memory is short: it collects the garbage of the calling thread's heap, shrinks its young generation,
 * and returns free pages to the system. Call this from JavaScript. Returns 0, or -ENOSYS if this Node has no such
 * call. */
int fork_reduce_heap(void);

/* Returns free memory of malloc(3) to the system (malloc_trim(3)), so that a fork need not copy its page tables.
 * Returns 1 if there was any, else 0. Does nothing without glibc. */
int fork_trim_malloc(void);

/* random.c */

/* Fills `length` octets, at most 256, from the kernel's random numbers (getentropy(3)). More are -EIO. */
int fork_fill_random(void *octets, size_t length);

/* lifeline.c */

/* Lets the kernel kill this process (SIGKILL) as soon as no process has the write end of a pipe open any more. If that
 * is the case already, kills it at once. `fd` is the read end, which processes may share.
 *
 * Returns a descriptor, which the caller owns: the lifeline lasts until its last copy is closed. It is close-on-exec. A
 * forked child inherits it, but the signal is for the process that has called this. On other systems than Linux, a
 * thread of the process does what the kernel does on Linux. Errors: those of open(2) and fcntl(2), or of pipe(2) and
 * pthread_create(3). */
int fork_arm_lifeline(int fd);

/* Makes a lifeline for a process that is yet to be started: opens it in the place of the open descriptor `slot`, which
 * is closed (dup3(2)). The process inherits it and, unlike with fork_arm_lifeline, need not run for it to work. Linux
 * only. Returns 0. Errors: those of open(2) and fcntl(2). */
int fork_open_lifeline(int fd, int slot);

/* Makes a process the one that the lifeline `own` kills: this process, for instance, after it has changed its user, or
 * the one that was started with it. Errors: those of fcntl(2). */
int fork_claim_lifeline(int own, pid_t pid);

/* Ends the effect of a lifeline that fork_open_lifeline has opened, for all who share it. Errors: those of fcntl(2). */
int fork_disarm_lifeline(int own);

/* Lets other users open the lifeline. Errors: those of fchmod(2). */
int fork_share_lifeline(int fd);

/* signal.c */

/* Sends a signal to a process (kill(2)). `socket` is connected to one that only that process and, for a moment, its
 * parent holds. If that end is closed or the process has ended, returns -ESRCH: the pid may belong to another process
 * by then. Also if /proc shows that the process with this pid has another effective user than `user`, unless that is 0,
 * the one who may signal every process. macOS tells the user, too, but has no pidfd, so that a moment remains in which
 * the pid may be given to another process. Errors: those of pidfd_send_signal(2) or kill(2). */
int fork_signal(pid_t pid, int signal, int socket, uid_t user);

/* Sends a signal to a process if /proc shows that it is a child of `parent`, which runs, and has the same effective
 * user. Returns -ESRCH if not. Errors: those of pidfd_send_signal(2) or kill(2). */
int fork_signal_child(pid_t parent, pid_t pid, int signal);

/* process.c */

/* Opens a descriptor that refers to a process, whatever becomes of its pid (pidfd_open(2)), and puts it in the place of
 * the open descriptor `slot`, which is closed (dup3(2)). It becomes readable when the process ends, and is
 * close-on-exec. Returns 0. Errors: -ENOSYS before Linux 5.3 and on other systems, those of pidfd_open(2). */
int fork_open_process(pid_t pid, int slot);

/* Opens such a descriptor for this process. Returns it, and the caller owns it; errors as above. */
int fork_open_self(void);

/* Sends a signal to the process of a descriptor that fork_open_process has opened (pidfd_send_signal(2)). 0 only
 * looks whether one could be sent. Errors: -ESRCH if the process has ended, whether it has been reaped or not; those of
 * pidfd_send_signal(2). */
int fork_signal_process(int process, int signal);

/* Returns 1 if the process of such a descriptor has ended, whether it has been reaped or not, else 0. */
int fork_process_has_ended(int process);

/* Returns the pid that /proc shows for this process: its own, unless /proc is that of another pid namespace. Returns
 * -ENOENT if there is no /proc, or none in which this process has a pid. */
int fork_own_pid_in_proc(void);

/* Returns the pid of the process of such a descriptor (proc_pid_fdinfo(5)): with the level 0 in the pid namespace of
 * /proc, with the level 1 in the one below that, of which the process is a member, and so on. Returns 0 if the process
 * has ended and been reaped, or has no pid there. Levels other than 0 need Linux 5.5.
 * Errors: -EINVAL if it is not such a descriptor, or one of a thread; those of open(2) and read(2). */
int fork_process_pid(int process, int level);

/* reap.c */

/* How a child has ended. */
struct fork_status {
  pid_t pid;
  int code;   /* the exit code, or -1 if a signal ended it */
  int signal; /* the number of that signal, or 0 */
};

/* Makes this process the parent of orphaned descendants (PR_SET_CHILD_SUBREAPER, prctl(2)), for the rest of its life.
 * Children do not inherit this. Linux only. */
int fork_become_subreaper(void);

/* Looks for a child of this thread that has ended and waits to be reaped (waitid(2), WNOWAIT). Returns 1 and stores how
 * it ended, else 0. On other systems than Linux, the children of other threads count, too. */
int fork_peek_ended(struct fork_status *status);

/* Looks whether this child of the process has ended. Returns 1 and stores how, 0 if it has not ended, or -ECHILD if it
 * is not a child, or has been reaped. */
int fork_peek_ended_one(pid_t pid, struct fork_status *status);

/* Reaps a child that has ended (waitpid(2)). Returns 1, 0 if it has not ended, or -ECHILD if it is not a child. */
int fork_reap(pid_t pid);

/* children.c */

/* Children of this process. Empty if all is 0. The owner frees `pids`. */
struct fork_children {
  pid_t *pids;
  size_t count, room;
};

/* Makes room for one more, so that the next fork_children_add cannot fail. Returns 0 or -ENOMEM. */
int fork_children_reserve(struct fork_children *self);

/* Has no effect if the child is there. Returns 0 or -ENOMEM. */
int fork_children_add(struct fork_children *self, pid_t pid);

/* Returns whether the child was there. The order of the others may change. */
int fork_children_remove(struct fork_children *self, pid_t pid);

/* limits.c */

/* Sets a limit of this process (setrlimit(2)), which children inherit. The name is that of the constant, in lower case
 * and without RLIMIT_: "nofile", "as". A negative value is no limit. Returns -EINVAL for a name that this system does
 * not have and for soft > hard, and -EPERM for a higher hard limit without privileges. */
int fork_set_limit(const char *name, double soft, double hard);

/* Keeps this thread, and what it forks or executes from now on, from gaining privileges by execve(2)
 * (PR_SET_NO_NEW_PRIVS, prctl(2)). Cannot be undone. Linux only. */
int fork_no_new_privileges(void);

/* isolate.c: nothing here can be undone. All but fork_change_root are for Linux only, and only for a process with one
 * thread: the kernel changes the calling thread, and another one would keep what this process must not have. */

/* Makes a folder the root folder and the working folder of this process (chroot(2)). */
int fork_change_root(const char *folder);

/* Moves this process to new namespaces (unshare(2)): a list of "cgroup", "ipc", "net", "user", and "uts" that ends with
 * NULL. In a new user namespace, user and group keep their numbers. Errors: -EPERM without "user" and privileges, or
 * where the system refuses; -ENOSPC if there are too many namespaces; -EINVAL for an unknown name. */
int fork_unshare(char *const *names);

/* Drops all capabilities (capabilities(7)), and calls fork_no_new_privileges. */
int fork_drop_capabilities(void);

/* Lets this process signal only itself and what it starts from now on (landlock(7)), and calls fork_no_new_privileges.
 * Errors: -ENOSYS or -EOPNOTSUPP if the kernel is older than Linux 6.12, or has Landlock disabled. */
int fork_confine_signals(void);

/* processor-time.c */

/* Stores the processor time that all threads of a process have used, the ended ones included (clock_getcpuclockid(3)).
 * Linux only. Errors: -ESRCH if there is no such process. */
int fork_processor_time(pid_t pid, double *milliseconds);

/* thread-end.c */

/* The children of a thread of Node that may end without running code: they are killed and reaped then. Each thread has
 * one, which it alone uses. */
struct fork_thread_children;

/* Returns an empty one, which fork_thread_children_end frees, or NULL if there is no memory. */
struct fork_thread_children *fork_thread_children_new(void);

/* Adds a child of this process if `on`, or removes it: then it is not killed at the end. Returns 0; -ENOMEM, and
 * nothing was added; or -ENOENT if the child to remove was not there. */
int fork_keep_child(struct fork_thread_children *self, pid_t pid, int on);

/* Call this right before this thread starts a child. If the thread ends before fork_end_spawn, that child ends with
 * it as well, although its pid is not known: it is the one that the thread did not have before. Only where the kernel
 * lists children (Linux). Returns 0 or -ENOMEM. */
int fork_begin_spawn(struct fork_thread_children *self);

/* Adds the child that was started, or nothing if pid is 0. Returns 0, or -ENOMEM: it then still ends with the thread,
 * until another one is started. */
int fork_end_spawn(struct fork_thread_children *self, pid_t pid);

/* Lets a child that was added live on at the end if `on`; otherwise undoes that. It is reaped after its exit, when any
 * thread next adds or removes a child or ends. Returns 0, or -ENOENT if the child is not there. */
int fork_spare_child(struct fork_thread_children *self, pid_t pid, int on);

/* Kills the children, waits until they have ended, and frees self. Needs no memory. */
void fork_thread_children_end(struct fork_thread_children *self);

/* loop-end.c */

typedef void (*fork_loop_end_callback)(void *context);

/* Calls back on the loop's thread whenever the loop has nothing left to wait for, instead of letting it end. During the
 * call, uv_loop_alive reports whether there is something new. Call this in the loop's thread. `context` is borrowed
 * for the rest of the loop's life: this cannot be undone. Returns 0, or UV_ENOMEM. */
int fork_on_loop_end(uv_loop_t *loop, fork_loop_end_callback callback, void *context);

#endif
