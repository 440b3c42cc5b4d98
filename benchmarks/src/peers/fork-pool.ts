import { ForkProcess, pool } from '@anyfork/fork-pool'
import type { Team, Wish } from './team.js'

const worker = new URL('../workers/tasks.js', import.meta.url)

export function start({ task, workers }: Wish): Team {
  const template = ForkProcess.exec()
  const call = pool(template, worker, task, { max: workers })
  return { call, ready: () => template.ready() }
}
