#include "../fork.h"
#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

#include <linux/futex.h>
#include <stdio.h>
#include <string.h>

#define PAGE_MASK 0xfffUL

/* If the kernel makes the call again after the handler (signal(7)), the code is at the instruction of the call, and the
 * registers have its number and its arguments. Calls that are never made again, such as epoll_wait(2), poll(2), and
 * nanosleep(2), have returned EINTR. Any other thread is running. */
void fork_note_position(struct fork_thread *thread, const ucontext_t *context) {
  const uint8_t *code = (const uint8_t *)code_address(context);
  bool has_code_before = ((uintptr_t)code & PAGE_MASK) >= FORK_CALL_OCTETS;
  thread->position = CALL_NONE;
  if (code_address(context) == 0) return;
  if (has_code_before && is_call(code - FORK_CALL_OCTETS) && result_of_call(context) == -EINTR) {
    thread->position = CALL_INTERRUPTED;
  } else if (((uintptr_t)code & PAGE_MASK) <= PAGE_MASK + 1 - FORK_CALL_OCTETS && is_call(code)) {
    thread->position = CALL_AHEAD;
    thread->call = call_of(context);
  }
}

/* Waits for a lock that knows the id of its owner (FUTEX_LOCK_PI) are not among them. */
static bool is_plain_wait(unsigned long operation) {
  int command = (int)operation & FUTEX_CMD_MASK;
  return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
}

/* A thread whose word has changed goes on at once. Another one has given it something to do, and may wait for it in the
 * middle of a garbage collection, for which V8 holds mutexes that know the id of their owner. The copy of the owner has
 * another id, and could never unlock them.
 *
 * The word may be in memory that AddressSanitizer keeps for its own locks. */
__attribute__((no_sanitize("address"))) static bool is_waiting(const struct fork_call *call) {
  const uint32_t *word = (const uint32_t *)call->arguments[0]; /* futex(2) */
  return is_plain_wait(call->arguments[1]) && __atomic_load_n(word, __ATOMIC_SEQ_CST) == (uint32_t)call->arguments[2];
}

bool fork_is_at_safe_point(const struct fork_thread *thread, bool (*is_renewed)(int fd)) {
  if (thread->position == CALL_INTERRUPTED) return true;
  if (thread->position != CALL_AHEAD) return false;
  switch (thread->call.number) {
  case SYS_futex:
    return is_waiting(&thread->call);
  case SYS_read:
    return is_renewed((int)thread->call.arguments[0]);
#ifdef __x86_64__
  case SYS_epoll_wait:
  case SYS_poll:
  case SYS_select:
  case SYS_pause:
#endif
  case SYS_epoll_pwait:
  case SYS_ppoll:
  case SYS_pselect6:
  case SYS_nanosleep:
  case SYS_clock_nanosleep:
  case SYS_restart_syscall:
  case SYS_rt_sigsuspend:
  case SYS_rt_sigtimedwait:
    return true;
  default:
    return false;
  }
}

/* The names of calls in which threads wait. */
static const struct {
  long number;
  const char *name;
} calls[] = {
  {SYS_read, "read"},
  {SYS_write, "write"},
  {SYS_readv, "readv"},
  {SYS_writev, "writev"},
  {SYS_pread64, "pread64"},
  {SYS_pwrite64, "pwrite64"},
  {SYS_recvfrom, "recvfrom"},
  {SYS_recvmsg, "recvmsg"},
  {SYS_sendto, "sendto"},
  {SYS_sendmsg, "sendmsg"},
  {SYS_accept, "accept"},
  {SYS_accept4, "accept4"},
  {SYS_connect, "connect"},
  {SYS_wait4, "wait4"},
  {SYS_waitid, "waitid"},
  {SYS_fsync, "fsync"},
  {SYS_fdatasync, "fdatasync"},
  {SYS_flock, "flock"},
  {SYS_fcntl, "fcntl"},
  {SYS_ioctl, "ioctl"},
  {SYS_openat, "openat"},
  {SYS_futex, "futex"},
  {SYS_execve, "execve"},
  {SYS_clone, "clone"},
};

static const char *name_of_call(long number) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (calls[i].number == number) return calls[i].name;
  return "a system call";
}

/* Reads a file of a thread, without the line feed at its end. */
static const char *file_of(pid_t tid, const char *name, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)tid, name);
  ssize_t n = fork_read_file(path, text, size);
  if (n <= 0) return "";
  text[strcspn(text, "\n")] = '\0';
  return text;
}

int fork_refuse_thread(const struct fork_thread *thread) {
  char name[32], call[128], place[64];
  file_of(thread->tid, "comm", name, sizeof name);
  file_of(thread->tid, "syscall", call, sizeof call); /* proc_pid_syscall(5) */
  file_of(thread->tid, "wchan", place, sizeof place);
  long number = thread->call.number;
  unsigned long fd = thread->call.arguments[0];
  bool is_waiting = thread->state == THREAD_PARKED ? thread->position == CALL_AHEAD
                                                   : sscanf(call, "%ld 0x%lx", &number, &fd) == 2 && number >= 0;
  if (!is_waiting) return fork_refuse(-EBUSY, "the thread %s (%d) is running", name, (int)thread->tid);
  return fork_refuse(-EBUSY, "the thread %s (%d) is in %s (%ld) with the first argument 0x%lx%s%s", name,
    (int)thread->tid, name_of_call(number), number, fd, place[0] > '0' ? ", in the kernel at " : "",
    place[0] > '0' ? place : "");
}

#endif
