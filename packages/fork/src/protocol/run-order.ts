/** The payload of an order to run a function. */
export interface RunOrder {
  /** The URL, path, or name of the module that exports the function; `undefined` for a global function. */
  module?: string | undefined
  name: string
  /** The folder from which a name is looked up. */
  folder?: string | undefined
}

/** Encodes the order as JSON, which a process decodes sooner after its fork than a structured clone. */
export function encodeRun(order: RunOrder): Buffer {
  return Buffer.from(JSON.stringify(order))
}

/** Decodes what `encodeRun` returned. */
export function decodeRun(payload: Buffer): RunOrder {
  return JSON.parse(payload.toString()) as RunOrder
}
