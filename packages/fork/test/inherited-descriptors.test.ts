import assert from 'node:assert/strict'
import { fstatSync } from 'node:fs'
import { type Descriptor, pipe, setCloseOnExec } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'

const module = new URL('./fixtures/open-inodes.js', import.meta.url)

describe('a descriptor that the owner has open without close-on-exec', () => {
  let ends: [Descriptor, Descriptor]
  let inode: number

  before(() => {
    ends = pipe()
    for (const end of ends) setCloseOnExec(end, false)
    inode = fstatSync(ends[1].fd).ino
  })
  after(() => {
    for (const end of ends) end.close()
  })

  async function descriptorsOf(process: ForkProcess): Promise<number[]> {
    const inodes = await answer<Record<number, number>>(await process.run(module, 'openInodes'))
    return Object.keys(inodes)
      .map(Number)
      .filter(fd => inodes[fd] === inode)
  }

  it('is not open in an interpreter', async () => {
    assert.deepEqual(await descriptorsOf(ForkProcess.exec()), [])
  })

  it('is not open in a fork', async () => {
    const template = ForkProcess.exec()
    assert.deepEqual(await descriptorsOf(template.fork()), [])
    await template.close()
  })

  it('is open only as a standard stream if it was given as one', async () => {
    assert.deepEqual(await descriptorsOf(ForkProcess.exec({ stdio: ['inherit', 'inherit', ends[1]] })), [2])
  })

  it('is open in a process that it was sent to', async () => {
    assert.equal((await descriptorsOf(ForkProcess.exec().sendFd(ends[1]))).length, 1)
  })
})
