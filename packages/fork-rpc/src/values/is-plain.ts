/**
 * Reports whether an object is an array or a plain object, of this realm or of another one, such as a `node:vm`
 * context. Only those are searched for attachments.
 */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return (
    prototype === Object.prototype ||
    prototype === Array.prototype ||
    prototype === null ||
    Array.isArray(value) ||
    isObjectPrototype(prototype as object)
  )
}

/** Reports whether an object is the `Object.prototype` of a realm. */
function isObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}
