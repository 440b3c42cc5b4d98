import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Benchmark } from './harness/benchmark.js'
import { HEAVY_MODULE } from './harness/heavy-module.js'
import { pools } from './peers/pools.js'

const program = fileURLToPath(new URL('./workers/cold-program.js', import.meta.url))

export const benchmark: Benchmark = {
  title: 'How long until a program that uses a pool has its first answer?',
  method:
    'From starting `node` with a program that loads the pool, makes one of one worker and calls `add(1, 2)`, until it has printed the answer.',
  isHigherBetter: false,
  subjects: pools,
  rounds: 9,
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module, cpus: 'free' })),
  async measure({ peer, variant }, { module }) {
    const started = performance.now()
    const node = spawn(process.execPath, [program, JSON.stringify([{ peer, variant }, module])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [answer] = await Promise.race([once(node.stdout, 'data'), once(node.stdout, 'end')])
    const milliseconds = performance.now() - started
    assert.equal(`${answer}`, '3\n')
    return { milliseconds }
  },
}
