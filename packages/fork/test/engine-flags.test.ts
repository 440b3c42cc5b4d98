import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { ForkProcess } from '@anyfork/fork'
import { LATE_FLAGS } from '@anyfork/fork/internal/child'
import { describe, it } from 'mocha'

const module = new URL('data:text/javascript,export const flags = () => process.execArgv')
const preloaded = ['--import', 'data:text/javascript,']

/** Returns the flags with which a template is started. */
async function flagsOf(execArgv: string[]): Promise<string[]> {
  await using template = ForkProcess.exec({ execArgv, mode: 'fork', threads: 'one' })
  const flags = (await template.call(module, 'flags')) as string[]
  return flags.filter(flag => !preloaded.includes(flag))
}

/** Returns all flags of V8 with their values, those included that the given ones imply. */
function valuesWith(flags: readonly string[]): string[] {
  return execFileSync(process.execPath, [...flags, '--print-flag-values', '-e', '0'], { encoding: 'utf8' }).split('\n')
}

describe('flags of V8 that a template sets at run time', () => {
  it('with them, each flag has the value that the flags of a template with a preloaded module imply', async () => {
    const early = valuesWith(await flagsOf([]))
    const missing = valuesWith(await flagsOf(preloaded)).filter(value => !early.includes(value))
    assert.ok(missing.includes('--single-threaded'))
    assert.deepEqual(
      missing.filter(value => !LATE_FLAGS.includes(value)),
      [],
    )
  })

  it('this version has all of them', () => {
    const values = valuesWith(LATE_FLAGS) // fails for an unknown flag
    assert.deepEqual(
      LATE_FLAGS.filter(flag => !values.includes(flag)),
      [],
    )
  })
})
