import { ForkProcess, run } from '@anyfork/fork-rpc'

/** Removes six directories, none of which is there. */
async function main(async: boolean): Promise<void> {
  const worker = new URL('./worker.js', import.meta.url)
  const remove = run(ForkProcess.create(), worker, async ? 'removeAndTell' : 'remove', {
    async,
    onError: error => console.error(`ERROR: ${error.message}`),
    onEvent: count => console.log(`${String(count)} requests handled`),
  })
  for (let id = 1; id <= 6; id++) {
    const path = `/tmp/somepath/${id}`
    void remove('rmdir', path).then(result => {
      const [ok, reason] = result as [boolean, string]
      if (!ok) console.log(`${path}: ${reason}`)
    })
  }
  await remove.close() // lets all calls finish
}

await main(process.argv.includes('--async'))
