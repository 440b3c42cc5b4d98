#include "../fork.h"
#include "notes.h"

#ifdef FORK_COPIES_THREADS

#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* glibc keeps this signal for pthread_cancel(3), and sigfillset(3) and pthread_sigmask(3) leave it out (signal(7),
 * nptl(7)). So it gets even to threads that block all signals. */
#define SIGNAL_TO_PARK 32
#define TASKS "/proc/self/task"
#define PATIENCE_NS 1000000000L
#define SLICE_NS 5000000L
/* Threads may start while others are counted. */
#define SPARE_RECORDS 64
#define MOST_KNOWN 64

/* struct kernel_sigaction: glibc's sigaction(3) rejects the signal. */
struct action {
  void (*handler)(int, siginfo_t *, void *);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};
#ifdef FORK_NEEDS_RESTORER
#define RESTORER_FLAG 0x04000000UL
extern void fork_restorer(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
        ".hidden fork_restorer\n"
        ".globl fork_restorer\n"
        ".type fork_restorer, @function\n"
        "fork_restorer:\n"
        "\tmov $15, %eax\n"
        "\tsyscall\n"
        ".size fork_restorer, . - fork_restorer\n");
#else
#define RESTORER_FLAG 0UL
#endif

/* Global, because a signal handler can reach nothing else. Only one thread forks at a time. */
static struct {
  struct fork_thread *all;
  size_t room;
  size_t count;
  int settled;    /* a futex: how many threads are parked or gone */
  int generation; /* a futex: changes when they may go on */
  size_t unresumed;
  int may_resume;     /* a futex */
  void (*call)(void); /* what each thread does when it is parked */
  /* Threads that were parked before: they do not wait for the signal (sigwait(3)). */
  size_t kernels; /* threads of the kernel */
  pid_t known[MOST_KNOWN];
  size_t known_count;
} state;

static long futex(int *word, int operation, int value, const struct timespec *timeout) {
  return raw_call(SYS_futex, (long)word, operation | FUTEX_PRIVATE_FLAG, value, (long)timeout, 0, 0);
}

static struct fork_thread *find(pid_t tid) {
  size_t count = __atomic_load_n(&state.count, __ATOMIC_SEQ_CST);
  for (size_t i = 0; i < count; i++)
    if (state.all[i].tid == tid) return &state.all[i];
  return NULL;
}

/* Moves a thread from one state to another, unless its handler or the forking thread has just moved it. */
static bool move(struct fork_thread *thread, int from, int to) {
  return __atomic_compare_exchange_n((int *)&thread->state, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static int state_of(const struct fork_thread *thread) {
  return __atomic_load_n((const int *)&thread->state, __ATOMIC_SEQ_CST);
}

static void settle(struct fork_thread *thread, int to) {
  __atomic_store_n((int *)&thread->state, to, __ATOMIC_SEQ_CST);
  size_t settled = (size_t)__atomic_add_fetch(&state.settled, 1, __ATOMIC_SEQ_CST);
  if (settled >= __atomic_load_n(&state.count, __ATOMIC_SEQ_CST)) futex(&state.settled, FUTEX_WAKE, 1, NULL);
}

/* Runs in each other thread, with all signals blocked. It does not write errno. In a child, the thread that is made
 * again does not return from here: it continues with the frame of the signal. A signal that comes too late finds no
 * record that awaits it. */
static void on_park(int number, siginfo_t *info, void *context) {
  (void)number;
  pid_t tid = (pid_t)raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
  struct fork_thread *self = find(tid);
  if (self == NULL || !move(self, THREAD_AWAITED, THREAD_STOPPING)) return;
  int generation = self->generation;
  self->is_known = fork_identify(&self->identity, tid);
  self->frame = frame_of(info, context);
  fork_note_position(self, context);
  raw_call(SYS_prctl, PR_GET_NAME, (long)self->name, 0, 0, 0, 0);
  if (state.call != NULL) state.call();
  settle(self, THREAD_PARKED);
  while (__atomic_load_n(&state.generation, __ATOMIC_SEQ_CST) == generation)
    futex(&state.generation, FUTEX_WAIT, generation, NULL);
}

/* The action stays: a signal to a thread that has not stopped in time may come at any time. SA_ONSTACK: the own stack
 * of a thread may be too small for the frame of a signal. Those of goroutines are, so Go requires the flag. */
static int set_action(void) {
  struct action present, own = {on_park, SA_SIGINFO | SA_RESTART | SA_ONSTACK | RESTORER_FLAG, NULL, ~0UL};
#ifdef FORK_NEEDS_RESTORER
  own.restorer = fork_restorer;
#endif
  if (raw_call(SYS_rt_sigaction, SIGNAL_TO_PARK, 0, (long)&present, sizeof present.mask, 0, 0) < 0)
    return fork_refuse(-ENOTSUP, "the action of signal %d cannot be read", SIGNAL_TO_PARK);
  if (present.handler == on_park) return 0;
  if (present.handler != NULL) return fork_refuse(-ENOTSUP, "the process has used pthread_cancel(3)");
  long rc = raw_call(SYS_rt_sigaction, SIGNAL_TO_PARK, (long)&own, 0, sizeof own.mask, 0, 0);
  return rc < 0 ? fork_refuse(-ENOTSUP, "signal %d cannot be caught", SIGNAL_TO_PARK) : 0;
}

static size_t count_threads(void) {
  struct stat folder;
  return stat(TASKS, &folder) == 0 && folder.st_nlink > 2 ? folder.st_nlink - 2 : 0;
}

/* The old records are not unmapped: a late handler may look at them. */
static int make_room(void) {
  size_t room = count_threads() + SPARE_RECORDS;
  if (state.room >= room) return 0;
  void *all = mmap(NULL, 2 * room * sizeof *state.all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return -errno;
  state.all = all;
  state.room = 2 * room;
  return 0;
}

static bool was_parked(pid_t tid) {
  for (size_t i = 0; i < state.known_count; i++)
    if (state.known[i] == tid) return true;
  return false;
}

static int note_blocked(const char *line, void *context) {
  const char *mask = fork_field(line, "SigBlk:\t");
  if (mask != NULL) *(int *)context = strtoull(mask, NULL, 16) >> (SIGNAL_TO_PARK - 1) & 1;
  return 0;
}

/* Returns 1 if a thread blocks the signal (proc_pid_status(5)): it waits for it, and would not stop. glibc's thread for
 * timers (timer_create(2), SIGEV_THREAD) ends when it gets it from another thread. Returns 0 if not, or if the thread
 * has ended. Errors: those of open(2). */
static int blocks_signal(pid_t tid) {
  char path[48];
  int blocks = 0;
  snprintf(path, sizeof path, TASKS "/%d/status", (int)tid);
  int rc = fork_each_line(path, note_blocked, &blocks);
  return rc == 0 || rc == -ENOENT || rc == -ESRCH ? blocks : rc;
}

/* Returns whether the kernel has made the thread for an io_uring(7). It runs no code of this process. */
static bool is_of_kernel(pid_t tid) {
  char path[48], name[32];
  snprintf(path, sizeof path, TASKS "/%d/comm", (int)tid);
  return fork_read_file(path, name, sizeof name) > 0 && strncmp(name, "iou-", 4) == 0;
}

static void skip(struct fork_thread *thread) {
  if (move(thread, THREAD_AWAITED, THREAD_STOPPING)) settle(thread, THREAD_GONE);
}

static int refuse_blocking(pid_t tid) {
  const struct fork_thread thread = {.tid = tid};
  fork_unpark();
  fork_refuse_thread(&thread);
  return fork_refuse(-EBUSY, "%s, and blocks signal %d", fork_refusal(), SIGNAL_TO_PARK);
}

/* A thread that has ended needs no signal. One that cannot get it goes on, and must not be taken for an ended one: the
 * kernel queues only so many signals for all processes of a user (RLIMIT_SIGPENDING). */
static int send_signal(struct fork_thread *thread) {
  long rc = raw_call(SYS_tgkill, getpid(), thread->tid, SIGNAL_TO_PARK, 0, 0, 0);
  if (rc == -ESRCH) skip(thread);
  if (rc == 0 || rc == -ESRCH) return 0;
  return fork_refuse(-EBUSY, "signal %d cannot be sent to the thread %d: %s (error %ld)", SIGNAL_TO_PARK,
    (int)thread->tid, rc == -EAGAIN ? "too many signals are queued, see RLIMIT_SIGPENDING" : "the system refuses it",
    -rc);
}

/* Sends the signal to a thread that has no record yet. */
static int signal_thread(int tid, int folder, void *context) {
  (void)folder;
  if (tid == *(const pid_t *)context || find(tid) != NULL) return 0;
  if (state.count == state.room) return fork_refuse(-EBUSY, "threads start faster than they can be stopped");
  int rc = was_parked(tid) ? 0 : blocks_signal(tid);
  if (rc < 0) return rc;
  bool is_blocked = rc == 1, is_kernels = is_blocked && is_of_kernel(tid);
  if (is_blocked && !is_kernels) return refuse_blocking(tid);
  struct fork_thread *thread = &state.all[state.count];
  *thread = (struct fork_thread){.tid = tid, .generation = state.generation};
  __atomic_add_fetch(&state.count, 1, __ATOMIC_SEQ_CST);
  state.kernels += is_kernels;
  if (!is_kernels) return send_signal(thread);
  skip(thread);
  return 0;
}

/* A thread may end before it gets the signal. */
static void note_ended(void) {
  for (size_t i = 0; i < state.count; i++) {
    struct fork_thread *thread = &state.all[i];
    if (state_of(thread) != THREAD_AWAITED) continue;
    bool has_ended = raw_call(SYS_tgkill, getpid(), thread->tid, 0, 0, 0, 0) == -ESRCH;
    if (has_ended) skip(thread);
  }
}

static struct fork_thread *first_in(int wanted) {
  for (size_t i = 0; i < state.count; i++)
    if (state_of(&state.all[i]) == wanted) return &state.all[i];
  return NULL;
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool wait_until_settled(long long deadline) {
  int settled;
  while ((size_t)(settled = __atomic_load_n(&state.settled, __ATOMIC_SEQ_CST)) < state.count) {
    const struct timespec slice = {.tv_nsec = SLICE_NS};
    if (futex(&state.settled, FUTEX_WAIT, settled, &slice) != -ETIMEDOUT) continue;
    note_ended();
    if (now_ns() > deadline) return false;
  }
  return true;
}

static size_t count_parked(void) {
  size_t count = 0;
  for (size_t i = 0; i < state.count; i++) count += state_of(&state.all[i]) == THREAD_PARKED;
  return count;
}

/* Names the thread that has not stopped. */
static int give_up(void) {
  struct fork_thread *awaited = first_in(THREAD_AWAITED);
  const struct fork_thread thread = awaited ? *awaited : state.all[0];
  fork_unpark();
  return fork_refuse_thread(&thread);
}

static int park_all(pid_t own) {
  long long deadline = now_ns() + PATIENCE_NS;
  /* A thread that was not parked yet may have started others. */
  do {
    int rc = fork_each_number(TASKS, signal_thread, &own);
    if (rc < 0) return rc;
    if (!wait_until_settled(deadline)) return give_up();
    if (count_threads() <= count_parked() + state.kernels + 1) return 0;
  } while (now_ns() < deadline);
  return fork_refuse(-EBUSY, "threads start faster than they can be stopped");
}

static void remember_parked(void) {
  state.known_count = 0;
  for (size_t i = 0; i < state.count && state.known_count < MOST_KNOWN; i++)
    if (state_of(&state.all[i]) == THREAD_PARKED) state.known[state.known_count++] = state.all[i].tid;
}

int fork_park(struct fork_threads *threads) {
  while (__atomic_load_n(&state.unresumed, __ATOMIC_SEQ_CST) > 0) sched_yield();
  int rc = set_action();
  if (rc == 0) rc = make_room();
  if (rc < 0) return rc;
  state.settled = 0;
  state.kernels = 0;
  __atomic_store_n(&state.count, 0, __ATOMIC_SEQ_CST);
  rc = park_all((pid_t)raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0));
  if (rc < 0)
    fork_unpark();
  else
    remember_parked();
  *threads = (struct fork_threads){state.all, state.count};
  return rc;
}

/* No handler uses a record afterwards. */
void fork_unpark(void) {
  for (size_t i = 0; i < state.count; i++) move(&state.all[i], THREAD_AWAITED, THREAD_GONE);
  while (first_in(THREAD_STOPPING) != NULL) sched_yield();
  __atomic_add_fetch(&state.generation, 1, __ATOMIC_SEQ_CST);
  futex(&state.generation, FUTEX_WAKE, INT32_MAX, NULL);
}

int fork_call_in_threads(void (*call)(void)) {
  struct fork_threads threads;
  uint64_t blocked = fork_block_signals();
  state.call = call;
  int rc = fork_park(&threads);
  if (rc == 0) fork_unpark();
  state.call = NULL;
  fork_restore_signals(blocked);
  return rc;
}

void fork_expect_resumed(size_t count) {
  state.known_count = 0; /* the threads have other ids */
  __atomic_store_n(&state.unresumed, count, __ATOMIC_SEQ_CST);
  __atomic_store_n(&state.may_resume, 0, __ATOMIC_SEQ_CST);
}

void fork_let_resume(void) {
  __atomic_store_n(&state.may_resume, 1, __ATOMIC_SEQ_CST);
  futex(&state.may_resume, FUTEX_WAKE, INT32_MAX, NULL);
}

void fork_note_resumed(void) {
  while (!__atomic_load_n(&state.may_resume, __ATOMIC_SEQ_CST)) futex(&state.may_resume, FUTEX_WAIT, 0, NULL);
  __atomic_sub_fetch(&state.unresumed, 1, __ATOMIC_SEQ_CST);
}

#endif
