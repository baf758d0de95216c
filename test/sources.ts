import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** One file of src/, as far as the rules of the house ask about it. Paths are relative to src/. */
export interface Source {
  path: string
  /** Files it imports, exports from, or names in a type. */
  imports: string[]
  packages: string[]
  exportedTypes: string[]
  /** Text of its string and template literals. */
  texts: string[]
  /** Lines with the type `any`. */
  anys: number[]
  /** `member` of what is called `on` (of `app.calls.redis` that is `redis`); `[]` when the member is computed. */
  uses: { on: string; member: string; called: boolean }[]
  /** Texts given to a property `rule`. */
  rules: string[]
}

const named = (node: ts.Node): string =>
  ts.isIdentifier(node) || ts.isStringLiteral(node)
    ? node.text
    : ts.isPropertyAccessExpression(node)
      ? node.name.text
      : ts.isNonNullExpression(node) || ts.isParenthesizedExpression(node)
        ? named(node.expression)
        : ''

const isCalled = (node: ts.Node) => ts.isCallExpression(node.parent) && node.parent.expression === node

function textsIn(node: ts.Node): string[] {
  const own =
    ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)
      ? [node.text]
      : []
  ts.forEachChild(node, (child) => {
    own.push(...textsIn(child))
  })
  return own
}

export function parse(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const imported = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName)
  const source: Source = {
    path,
    imports: imported.filter((name) => name.startsWith('.')).map((name) => posix.join(posix.dirname(path), name)),
    packages: imported.filter((name) => !name.startsWith('.')),
    exportedTypes: [],
    texts: textsIn(file),
    anys: [],
    uses: [],
    rules: [],
  }

  function visit(node: ts.Node) {
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isClassDeclaration(node)) {
      const exported = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
      if (exported && node.name) source.exportedTypes.push(node.name.text)
    }
    if (node.kind === ts.SyntaxKind.AnyKeyword) {
      source.anys.push(file.getLineAndCharacterOfPosition(node.getStart()).line + 1)
    }
    if (ts.isPropertyAccessExpression(node)) {
      source.uses.push({ on: named(node.expression), member: node.name.text, called: isCalled(node) })
    }
    if (ts.isElementAccessExpression(node)) {
      const member = named(node.argumentExpression)
      const computed = !ts.isStringLiteral(node.argumentExpression)
      source.uses.push({ on: named(node.expression), member: computed ? '[]' : member, called: isCalled(node) })
    }
    if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer) {
      const on = named(node.initializer)
      for (const each of node.name.elements) {
        source.uses.push({ on, member: named(each.propertyName ?? each.name), called: false })
      }
    }
    if (ts.isPropertyAssignment(node) && named(node.name) === 'rule') {
      source.rules.push(...textsIn(node.initializer).filter((rule) => rule !== ''))
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return source
}

/** Names of all files below `folder`, relative to it, with `/` on every system. */
export function filesIn(folder: URL): string[] {
  const top = fileURLToPath(folder)
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(top, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .sort()
}

/** Every TypeScript file below `folder`. */
export const sourcesIn = (folder: URL): Source[] =>
  filesIn(folder)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => parse(path, readFileSync(new URL(path, folder), 'utf8')))
