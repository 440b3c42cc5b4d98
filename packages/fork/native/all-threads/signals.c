#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

uint64_t fork_block_signals(void) {
  const uint64_t all = ~0ULL;
  uint64_t before;
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all, 0, 0);
  return before;
}

void fork_restore_signals(uint64_t blocked) {
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&blocked, 0, sizeof blocked, 0, 0);
}

#endif
