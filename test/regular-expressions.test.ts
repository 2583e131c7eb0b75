import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { analyse } from 'scslre'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { ROOT } from './consumer.ts'

const SOURCES = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: ROOT })

/** The regular expressions of a file, as written. */
function literals(file: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node) => {
    if (ts.isRegularExpressionLiteral(node)) found.push(node.text)
    if (ts.isNewExpression(node) && node.expression.getText() === 'RegExp')
      throw new Error(`${file} makes an expression that nobody can check`)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true))
  return found
}

/** How much of it takes time that grows faster than the text. */
function superLinear(literal: string): number {
  const end = literal.lastIndexOf('/')
  return analyse({ source: literal.slice(1, end), flags: literal.slice(end + 1) }).reports.length
}

test('IN-20 no regular expression takes time that grows faster than the text', () => {
  const expressions = SOURCES.flatMap((file) => literals(file).map((literal) => ({ file, literal })))
  expect(expressions.length).toBeGreaterThan(60)
  expect(expressions.filter(({ literal }) => superLinear(literal) > 0)).toEqual([])
})

test('IN-20 the check knows the ones that do', () => {
  for (const hostile of ['/(a+)+$/', '/^\\s*(.*)\\s*$/', '/a+$/', '/^(?:\\w+\\.?)+@/'])
    expect([hostile, superLinear(hostile) > 0]).toEqual([hostile, true])
})
