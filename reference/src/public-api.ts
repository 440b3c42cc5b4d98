import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'

const packages = resolve(import.meta.dirname, '../../packages')

/** The published packages. Each comes after those that it depends on. */
export const PACKAGES: readonly string[] = ['fdpass', 'fdpasser', 'fork', 'fork-rpc', 'fork-pool']

/** A documented entry point of a package. */
export interface Entry {
  /** The specifier that programs import, such as `@anyfork/fork/child`. */
  specifier: string
  /** The path of its declaration file. */
  file: string
}

/** A public function, constructor, method, or setter that takes options. */
export interface CallWithOptions {
  /** Such as `watch()`, `new FdPasser()`, or `FdPasser.prototype.pushSend()`. */
  name: string
  specifier: string
  /** The position of the options among the arguments. */
  position: number
  /** The names of the options. */
  options: readonly string[]
}

/**
 * Reads the documented entry points of a package from its `exports`. Internal entry points are left out.
 *
 * @param name - the folder in `packages/`
 */
export function entriesOf(name: string): Entry[] {
  const folder = join(packages, name)
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>
  }
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' || path.startsWith('./internal')
      ? []
      : [{ specifier: `@anyfork/${name}${path.slice(1)}`, file: join(folder, target.types) }],
  )
}

let api: PublicApi | undefined

/** Returns the public API of all packages. The compiler reads it once, which takes seconds. */
export function publicApi(): PublicApi {
  return (api ??= new PublicApi(PACKAGES.flatMap(entriesOf)))
}

/** The public API of packages, which the TypeScript compiler reads from their declaration files. */
export class PublicApi {
  readonly #entries: readonly Entry[]
  readonly #program: ts.Program
  readonly #checker: ts.TypeChecker
  readonly #printer = ts.createPrinter({ removeComments: true })

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
    this.#program = ts.createProgram(
      entries.map(({ file }) => file),
      {
        module: ts.ModuleKind.NodeNext,
        target: ts.ScriptTarget.ES2023,
        lib: ['lib.es2023.d.ts'], // without browsers, whose declarations are the largest
        types: ['node'],
        strict: true,
        noEmit: true,
      },
    )
    this.#checker = this.#program.getTypeChecker()
  }

  /**
   * Prints the declarations that an entry point exports, sorted by the names that it gives them, without comments and
   * private members. A base class that is not exported follows the class that extends it.
   */
  declarations({ specifier, file }: Entry): string {
    const parts = this.#exports(file).flatMap(([name, symbol]) => {
      const declarations = symbol.declarations ?? []
      const source = declarations[0]?.getSourceFile().fileName ?? ''
      if (!isOwn(source, file)) return [`export { ${name} } from '@anyfork/${packageOf(source)}'`]
      return declarations.flatMap(declaration => [
        exportedAs(name, symbol, this.#print(declaration)),
        ...this.#hiddenBases(declaration),
      ])
    })
    return (
      [`// What ${specifier} exports. Made by \`npm run update --workspace @anyfork/reference\`.`, ...parts].join(
        '\n\n',
      ) + '\n'
    )
  }

  /** Finds every exported function, constructor, method, and setter with an options parameter. */
  callsWithOptions(): CallWithOptions[] {
    return this.#entries.flatMap(({ specifier, file }) =>
      this.#exports(file).flatMap(([name, symbol]) => {
        const own = symbol.declarations?.[0]
        if (!own || !isOwn(own.getSourceFile().fileName, file)) return []
        return this.#callsOf(name, symbol, own).map(call => ({ specifier, ...call }))
      }),
    )
  }

  #exports(file: string): [string, ts.Symbol][] {
    const source = this.#program.getSourceFile(file)
    const module = source && this.#checker.getSymbolAtLocation(source)
    if (!module) return []
    return this.#checker
      .getExportsOfModule(module)
      .map((symbol): [string, ts.Symbol] => [
        symbol.name,
        symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol,
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  #print(declaration: ts.Declaration): string {
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
    const source = declaration.getSourceFile()
    if (!ts.isClassDeclaration(node)) return this.#printer.printNode(ts.EmitHint.Unspecified, node, source)
    const members = node.members.filter(member => !isHidden(member))
    const { modifiers, name, typeParameters, heritageClauses } = node
    const shown = ts.factory.createClassDeclaration(modifiers, name, typeParameters, heritageClauses, members)
    return this.#printer.printNode(ts.EmitHint.Unspecified, shown, source)
  }

  #hiddenBases(declaration: ts.Declaration): string[] {
    if (!ts.isClassDeclaration(declaration)) return []
    return (declaration.heritageClauses ?? []).flatMap(({ types }) =>
      types.flatMap(({ expression }) => {
        const symbol = this.#checker.getSymbolAtLocation(expression)
        const base = symbol && (symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol)
        const own = base?.declarations?.find(ts.isClassDeclaration)
        if (!own || !isOwn(own.getSourceFile().fileName, declaration.getSourceFile().fileName)) return []
        return [`// not exported\n${this.#print(own)}`, ...this.#hiddenBases(own)]
      }),
    )
  }

  #callsOf(name: string, symbol: ts.Symbol, own: ts.Declaration): Omit<CallWithOptions, 'specifier'>[] {
    const type = this.#checker.getTypeOfSymbolAtLocation(symbol, own)
    const isClass = ts.isClassDeclaration(own)
    const calls = [
      ...this.#withOptions(`${name}()`, type.getCallSignatures()),
      ...this.#withOptions(
        `new ${name}()`,
        isClass && !hasPrivateConstructor(own) ? type.getConstructSignatures() : [],
      ),
    ]
    if (!isClass && !ts.isInterfaceDeclaration(own)) return calls
    const instance = this.#checker.getDeclaredTypeOfSymbol(symbol)
    const members: [string, ts.Symbol][] = [
      ...(isClass ? type.getProperties().map((member): [string, ts.Symbol] => [`${name}.${member.name}`, member]) : []),
      ...instance.getProperties().map((member): [string, ts.Symbol] => [`${name}.prototype.${member.name}`, member]),
    ]
    for (const [path, member] of members) {
      const declaration = member.declarations?.[0]
      if (!declaration || isHidden(declaration) || !declaration.getSourceFile().fileName.includes('/packages/'))
        continue
      const memberType = this.#checker.getTypeOfSymbolAtLocation(member, declaration)
      calls.push(...this.#withOptions(`${path}()`, memberType.getCallSignatures()))
      const options = member.declarations?.some(ts.isSetAccessor) && this.#optionNames(memberType)
      if (options) calls.push({ name: `${path} =`, position: 0, options })
    }
    return calls
  }

  #withOptions(name: string, signatures: readonly ts.Signature[]): Omit<CallWithOptions, 'specifier'>[] {
    const found = new Map<string, Omit<CallWithOptions, 'specifier'>>()
    for (const signature of signatures) {
      for (const [position, parameter] of signature.getParameters().entries()) {
        const declaration = parameter.valueDeclaration
        if (!declaration) continue
        const options = this.#optionNames(this.#checker.getTypeOfSymbolAtLocation(parameter, declaration))
        if (options) found.set(`${position}`, { name, position, options })
      }
    }
    return [...found.values()]
  }

  /**
   * Returns the property names of an options type: an object type of which all properties are optional, and are declared
   * in a package. Returns `undefined` for any other type.
   */
  #optionNames(parameter: ts.Type): string[] | undefined {
    const type = this.#checker.getNonNullableType(parameter)
    if (!(type.flags & ts.TypeFlags.Object) || type.getCallSignatures().length || this.#checker.isArrayLikeType(type))
      return
    const properties = type.getProperties()
    if (!properties.length || type.getStringIndexType()) return
    const isOption = (property: ts.Symbol): boolean =>
      (property.flags & ts.SymbolFlags.Optional) !== 0 &&
      property.declarations?.[0]?.getSourceFile().fileName.includes('/packages/') === true
    if (!properties.every(isOption)) return
    return properties.map(property => property.name).sort()
  }
}

/** Reports whether a declaration is private, protected, or marked `@internal`. */
/** Gives a printed declaration the name by which it is exported: `export { secret as known }`. */
function exportedAs(name: string, { name: declared }: ts.Symbol, text: string): string {
  return declared === name ? text : text.replace(new RegExp(`\\b${declared}\\b`), name)
}

function isHidden(declaration: ts.Declaration): boolean {
  const { name } = declaration as { name?: ts.Node }
  if (name && ts.isPrivateIdentifier(name)) return true
  if (ts.getJSDocTags(declaration).some(tag => tag.tagName.text === 'internal')) return true
  return (ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0
}

function hasPrivateConstructor(declaration: ts.ClassDeclaration): boolean {
  return declaration.members.some(member => ts.isConstructorDeclaration(member) && isHidden(member))
}

const packageOf = (file: string): string => /\/packages\/([\w-]+)\//.exec(file)?.[1] ?? dirname(file)
const isOwn = (file: string, entry: string): boolean => packageOf(file) === packageOf(entry)
