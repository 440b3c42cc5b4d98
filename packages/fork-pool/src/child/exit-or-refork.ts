import { afterFork, beforeFork } from '@anyfork/fork'

/** So many turns of the event loop may an order to copy this process take to be heard, which was sent before. */
const TURNS = 3

/** What a worker does when it has answered all calls: lets itself be copied, if that was ordered, and ends. */
export function exitOrRefork(): void {
  let isCopied = false
  const alive = setInterval(() => {}, 60_000)
  const forgetBefore = beforeFork(() => {
    isCopied = true
    return () => void setImmediate(() => setImmediate(() => process.exit()))
  })
  const forgetAfter = afterFork(() => {
    clearInterval(alive)
    forgetBefore()
    forgetAfter()
  })
  const turn = (left: number): void => {
    if (isCopied) return
    if (left) setImmediate(turn, left - 1)
    else process.exit()
  }
  turn(TURNS)
}
