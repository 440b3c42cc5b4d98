/** Text that is HTML already, so that `html` does not escape it again. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/** What a template may contain. `undefined`, `false`, and `''` leave no trace. */
export type Content = string | number | false | undefined | Markup | readonly Markup[]

/** Escapes a text so that it is itself inside an element, and inside an attribute in quotes of either kind. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/**
 * A template tag that escapes every value, except the results of other templates.
 *
 *     html`<p title="${any}">${any}${html`<br>`}</p>`
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.map((string, i) => (i ? contentOf(values[i - 1]) : '') + string).join(''))
}

function contentOf(value: Content): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.join('')
  return escapeHtml(`${value}`)
}
