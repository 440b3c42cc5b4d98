import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Benchmark } from './harness/benchmark.js'
import { HEAVY_MODULE } from './harness/heavy-module.js'
import { pools } from './peers/pools.js'

const program = fileURLToPath(new URL('./workers/cold-program.js', import.meta.url))

export const benchmark: Benchmark = {
  title: 'How long does a program take from its start to the first result of its pool?',
  method:
    'Starts `node` with a program that loads the pool, makes one with one worker, calls `add(1, 2)`, and prints the result. Measured from the start of `node` until the output arrives.',
  isHigherBetter: false,
  subjects: pools,
  rounds: 5,
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module, cpus: 'free' })),
  async measure({ peer, variant }, { module }) {
    const startedAt = performance.now()
    const node = spawn(process.execPath, [program, JSON.stringify([{ peer, variant }, module])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [answer] = await Promise.race([once(node.stdout, 'data'), once(node.stdout, 'end')])
    const milliseconds = performance.now() - startedAt
    assert.equal(`${answer}`, '3\n')
    return { milliseconds }
  },
}
