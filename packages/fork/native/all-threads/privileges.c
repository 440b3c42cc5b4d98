#include "../fork.h"
#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

#include <sys/prctl.h>

static void set(void) { raw_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); }

int fork_no_new_privileges_in_threads(void) {
  int rc = fork_no_new_privileges(); /* threads that start from now on inherit it */
  if (rc == 0) rc = fork_check_glibc();
  return rc == 0 ? fork_call_in_threads(set) : rc;
}

#else

int fork_no_new_privileges_in_threads(void) { return fork_no_new_privileges(); }

#endif
