#include "../fork.h"
#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

#include <sched.h>
#include <sys/prctl.h>

/* Runs in the new thread, below the frame of the signal: the functions that the handler had called there are not
 * returned to. All signals are blocked until sigreturn(2) restores the mask, the registers, and the alternate stack. */
static int resume(void *context) {
  const struct fork_thread *self = context;
  fork_register(&self->identity);
  raw_call(SYS_prctl, PR_SET_NAME, (long)self->name, 0, 0, 0, 0);
  void *frame = self->frame;
  fork_note_resumed(); /* the record may be gone from now on */
  return_from_signal(frame);
}

/* As pthread_create(3) does. */
#define FLAGS                                                                                        \
  (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | \
    CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

int fork_clone_threads(const struct fork_threads *threads) {
  size_t count = 0;
  for (size_t i = 0; i < threads->count; i++) count += threads->all[i].state == THREAD_PARKED;
  fork_expect_resumed(count);
  for (size_t i = 0; i < threads->count; i++) {
    const struct fork_thread *thread = &threads->all[i];
    if (thread->state != THREAD_PARKED) continue;
    const struct fork_identity *identity = &thread->identity;
    int rc =
      clone(resume, thread->frame, FLAGS, (void *)thread, identity->tid, (void *)identity->pointer, identity->tid);
    if (rc < 0) return -errno;
  }
  fork_let_resume();
  return 0;
}

#endif
