import { type Descriptor, fd, type PassedDescriptor, type Remote } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'

type Typed = typeof import('./fixtures/typed.js')

/** True if two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <_T extends true>(): void => {}

// The compiler checks these assertions; nothing is called.
describe('Remote', () => {
  it('has the types of the exports: results are promises, and descriptors are passed by fd()', () => {
    type R = Remote<Typed>
    same<Same<ReturnType<R['add']>, Promise<number>>>()
    same<Same<Parameters<R['add']>, [a: number, b: number]>>()
    same<Same<ReturnType<R['later']>, Promise<string>>>()
    same<Same<ReturnType<R['count']>, Promise<AsyncIterableIterator<number>> & AsyncIterable<number>>>()
    same<Same<ReturnType<R['letters']>, Promise<AsyncIterableIterator<string>> & AsyncIterable<string>>>()
    same<Same<ReturnType<R['pair']>, Promise<[number, string]> & AsyncIterable<string | number>>>()
    same<Same<Parameters<R['optional']>, [a: number, b?: string | undefined]>>()
    same<Same<Awaited<ReturnType<R['when']>>, Map<string, Date>>>()
    same<Same<Awaited<ReturnType<R['open']>>['input'], Descriptor>>()
    same<Same<Awaited<ReturnType<R['openOne']>>, { input: Descriptor; of?: Error }>>()
    same<Same<Parameters<R['closeEach']>, [descriptors: readonly PassedDescriptor[]]>>()
    same<Same<ReturnType<R['nothing']>, Promise<void>>>()
    same<Same<Exclude<keyof Typed, keyof R>, 'notAFunction'>>()
    const remote = null as unknown as R
    void (() => {
      // @ts-expect-error: the arguments are typed
      void remote.add('1', 2)
      // @ts-expect-error: there must be two
      void remote.add(1)
      // @ts-expect-error: a descriptor is passed by fd()
      void remote.close(0)
      // @ts-expect-error: there is no such export
      void remote.absent()
      // @ts-expect-error: the options are typed
      void remote.add.with({ timeout: 'soon' })(1, 2)
      // @ts-expect-error: the result is a promise
      const sum: number = remote.add(1, 2)
      void remote.close(fd(0))
      void remote.closeAll([{ input: fd(0), name: 'one', next: { input: fd(0), name: 'two' } }])
      // @ts-expect-error: a descriptor is passed by fd(), even within an interface
      void remote.closeAll([{ input: null as unknown as Descriptor, name: 'one' }])
      void remote.closeEach([fd(0)])
      void remote.sum([1, 2].values())
      return sum
    })
  })
})
