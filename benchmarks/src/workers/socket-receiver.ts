/** Receives sockets from `process.send` until it has as many as argv says, then tells. */
const count = Number(process.argv[2])
let received = 0
process.on('message', (_message, handle) => {
  ;(handle as { destroy(): void }).destroy()
  if (++received === count) process.send!('done')
})
