/* How a process is forked together with all its threads. fork-with-threads.c takes these steps:
 *
 * 1. park.c stops every other thread in a signal handler.
 * 2. safe-point.c checks whether each of them was waiting in a system call that can be made again.
 * 3. descriptors.c notes the open files that only this process uses, and their state.
 * 4. The calling thread forks, by a system call of its own. The other threads of the parent go on.
 * 5. In the child, descriptors.c opens such files anew, and clone-threads.c makes each thread again.
 *
 * Between the steps 1 and 4, and in the child until its threads exist, another thread may hold any lock. So nothing
 * here allocates memory or uses stdio meanwhile.
 */
#ifndef FORK_ALL_THREADS_H
#define FORK_ALL_THREADS_H

#include "machine.h"

#ifdef FORK_COPIES_THREADS

#include <stddef.h>
#include <sys/types.h>

/* refusal.c: says why the process cannot be forked. There is one text: only one thread forks. */

/* Sets the text, like printf(3), and returns the error. */
int fork_refuse(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* files.c: files of /proc, read without memory of the heap */

/* Reads a file. Ends the text with '\0', and cuts it if need be. Returns its length, or a negative errno. */
ssize_t fork_read_file(const char *path, char *text, size_t size);

/* Calls back for each entry of a folder whose name is a number, with the descriptor of the folder. Returns 0, the first
 * error that a call returns, or that of open(2) or getdents64(2). */
int fork_each_number(const char *path, int (*visit)(int number, int folder, void *context), void *context);

/* glibc.c: what glibc and the kernel keep for each thread */

struct fork_identity {
  uintptr_t pointer; /* the address of its thread-local storage, as CLONE_SETTLS takes it */
  pid_t *tid;        /* where glibc keeps its id: the kernel sets it, and clears it when the thread ends */
  void *robust_list; /* get_robust_list(2) */
  size_t robust_length;
  void *rseq; /* its area for restartable sequences (rseq(2)), or NULL if it is not registered */
};

/* Returns a clause that says how glibc differs from what is expected, or NULL. Any thread may call it. */
const char *fork_flaw_of_glibc(void);

/* Returns 0, or refuses with -ENOTSUP if there is such a flaw. Call this while no thread is parked. */
int fork_check_glibc(void);

/* Describes the calling thread. Returns false if glibc has not made it. Needs no errno. */
bool fork_identify(struct fork_identity *self, pid_t tid);

/* In a new thread that has the storage of the old one: registers it with the kernel as the old one was registered. */
void fork_register(const struct fork_identity *self);

/* The same for the calling thread of a forked process, which keeps its restartable sequences. */
void fork_register_robust_list(const struct fork_identity *self);

/* signals.c */

/* Blocks all signals of the calling thread, and returns those that were blocked before. A handler could wait for a lock
 * that a parked thread holds. The kernel's sets have all signals; those of glibc lack two. */
uint64_t fork_block_signals(void);
void fork_restore_signals(uint64_t blocked);

/* park.c */

struct fork_thread {
  pid_t tid;
  /* THREAD_STOPPING: its handler writes to this record. */
  enum { THREAD_AWAITED, THREAD_STOPPING, THREAD_PARKED, THREAD_GONE } state;
  int generation; /* it may go on when that of park.c differs */
  bool is_known;  /* glibc has made it */
  struct fork_identity identity;
  void *frame; /* where sigreturn(2) finds the registers and the signal mask */
  enum { CALL_NONE, CALL_INTERRUPTED, CALL_AHEAD } position;
  struct fork_call call; /* of CALL_AHEAD */
  char name[16];
};

struct fork_threads {
  struct fork_thread *all;
  size_t count;
};

/* Parks all other threads. The caller has blocked all signals. Returns 0; -EBUSY if one does not stop within a second
 * or cannot get a signal, -ENOTSUP if the signal for this is in use, both with a refusal; -ENOMEM; those of open(2) for
 * /proc. Threads are parked only after a success. */
int fork_park(struct fork_threads *threads);

/* Lets all parked threads go on. */
void fork_unpark(void);

/* Calls a function in each other thread, which may only make system calls, by raw_call. Errors: those of fork_park;
 * then some threads may have called it. */
int fork_call_in_threads(void (*call)(void));

/* In a child: the records are in use until this many threads have called fork_note_resumed, which waits for
 * fork_let_resume. */
void fork_expect_resumed(size_t count);
void fork_let_resume(void);
void fork_note_resumed(void);

/* safe-point.c */

/* Notes where the signal has interrupted the thread. */
void fork_note_position(struct fork_thread *thread, const ucontext_t *context);

/* Returns whether the thread waits in a system call that both processes can make, and has nothing to do. Call this when
 * all threads are parked, because one that still runs may give it something. `is_renewed` says whether a
 * descriptor is opened anew in the child. */
bool fork_is_at_safe_point(const struct fork_thread *thread, bool (*is_renewed)(int fd));

/* Refuses with -EBUSY, and names the thread and what it does. Call this when it goes on. */
int fork_refuse_thread(const struct fork_thread *thread);

/* descriptors.c */

/* Notes the files that the child must open anew, while all other threads are parked. The octets in the pipe with the
 * read end `dropped` are not the child's. The pipe with the read end `shared` is not opened anew. Refuses with -ENOTSUP
 * what cannot be opened anew. Errors: those of open(2). */
int fork_note_descriptors(int dropped, int shared);

bool fork_is_renewed(int fd);

/* Opens them anew, at the same numbers. Call this in the child. Returns 0, or a negative errno: the child must end.
 */
int fork_renew_descriptors(void);

/* clone-threads.c */

/* Makes the threads again, in a child. They go on as soon as there are all. Returns 0, or the error of clone(2): then
 * some are missing, and none goes on. */
int fork_clone_threads(const struct fork_threads *threads);

#endif
#endif
