import { parseArgs } from 'node:util'
import { ForkProcess, run } from '@anyfork/fork-rpc'

const isAsync = parseOptions().async

const remove = run(ForkProcess.create(), new URL('./worker.js', import.meta.url), isAsync ? 'removeAsync' : 'remove', {
  async: isAsync,
  onError: error => console.error(`the connection has failed: ${error.message}`),
  onEvent: count => console.log(`${String(count)} requests handled`),
})

// The folders do not exist, so that the example changes nothing.
const paths = [1, 2, 3, 4, 5, 6].map(id => `/tmp/somepath/${id}`)
const calls = paths.map(path =>
  remove('rmdir', path).then(result => {
    const [isRemoved, reason] = result as [boolean, string?]
    if (!isRemoved) console.log(`${path}: ${reason}`)
  }),
)
await Promise.all(calls) // rejects if a call fails
await remove.close() // ends the process

function parseOptions(): { async: boolean } {
  try {
    return parseArgs({ options: { async: { type: 'boolean', default: false } } }).values
  } catch (error) {
    console.error(`${(error as Error).message}\n\nUsage: npm start -- [--async]`)
    process.exit(2)
  }
}
