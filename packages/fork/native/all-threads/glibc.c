#include "../fork.h"
#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

#include <dlfcn.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <unistd.h>

/* What getauxval(3) may not name yet. */
#ifndef AT_RSEQ_ALIGN
#define AT_RSEQ_ALIGN 28
#endif
#define ORIGINAL_RSEQ_SIZE 32
#ifndef SYS_rseq
#ifdef __x86_64__
#define SYS_rseq 334
#else
#define SYS_rseq 293
#endif
#endif

/* RSEQ_CPU_ID_REGISTRATION_FAILED (linux/rseq.h) */
#define REGISTRATION_FAILED ((uint32_t)-2)

/* The beginning of `struct rseq` (linux/rseq.h). */
struct area {
  uint32_t cpu_id_start, cpu_id;
  uint64_t rseq_cs;
};

/* Found out once. All threads of the process have the same. */
static struct {
  pthread_once_t once;
  const char *flaw; /* NULL: it is as expected */
  size_t tid_offset;
  ptrdiff_t rseq_offset;
  uint32_t rseq_size; /* 0: glibc has registered none */
} glibc = {.once = PTHREAD_ONCE_INIT};

/* How debuggers find the field `tid` of `struct pthread` (nptl_db/structs.def): its size in bits, the number of its
 * elements, and its offset. */
static const uint32_t *describe_tid(void) { return dlsym(RTLD_DEFAULT, "_thread_db_pthread_tid"); }

/* The size with which glibc has registered the area. `used` is the part of it that the kernel uses, as glibc says.
 * Areas up to the size of the first version of the system call are registered with that. Only a glibc that has room for
 * larger ones says so, and takes a multiple of the alignment (sysdeps/unix/sysv/linux/rseq-internal.h). What the kernel
 * could use (AT_RSEQ_FEATURE_SIZE) does not matter. */
static uint32_t registered_size(unsigned int used) {
  unsigned long align = getauxval(AT_RSEQ_ALIGN);
  if (used <= ORIGINAL_RSEQ_SIZE || align == 0) return ORIGINAL_RSEQ_SIZE;
  return (uint32_t)((used + align - 1) / align * align);
}

static const char *find_flaw(void) {
  const uint32_t *tid = describe_tid();
  if (tid == NULL || tid[0] != 8 * sizeof(pid_t) || tid[1] != 1 || tid[2] > 4096)
    return "the C library does not say where it keeps the id of a thread";
  if (has_shadow_stack()) return "its threads have shadow stacks";
  glibc.tid_offset = tid[2];
  const ptrdiff_t *offset = dlsym(RTLD_DEFAULT, "__rseq_offset");
  const unsigned int *size = dlsym(RTLD_DEFAULT, "__rseq_size");
  if (offset != NULL && size != NULL && *size > 0) {
    glibc.rseq_offset = *offset;
    glibc.rseq_size = registered_size(*size);
  }
  struct fork_identity own;
  if (!fork_identify(&own, (pid_t)syscall(SYS_gettid)))
    return "the C library does not keep the id of a thread where it says";
  return NULL;
}

static void check(void) { glibc.flaw = find_flaw(); }

const char *fork_flaw_of_glibc(void) {
  pthread_once(&glibc.once, check);
  return glibc.flaw;
}

int fork_check_glibc(void) {
  const char *flaw = fork_flaw_of_glibc();
  return flaw == NULL ? 0 : fork_refuse(-ENOTSUP, "%s", flaw);
}

/* An area that is registered has the number of a processor (rseq(2)). */
static struct area *area_of(uintptr_t pointer) {
  if (glibc.rseq_size == 0) return NULL;
  struct area *area = (struct area *)(pointer + (uintptr_t)glibc.rseq_offset);
  return (int32_t)__atomic_load_n(&area->cpu_id, __ATOMIC_RELAXED) >= 0 ? area : NULL;
}

bool fork_identify(struct fork_identity *self, pid_t tid) {
  self->pointer = thread_pointer();
  if (self->pointer == 0) return false;
  self->tid = (pid_t *)(thread_descriptor(self->pointer) + glibc.tid_offset);
  if (*self->tid != tid) return false;
  self->rseq = area_of(self->pointer);
  return raw_call(SYS_get_robust_list, 0, (long)&self->robust_list, (long)&self->robust_length, 0, 0, 0) == 0;
}

void fork_register_robust_list(const struct fork_identity *self) {
  if (self->robust_list != NULL)
    raw_call(SYS_set_robust_list, (long)self->robust_list, (long)self->robust_length, 0, 0, 0, 0);
}

void fork_register(const struct fork_identity *self) {
  fork_register_robust_list(self);
  if (self->rseq == NULL) return;
  struct area *area = self->rseq;
  area->rseq_cs = 0; /* the signal has ended any sequence */
  long rc = raw_call(SYS_rseq, (long)area, glibc.rseq_size, 0, FORK_RSEQ_SIGNATURE, 0, 0);
  if (rc == 0) return;
  area->cpu_id_start = 0;
  area->cpu_id = REGISTRATION_FAILED; /* else code would take the number of the parent's processor for its own */
}

#endif
