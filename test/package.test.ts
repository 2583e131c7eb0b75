import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { createConsumer, ROOT, typeErrors } from './consumer.ts'

const RUNTIMES = join(ROOT, 'test/runtimes')
const SUCCESS = '3 parts, active true, scope read, ES256'

let folder: string
beforeAll(() => {
  folder = createConsumer()
  if (!existsSync(join(RUNTIMES, 'node_modules'))) execFileSync('npm', ['ci', '--silent'], { cwd: RUNTIMES, stdio: 'inherit' })
}, 300_000)

const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder, encoding: 'utf8' }).trim()
const runtime = (path: string) => join(RUNTIMES, 'node_modules', path)

describe('the package as it is published', () => {
  test('has one dependency', () => {
    const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(folder, 'node_modules/grantor/package.json'), 'utf8')
    )
    expect({ dependencies: Object.keys(dependencies), peerDependencies, optionalDependencies }).toEqual({
      dependencies: ['jose'],
      peerDependencies: undefined,
      optionalDependencies: undefined
    })
  })

  test('has the right types for import and for require, and an unknown setting is a compile error', () => {
    expect(typeErrors(folder)).toBe('')
  })

  test.each([
    ['Node 22', runtime('node22/bin/node'), 'v22.'],
    ['Node 24', process.execPath, 'v24.'],
    ['Node 26', runtime('node26/bin/node'), 'v26.']
  ])('works on %s by import and by require', (_, node, version) => {
    expect(run(node, '--version')).toContain(version)
    expect(run(node, 'esm.mjs')).toBe(SUCCESS)
    expect(run(node, 'commonjs.cjs')).toBe(SUCCESS)
  })

  test('works on Bun by import and by require', () => {
    const bun = runtime('bun/bin/bun.exe')
    expect(run(bun, 'esm.mjs')).toBe(SUCCESS)
    expect(run(bun, 'commonjs.cjs')).toBe(SUCCESS)
  })

  test('works on Deno, which is given no permission', () => {
    expect(run(process.execPath, runtime('deno/bin.cjs'), 'run', '--no-prompt', '--node-modules-dir=manual', 'esm.mjs')).toBe(SUCCESS)
  })

  test('works on workerd, bundled', () => {
    expect(run(process.execPath, join(RUNTIMES, 'workerd.mjs'), folder)).toBe(SUCCESS)
  })
})
