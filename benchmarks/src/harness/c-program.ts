import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** A program in C that was compiled; it is gone once disposed of. */
export interface CProgram extends Disposable {
  /** Runs it. @returns the numbers that it prints */
  run(...args: readonly number[]): number[]
}

/**
 * Compiles a program.
 *
 * @param name - of its file in `benchmarks/native`, without suffix
 * @param parts - paths of the other sources that it takes, from the root of the repository
 * @throws Error when there is no compiler
 */
export function compile(name: string, parts: readonly string[] = []): CProgram {
  const program = join(mkdtempSync(join(tmpdir(), 'anyfork-bench-')), name)
  const headers = join(dirname(dirname(process.execPath)), 'include/node')
  const sources = [`benchmarks/native/${name}.c`, ...parts].map(path => join(root, path))
  execFileSync('cc', ['-O2', '-std=c11', '-D_GNU_SOURCE', `-I${headers}`, ...sources, '-o', program])
  return {
    run: (...args) => execFileSync(program, args.map(String), { encoding: 'utf8' }).trim().split(' ').map(Number),
    [Symbol.dispose]: () => rmSync(dirname(program), { recursive: true }),
  }
}
