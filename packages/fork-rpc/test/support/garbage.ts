import { collectGarbage, until } from '@anyfork/test-support'

/** Collects garbage until an event that a finalizer causes. Resolves with the value of the event. */
export async function collectUntil<T>(event: Promise<T>): Promise<T> {
  let isOver = false
  const value = event.finally(() => (isOver = true))
  await until(
    async () => (await collectGarbage(), isOver),
    () => 'the event has not happened',
  )
  return value
}

/** Collects garbage until none of these objects exists. */
export async function untilCollected(...refs: readonly WeakRef<object>[]): Promise<void> {
  const kept = (): number => refs.filter(ref => ref.deref()).length
  await until(
    async () => (await collectGarbage(), kept() === 0),
    () => `${kept()} of ${refs.length} objects still exist`,
  )
}
