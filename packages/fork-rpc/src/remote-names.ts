/** What `await`, `JSON.stringify` and text of anything ask an object for: where the functions of a module are its properties, these are none of them. */
export type NotRemote = 'then' | 'toJSON' | 'toString' | 'valueOf'

const notRemote: ReadonlySet<string | symbol> = new Set<NotRemote>(['then', 'toJSON', 'toString', 'valueOf'])

/** Whether a property may be a function of a module. */
export function isRemoteName(name: string | symbol): name is string {
  return typeof name === 'string' && !notRemote.has(name)
}

/** Properties of an object whose others are the functions of a module. */
export const likeAnObject: PropertyDescriptorMap = { toString: { value: () => '[object Remote]' } }
