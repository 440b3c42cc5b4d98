import { readFileSync } from 'node:fs'
import { onRemote, provideModule } from '@anyfork/fork/internal'
import type { ForkProcess } from '@anyfork/fork-rpc'
import { REMOTE_CHILD } from './entry-files.js'

let code: string | undefined

/** Sends the functions for workers to a remote process, unless it has them. */
export function provideChild(process: ForkProcess): void {
  code ??= readFileSync(REMOTE_CHILD, 'utf8')
  provideModule(process, { specifier: 'anyfork:pool', code, offers: { '@anyfork/fork-pool/child': 'child' } })
}

onRemote(provideChild)
