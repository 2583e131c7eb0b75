import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as grantor from 'grantor'
import { SETTING_NAMES } from 'grantor'
import { expect, test } from 'vitest'
import { SERVER_NAMES } from '../packages/server/src/config.ts'
import { ROOT } from './consumer.ts'

const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'bench/*.md'], { cwd: ROOT })
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test('every file that a document links to is there', () => {
  expect(DOCUMENTS.length).toBeGreaterThan(10)
  const missing = DOCUMENTS.flatMap((document) =>
    [...readFileSync(join(ROOT, document), 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(ROOT, dirname(document), target)))
      .map((target) => `${document}: ${target}`)
  )
  expect(missing).toEqual([])
})

test('no document has the marks of a merge that was not finished', () => {
  const marks = /<{7}|>{7}|(?:> ){6}>|={7}/
  expect(marks.test('| ======= |')).toBe(true)
  expect(DOCUMENTS.filter((document) => marks.test(read(document)))).toEqual([])
})

/** The names in the first column of the tables. */
const rows = (text: string) => [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name)

test('every setting of the library and of the server is documented, and nothing else', () => {
  expect(rows(read('docs/configuration.md')).sort()).toEqual([...SETTING_NAMES, ...SERVER_NAMES].sort())
})

test('every event, error and reason to ask a person is documented', () => {
  const events = [...read('packages/grantor/src/events.ts').matchAll(/^ {2}'([\w.]+)':/gm)].map(([, name]) => name)
  const classes = Object.keys(grantor).filter(
    (name) => name.endsWith('Error') && !['OAuthError', 'OutboundError', 'ConfigurationError'].includes(name)
  )
  expect(rows(read('docs/events-and-errors.md')).sort()).toEqual([...events, ...classes].sort())
  const reasons = [...read('packages/grantor/src/interactions/checks.ts').matchAll(/reason: '([^']+)'/g)].map(([, name]) => name)
  expect(reasons.length).toBeGreaterThan(5)
  expect(rows(read('docs/interactions.md'))).toEqual(expect.arrayContaining(reasons))
})

test('every error that a flow meets is one of the library, in its own words', () => {
  const sources = globSync('packages/grantor/src/**/*.ts', { cwd: ROOT }).map(read).join('\n')
  const spans = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
  const faults = globSync('docs/flows/*.md', { cwd: ROOT }).flatMap((document) => {
    const [, errors = ''] = read(document).split('\n## Errors\n')
    const [table = ''] = errors.split('\n## ')
    const cells = [...table.matchAll(/^\| (`[a-z].*)$/gm)].map(([, row = '']) => row.split('|'))
    expect(cells.length > 2 || document.endsWith('README.md')).toBe(true)
    return cells
      .slice(1)
      .flatMap(([code, sentence]) => [
        ...spans(code).map((name) => `('${name}'`),
        ...spans(sentence).map((text) => text.replace(/^\w+(?= is missing$)/, ''))
      ])
      .filter((text) => !sources.includes(text))
      .map((text) => `${document}: ${text}`)
  })
  expect(faults).toEqual([])
})

test('each defect of the seed is a row of the mapping and a test', () => {
  const tests = [...read('packages/grantor/test/seed-defects.test.ts').matchAll(/test\('defect (\d+):/g)].map(([, number]) =>
    Number(number)
  )
  const documented = [...read('docs/from-aioauth.md').matchAll(/\| (\d+) +\|/g)].map(([, number]) => Number(number))
  const thirty = Array.from({ length: 30 }, (_, index) => index + 1)
  expect(tests).toEqual(thirty)
  expect(documented.sort((a, b) => a - b)).toEqual(thirty)
})
