import { readFileSync } from 'node:fs'
import type { ForkProcess } from '@anyfork/fork'
import { provideModule } from '@anyfork/fork/internal'
import { REMOTE_SERVE, requireModule } from './entry-files.js'

/** The name of the module that serves calls in a remote process. */
export const REMOTE_MODULE = 'anyfork:serve'

let serve: string | undefined
let cbor: string | undefined

/** Sends the code that serves calls to a remote process, with its serialiser, unless it has that. */
export function provideServe(process: ForkProcess): void {
  cbor ??= readFileSync(requireModule.resolve('cbor-x'), 'utf8')
  serve ??= readFileSync(REMOTE_SERVE, 'utf8')
  provideModule(process, { specifier: 'cbor-x', code: cbor })
  provideModule(process, {
    specifier: REMOTE_MODULE,
    code: serve,
    offers: { '@anyfork/fork-rpc/child': 'child' },
  })
}
