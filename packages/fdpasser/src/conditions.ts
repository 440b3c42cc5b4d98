/** Conditions that promises wait for. */
export class Conditions {
  #list: { isMet: () => boolean; settle: () => void }[] = []

  /** Resolves as soon as the condition is met, now or at a later call of `check`, or when `end` is called. */
  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve()
    return new Promise(settle => this.#list.push({ isMet, settle }))
  }

  /** Checks all conditions again. Call this whenever one of them may have changed. */
  check(): void {
    if (!this.#list.length) return
    const list = this.#list
    this.#list = []
    for (const one of list) {
      if (one.isMet()) one.settle()
      else this.#list.push(one)
    }
  }

  /** Resolves all promises: no condition will change any more. */
  end(): void {
    for (const one of this.#list.splice(0)) one.settle()
  }
}
