/** The jobs of `fixtures/thread-jobs.ts` that every fork with all threads can do. */
export const jobsOfForks: readonly string[] = [
  'timers',
  'files',
  'crypto',
  'zlib',
  'garbage collections',
  'optimized code',
  'WebAssembly',
  'sockets',
  'child processes',
]
