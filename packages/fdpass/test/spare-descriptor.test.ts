import { socketpair } from '@anyfork/fdpass'
import { before } from 'mocha'

// libuv opens a spare descriptor of its own with the first stream of a process. Tests
// that count descriptors want it there before.
before(done => {
  const [one, other] = socketpair()
  other.close()
  one
    .toSocket()
    .on('close', () => done())
    .destroy()
})
