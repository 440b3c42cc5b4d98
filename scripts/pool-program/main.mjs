// Runs a pool of two workers, and prints how they were made.
import { ForkProcess, pool } from '@anyfork/fork-pool'

const square = pool(ForkProcess.create(), new URL('./worker.mjs', import.meta.url), 'square', { max: 2 })
const answers = await Promise.all([2, 3].map(number => square(number)))
const { template } = await square.stats()
await square.close()
console.log(JSON.stringify({ answers, mode: template.mode, obstacle: template.obstacle }))
