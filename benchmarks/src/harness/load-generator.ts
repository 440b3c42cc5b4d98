import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'

/** What clients have got from a server. */
export interface LoadResult {
  answered: number
  requestsPerSecond: number
  /** Connections that were reset or refused, requests that were not answered in time, and answers other than 2xx. */
  errors: number
}

const autocannon = createRequire(import.meta.url).resolve('autocannon')

/** Puts a server under load, by clients that keep their connections. They are a process of their own. */
export async function putUnderLoad(
  url: string,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<LoadResult> {
  const args = [autocannon, '--json', '-c', `${connections}`, '-d', `${seconds}`, url]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 })
  const result = JSON.parse(stdout) as {
    '2xx': number
    errors: number
    timeouts: number
    non2xx: number
    requests: { average: number }
  }
  const { errors, timeouts, non2xx, requests } = result
  return { answered: result['2xx'], requestsPerSecond: requests.average, errors: errors + timeouts + non2xx }
}
