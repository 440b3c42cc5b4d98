/* What differs between processors. Everything here works without a stack of its own, without errno, and without the
 * thread's descriptor in the C library: a signal handler in any thread may use it. */
#ifndef FORK_MACHINE_H
#define FORK_MACHINE_H

#include <platform.h>
#ifdef ANYFORK_LINUX
#include <features.h>
#endif

/* Whether threads can be copied on this system: the code relies on glibc. */
#if defined(ANYFORK_LINUX) && defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))
#define FORK_COPIES_THREADS 1

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>

/* A system call that was interrupted, or that is about to begin. */
struct fork_call {
  long number;
  unsigned long arguments[3];
};

#ifdef __x86_64__

#include <asm/prctl.h>

#define FORK_RSEQ_SIGNATURE 0x53053053

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* Returns what CLONE_SETTLS takes; 0 in a thread that the C library has not made. */
static inline uintptr_t thread_pointer(void) {
  uintptr_t base = 0;
  raw_call(SYS_arch_prctl, ARCH_GET_FS, (long)&base, 0, 0, 0, 0);
  return base;
}

/* Returns the descriptor of a thread (struct pthread), the value of pthread_self(3). */
static inline uintptr_t thread_descriptor(uintptr_t pointer) { return pointer; }

/* Returns whether threads have shadow stacks (ARCH_SHSTK_STATUS, arch_prctl(2)). sigreturn(2) then also looks for a
 * mark that the shadow stack of a new thread does not have. */
static inline bool has_shadow_stack(void) {
  unsigned long features = 0;
  return raw_call(SYS_arch_prctl, 0x5005, (long)&features, 0, 0, 0, 0) == 0 && features != 0;
}

/* The kernel needs the code that returns from a handler (sigreturn(2)). */
#define FORK_NEEDS_RESTORER 1

/* Where sigreturn(2) expects the stack pointer: at the context, above the address to which the handler returns. */
static inline void *frame_of(siginfo_t *info, void *context) {
  (void)info;
  return context;
}

static inline _Noreturn void return_from_signal(void *frame) {
  __asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall\n\thlt" : : "r"(frame) : "memory");
  __builtin_unreachable();
}

/* `syscall` has two octets. */
static inline bool is_call(const uint8_t *code) { return code[0] == 0x0f && code[1] == 0x05; }
#define FORK_CALL_OCTETS 2

static inline uintptr_t code_address(const ucontext_t *context) {
  return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}
static inline long result_of_call(const ucontext_t *context) { return (long)context->uc_mcontext.gregs[REG_RAX]; }
static inline struct fork_call call_of(const ucontext_t *context) {
  const greg_t *registers = context->uc_mcontext.gregs;
  return (struct fork_call){(long)registers[REG_RAX],
    {(unsigned long)registers[REG_RDI], (unsigned long)registers[REG_RSI], (unsigned long)registers[REG_RDX]}};
}

#else

#define FORK_RSEQ_SIGNATURE 0xd428bc00

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

static inline uintptr_t thread_pointer(void) {
  uintptr_t pointer;
  __asm__ volatile("mrs %0, tpidr_el0" : "=r"(pointer));
  return pointer;
}

/* The descriptor lies below the address in the register. Its size is known from pthread_self(3), which returns its
 * address. The caller is a thread of the C library. */
static inline uintptr_t thread_descriptor(uintptr_t pointer) { return pointer ? (uintptr_t)pthread_self() : 0; }

/* Returns whether threads have shadow stacks (PR_GET_SHADOW_STACK_STATUS, prctl(2)). */
static inline bool has_shadow_stack(void) {
  unsigned long features = 0;
  return raw_call(SYS_prctl, 74, (long)&features, 0, 0, 0, 0) == 0 && features != 0;
}

/* The kernel brings its own code that returns from a handler, and expects the stack pointer at the signal's frame,
 * which begins with the siginfo_t. */
static inline void *frame_of(siginfo_t *info, void *context) {
  (void)context;
  return info;
}

static inline _Noreturn void return_from_signal(void *frame) {
  __asm__ volatile("mov sp, %0\n\tmov x8, #139\n\tsvc #0\n\tbrk #0" : : "r"(frame) : "memory");
  __builtin_unreachable();
}

/* `svc #0` */
static inline bool is_call(const uint8_t *code) {
  return code[0] == 0x01 && code[1] == 0 && code[2] == 0 && code[3] == 0xd4;
}
#define FORK_CALL_OCTETS 4

static inline uintptr_t code_address(const ucontext_t *context) { return (uintptr_t)context->uc_mcontext.pc; }
static inline long result_of_call(const ucontext_t *context) { return (long)context->uc_mcontext.regs[0]; }
static inline struct fork_call call_of(const ucontext_t *context) {
  const unsigned long long *registers = context->uc_mcontext.regs;
  return (struct fork_call){
    (long)registers[8], {(unsigned long)registers[0], (unsigned long)registers[1], (unsigned long)registers[2]}};
}

#endif
#endif
#endif
