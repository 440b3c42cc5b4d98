interface Pending {
  resolve(payload: Buffer): void
  reject(error: Error): void
}

/** The orders to one process that are not answered yet, by id. */
export class PendingAnswers {
  readonly #pending = new Map<number, Pending>()

  /** Returns the answer to an order: resolves with its payload. */
  add(id: number): Promise<Buffer> {
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
  }

  /** Ignores ids that are unknown: the function of a process can write to its control socket. */
  resolve(id: number, payload: Buffer): void {
    this.#take(id)?.resolve(payload)
  }

  reject(id: number, error: Error): void {
    this.#take(id)?.reject(error)
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    return pending
  }
}
