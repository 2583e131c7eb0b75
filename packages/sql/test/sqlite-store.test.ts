import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConfigurationError, TemporarilyUnavailableError } from 'grantor'
import { storeContract } from 'grantor/stores/contract'
import { describe, expect, test } from 'vitest'
import { SqliteStore } from '../src/index.ts'
import { SCHEMA_VERSION } from '../src/schema.ts'
import { SqliteDatabase } from '../src/sqlite-database.ts'
import { integrityOf, kill, startChild, temporaryFile } from './support.ts'

const LATER = 2_000_000_000

describe('SqliteStore keeps the contract of a store', () => {
  const open = async () => {
    const store = new SqliteStore({ path: temporaryFile() })
    return { store, close: () => store.close() }
  }
  for (const { name, run } of storeContract(open)) test(name, run)
})

describe('the file', () => {
  test('is written through to the disk before anything is answered: a write-ahead log, and every commit synced', async () => {
    const path = temporaryFile()
    const database = new SqliteDatabase({ path })
    database.migrate(SCHEMA_VERSION)
    const pragma = async (name: string) => Object.values((await database.read(`PRAGMA ${name}`))[0] ?? {})
    // 2 is FULL.
    expect([await pragma('synchronous'), await pragma('journal_mode')]).toEqual([[2], ['wal']])
    database.close()
    const other = new SqliteDatabase({ path })
    expect((await other.read('PRAGMA synchronous'))[0]).toEqual({ synchronous: 2 })
    other.close()
  })

  test('ST-09 is readable by nobody else', async () => {
    const path = temporaryFile()
    writeFileSync(path, '', { mode: 0o644 })
    const store = new SqliteStore({ path })
    await store.artifacts.insert({ kind: 'k', id: '1', value: {}, expiresAt: LATER })
    expect([path, `${path}-wal`].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600])
    await store.close()
  })

  test('that is newer than the code is refused with a sentence that says what to do', async () => {
    const path = temporaryFile()
    await new SqliteStore({ path }).close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 97099')
    database.close()
    expect(() => new SqliteStore({ path })).toThrow(/schema 99.*run the newer version, or restore a backup/)
  })

  test.each([
    [
      'no database',
      () => writeText('not a database, but long enough to look like a file with a header of one hundred bytes, and some more')
    ],
    ['a folder', () => mkdtempSync(join(tmpdir(), 'grantor-'))],
    ['in no folder', () => '/nowhere/grantor.db']
  ])('that is %s is a configuration error which names it', (_, path) => {
    const file = path()
    const open = () => new SqliteStore({ path: file })
    expect(open).toThrow(ConfigurationError)
    expect(open).toThrow(file)
  })

  test('is there again after it was closed', async () => {
    const path = temporaryFile()
    const before = new SqliteStore({ path })
    await before.artifacts.insert({ kind: 'k', id: '1', value: { a: 1 }, expiresAt: LATER })
    await before.close()
    await before.close()
    await expect(before.artifacts.find('k', '1', 0)).rejects.toBeInstanceOf(TemporarilyUnavailableError)
    const after = new SqliteStore({ path })
    expect(await after.artifacts.find('k', '1', 0)).toMatchObject({ value: { a: 1 } })
    await after.close()
  })
})

test('writes that wait in one tick share one transaction', async () => {
  const path = temporaryFile()
  const store = new SqliteStore({ path })
  const size = () => statSync(`${path}-wal`).size
  const write = (id: number) => store.artifacts.insert({ kind: 'k', id: String(id), value: {}, expiresAt: LATER })
  await write(0)
  const before = size()
  await write(1)
  const one = size() - before
  await Promise.all(Array.from({ length: 64 }, (_, index) => write(index + 2)))
  const many = size() - before - one
  // Each transaction writes the pages it touched anew; 64 small rows touch hardly more than one does.
  expect(many).toBeLessThan(8 * one)
  await store.close()
})

test('an operation that fails undoes itself and none of those that share its transaction', async () => {
  const store = new SqliteStore({ path: temporaryFile() })
  const artifact = (id: string) => ({ kind: 'k', id, value: {}, expiresAt: LATER })
  await store.artifacts.insert(artifact('taken'))
  const grant = { id: 'g', clientId: 'c', subject: 's', scope: [], createdAt: 0 }
  const outcomes = await Promise.allSettled([
    store.artifacts.insert(artifact('before')),
    store.grants.insert(grant, [artifact('fresh'), artifact('taken')]),
    store.artifacts.insert(artifact('after'))
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const found = await Promise.all(['before', 'fresh', 'after'].map((id) => store.artifacts.find('k', id, 0)))
  expect(found.map((artifact) => artifact?.id)).toEqual(['before', undefined, 'after'])
  expect(await store.grants.find('g')).toBeUndefined()
  await store.close()
})

test('what was acknowledged is there after kill -9 in the middle of writing', async () => {
  const path = temporaryFile()
  const child = startChild('./writer.ts', path)
  const acknowledged: string[] = []
  child.on('message', (ids: string[]) => acknowledged.push(...ids))
  for (let batches = 0; batches < 50; batches++) await once(child, 'message')
  await kill(child)
  expect(integrityOf(path)).toBe('ok')
  const store = new SqliteStore({ path })
  const found = await Promise.all(acknowledged.map((id) => store.artifacts.find('written', id, 0)))
  expect(found.filter((artifact) => artifact === undefined)).toEqual([])
  expect(found.length).toBeGreaterThanOrEqual(400)
  await store.close()
})

test('four processes that make the same file at the same moment all open it', async () => {
  const children = Array.from({ length: 4 }, () => startChild('./opener.ts'))
  await Promise.all(children.map((child) => once(child, 'message')))
  for (let round = 0; round < 20; round++) {
    const path = temporaryFile()
    const answers = children.map((child) => once(child, 'message'))
    for (const child of children) child.send(path)
    expect((await Promise.all(answers)).map(([error]) => error)).toEqual(['', '', '', ''])
  }
  await Promise.all(children.map(kill))
})

test('a file that another process has locked is an error to try again later, and nothing is lost', async () => {
  const path = temporaryFile()
  const store = new SqliteStore({ path, busyTimeout: 50 })
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const write = () => store.artifacts.insert({ kind: 'k', id: '1', value: {}, expiresAt: LATER })
  await expect(write()).rejects.toBeInstanceOf(TemporarilyUnavailableError)
  other.exec('ROLLBACK')
  other.close()
  expect(await write()).toBe(true)
  await store.close()
})

test('while another process has the file locked, reads are answered and the event loop goes on; then what waits is written', async () => {
  const path = temporaryFile()
  const store = new SqliteStore({ path, busyTimeout: 60_000 })
  await store.artifacts.insert({ kind: 'k', id: 'there', value: {}, expiresAt: LATER })
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  let written = false
  const write = store.artifacts.insert({ kind: 'k', id: '1', value: {}, expiresAt: LATER }).finally(() => {
    written = true
  })
  for (let turn = 0; turn < 20; turn++) expect(await store.artifacts.find('k', 'there', 0)).toBeDefined()
  expect(written).toBe(false)
  other.exec('ROLLBACK')
  other.close()
  expect(await write).toBe(true)
  await store.close()
})

test('closing rejects what another process keeps from being written', async () => {
  const path = temporaryFile()
  const store = new SqliteStore({ path })
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const write = store.artifacts.insert({ kind: 'k', id: '1', value: {}, expiresAt: LATER })
  await Promise.all([expect(write).rejects.toBeInstanceOf(TemporarilyUnavailableError), store.close()])
  other.close()
})

test('two processes that write all the time are both answered', async () => {
  const path = temporaryFile()
  await new SqliteStore({ path }).close()
  const children = [startChild('./writer.ts', path, 'a'), startChild('./writer.ts', path, 'b')]
  const answered = (child: ChildProcess) =>
    new Promise<void>((resolve, reject) => {
      let batches = 0
      child.on('message', () => ++batches === 200 && resolve())
      child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)))
    })
  await Promise.all(children.map(answered))
  await Promise.all(children.map(kill))
  expect(integrityOf(path)).toBe('ok')
})

function writeText(text: string): string {
  const path = temporaryFile()
  writeFileSync(path, text)
  return path
}
