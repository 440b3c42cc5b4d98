/** Those who wait for a condition that others bring about. */
export class Waiting {
  #list: { isMet: () => boolean; settle: () => void }[] = []

  /** Resolves when the condition is met at a call of `wake`, or at `end`. */
  for(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve()
    return new Promise(settle => this.#list.push({ isMet, settle }))
  }

  /** Something has changed. */
  wake(): void {
    if (!this.#list.length) return
    const list = this.#list
    this.#list = []
    for (const one of list) {
      if (one.isMet()) one.settle()
      else this.#list.push(one)
    }
  }

  /** Nothing will change any more. */
  end(): void {
    for (const one of this.#list.splice(0)) one.settle()
  }
}
