import type { Grant } from '../models/grant.ts'
import { artifact, client, equal, grant, KIND, LATER, NOW, RACERS, race, rejects, type Value } from './contract-tools.ts'
import type { Store } from './store.ts'

/** One sentence that must hold, and how to see it. */
export interface ContractTest {
  name: string
  run(): Promise<void>
}

/**
 * What every store must do, for any test runner: `for (const { name, run } of storeContract(open)) test(name, run)`.
 * @param open gives a store with nothing in it.
 */
export function storeContract(open: () => Promise<{ store: Store; close?(): Promise<void> }>): readonly ContractTest[] {
  return Object.entries(SENTENCES).map(([name, sentence]) => ({
    name,
    async run() {
      const { store, close } = await open()
      try {
        await sentence(store)
      } finally {
        await close?.()
      }
    }
  }))
}

const SENTENCES: Record<string, (store: Store) => Promise<void>> = {
  'an artifact is found as it was stored': async ({ artifacts }) => {
    const value = { text: 'ü "quoted" \\ \u2028 😀', list: [], nested: { deep: [1, 1.5, true, null] }, long: 'x'.repeat(65_536), 'a.b': 1 }
    const stored = { ...artifact('a', value), secretHash: 'hash' }
    equal(await artifacts.insert(stored), true)
    equal(await artifacts.find(KIND, 'a', NOW), stored)
  },
  'an artifact whose id is taken is not stored': async ({ artifacts }) => {
    equal(await artifacts.insert(artifact('a', { n: 1 })), true)
    equal(await artifacts.insert(artifact('a', { n: 2 })), false)
    equal((await artifacts.find(KIND, 'a', NOW))?.value, { n: 1 })
  },
  'of many who insert the same id, one does': async ({ artifacts }) => {
    const results = await race(() => artifacts.insert(artifact('a')))
    equal(results.filter((inserted) => inserted).length, 1)
  },
  'text that not every database can hold is refused, and found nowhere': async ({ artifacts, grants, clients }) => {
    await artifacts.insert(artifact('a', { text: '\\u0000 \\\\ud800 \ufffd' }))
    await artifacts.insert(artifact('\ufffd'))
    for (const text of ['\0', 'x\0y', '\\\0', '\ud800', 'x\udfff']) {
      await rejects(artifacts.insert(artifact(text)))
      await rejects(artifacts.insert(artifact('b', { list: [{ text }] })))
      await rejects(artifacts.insert(artifact('b', { [text]: 1 })))
      await rejects(artifacts.update(KIND, 'a', { text }, {}, NOW))
      await rejects(artifacts.update(KIND, 'a', {}, { text }, NOW))
      await rejects(artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW, leaves: { text } }))
      await rejects(artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW, yields: [artifact('b', { text })] }))
      await rejects(grants.insert(grant('g', { subject: text }), []))
      await rejects(grants.insert(grant('g', { details: { text } }), [artifact('b')]))
      await rejects(clients.insert({ ...client('c'), client_name: text }))
      equal(await artifacts.find(KIND, text, NOW), undefined)
      equal(await artifacts.consume({ kind: KIND, id: text }, { now: NOW }), undefined)
      equal(await clients.find(text), undefined)
      equal(await grants.find(text), undefined)
    }
    equal(await artifacts.find(KIND, 'b', NOW), undefined)
    equal((await artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW }))?.value, { text: '\\u0000 \\\\ud800 \ufffd' })
  },
  'a member that is undefined is refused, where something is merged or compared': async ({ artifacts }) => {
    await artifacts.insert(artifact('a', { n: 1 }))
    const members: Record<string, unknown> = { n: undefined }
    await rejects(artifacts.update(KIND, 'a', { m: 1 }, members as Partial<Value>, NOW))
    await rejects(artifacts.update(KIND, 'a', members as Partial<Value>, {}, NOW))
    await rejects(artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW, leaves: members }))
    equal((await artifacts.find(KIND, 'a', NOW))?.value, { n: 1 })
  },
  'kinds do not share ids': async ({ artifacts }) => {
    await artifacts.insert(artifact('a', { n: 1 }))
    equal(await artifacts.insert({ ...artifact('a', { n: 2 }), kind: 'another_kind' }), true)
    equal((await artifacts.find(KIND, 'a', NOW))?.value, { n: 1 })
  },
  'an expired artifact is not there': async ({ artifacts }) => {
    await artifacts.insert(artifact('a'))
    equal((await artifacts.find(KIND, 'a', LATER - 1))?.id, 'a')
    equal(await artifacts.find(KIND, 'a', LATER), undefined)
    equal(await artifacts.consume({ kind: KIND, id: 'a' }, { now: LATER }), undefined)
    equal(await artifacts.update(KIND, 'a', { n: 1 }, {}, LATER), false)
  },
  'an artifact is found with its grant': async ({ artifacts, grants }) => {
    await grants.insert(grant('g'), [{ ...artifact('a'), grantId: 'g' }])
    equal((await artifacts.find(KIND, 'a', NOW))?.grant, grant('g'))
    equal((await artifacts.find(KIND, 'a', NOW))?.grantId, 'g')
  },
  'an artifact is consumed once, whoever tries': async ({ artifacts }) => {
    await artifacts.insert(artifact('a', { n: 1 }))
    const results = await race((i) => artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW, yields: [artifact(`yield-${i}`)] }))
    equal(results.filter((result) => result?.first).length, 1)
    equal(
      results.every((result) => result?.consumedAt === NOW && result.value.n === 1),
      true
    )
    const winner = results.findIndex((result) => result?.first)
    for (let i = 0; i < RACERS; i++) equal((await artifacts.find(KIND, `yield-${i}`, NOW)) !== undefined, i === winner)
  },
  'a consumed artifact stays visible until it is no longer retained': async ({ artifacts }) => {
    await artifacts.insert(artifact('a'))
    await artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW + 5, retainUntil: LATER + 1000 })
    equal((await artifacts.find(KIND, 'a', LATER + 999))?.consumedAt, NOW + 5)
    equal((await artifacts.consume({ kind: KIND, id: 'a' }, { now: LATER + 999 }))?.first, false)
    equal(await artifacts.find(KIND, 'a', LATER + 1000), undefined)
  },
  'what consumption leaves is merged into the value, nulls too': async ({ artifacts }) => {
    await artifacts.insert(artifact('a', { n: 1, kept: 'k' }))
    const first = await artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW, leaves: { n: null, added: { deep: true } } })
    equal(first?.value, { n: null, kept: 'k', added: { deep: true } })
    const second = await artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW + 1, leaves: { n: 2 } })
    equal(second, { value: { n: null, kept: 'k', added: { deep: true } }, first: false, consumedAt: NOW })
  },
  'the wrong secret consumes nothing': async ({ artifacts }) => {
    await artifacts.insert({ ...artifact('a'), secretHash: 'right' })
    equal(await artifacts.consume({ kind: KIND, id: 'a', secretHash: 'wrong' }, { now: NOW, yields: [artifact('y')] }), undefined)
    equal(await artifacts.find(KIND, 'y', NOW), undefined)
    equal((await artifacts.consume({ kind: KIND, id: 'a', secretHash: 'right' }, { now: NOW }))?.first, true)
  },
  'what cannot be stored in full spends nothing': async ({ artifacts, grants }) => {
    await artifacts.insert(artifact('a'))
    await artifacts.insert(artifact('taken'))
    const neighbour = artifacts.insert(artifact('neighbour'))
    await rejects(artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW, yields: [artifact('fresh'), artifact('taken')] }))
    await rejects(grants.insert(grant('g'), [artifact('fresh'), artifact('taken')]))
    equal(await neighbour, true)
    equal(await artifacts.find(KIND, 'fresh', NOW), undefined)
    equal(await grants.find('g'), undefined)
    equal((await artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW }))?.first, true)
  },
  'compare-and-set lets one of many through': async ({ artifacts }) => {
    await artifacts.insert(artifact('a', { n: 0, other: 'o' }))
    const results = await race((i) => artifacts.update(KIND, 'a', { n: i + 1 }, { n: 0 }, NOW))
    equal(results.filter((changed) => changed).length, 1)
    equal((await artifacts.find(KIND, 'a', NOW))?.value, { n: results.indexOf(true) + 1, other: 'o' })
  },
  'compare-and-set knows null from absent': async ({ artifacts }) => {
    await artifacts.insert(artifact('a', { n: null }))
    equal(await artifacts.update(KIND, 'a', { m: 1 }, { n: null }, NOW), true)
    equal(await artifacts.update(KIND, 'a', { m: 2 }, { absent: null }, NOW), false)
  },
  'a consumed artifact does not change': async ({ artifacts }) => {
    await artifacts.insert(artifact('a', { n: 1 }))
    await artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW })
    equal(await artifacts.update(KIND, 'a', { n: 2 }, {}, NOW), false)
  },
  'the live and unspent artifacts of a kind are listed in order': async ({ artifacts, grants }) => {
    await grants.insert(grant('g'), [{ ...artifact('b', { n: 2 }), grantId: 'g' }])
    for (const id of ['d', 'a', 'c', 'spent']) await artifacts.insert(artifact(id))
    await artifacts.insert({ ...artifact('aa'), kind: 'another_kind' })
    await artifacts.insert({ ...artifact('expired'), expiresAt: NOW })
    await artifacts.consume({ kind: KIND, id: 'spent' }, { now: NOW })
    const ids = async (page: { limit: number; after?: string }) => (await artifacts.list(KIND, page, NOW)).map(({ id }) => id)
    equal(await ids({ limit: 9 }), ['a', 'b', 'c', 'd'])
    equal(await ids({ limit: 2, after: 'a' }), ['b', 'c'])
    equal(await artifacts.list(KIND, { limit: 1, after: 'a' }, NOW), [{ ...artifact('b', { n: 2 }), grantId: 'g', grant: grant('g') }])
  },
  'an artifact is deleted once': async ({ artifacts }) => {
    await artifacts.insert(artifact('a'))
    equal(await artifacts.delete(KIND, 'a'), true)
    equal(await artifacts.delete(KIND, 'a'), false)
    equal(await artifacts.find(KIND, 'a', NOW), undefined)
  },
  'a grant is found as it was stored': async ({ grants }) => {
    const full: Grant = {
      ...grant('g'),
      authTime: NOW - 1,
      acr: 'urn:mace:silver',
      amr: ['pwd', 'otp'],
      details: { resource: ['https://a'], 'ü"': null }
    }
    await grants.insert(full, [])
    equal(await grants.find('g'), full)
    equal(await grants.find('unknown'), undefined)
    await rejects(grants.insert(full, []))
  },
  'grants are revoked by each member and counted once': async ({ grants }) => {
    await grants.insert(grant('a', { subject: 's1', clientId: 'c1', sessionId: 'x' }), [])
    await grants.insert(grant('b', { subject: 's1', clientId: 'c2', sessionId: 'y' }), [])
    await grants.insert(grant('c', { subject: 's2', clientId: 'c2', sessionId: 'y' }), [])
    equal(await grants.revoke({ subject: 's1', clientId: 'c2' }, NOW), 1)
    equal(await grants.revoke({ sessionId: 'y' }, NOW + 1), 1)
    equal((await grants.find('b'))?.revokedAt, NOW)
    equal((await grants.find('a'))?.revokedAt, undefined)
    equal(await grants.revoke({ id: 'a' }, NOW), 1)
    equal(await grants.revoke({ clientId: 'c2' }, NOW), 0)
  },
  'a query that names nothing is refused': async ({ grants }) => {
    await rejects(grants.revoke({}, NOW))
    await rejects(grants.list({}, NOW))
  },
  'live grants are listed, newest first': async ({ grants }) => {
    for (let i = 0; i < 5; i++) await grants.insert(grant(`g${i}`, { createdAt: NOW + i }), [])
    await grants.insert(grant('expired', { expiresAt: NOW + 10 }), [])
    await grants.revoke({ id: 'g4' }, NOW)
    const listed = await grants.list({ subject: 'subject', clientId: 'client' }, NOW + 10, 3)
    equal(
      listed.map(({ id }) => id),
      ['g3', 'g2', 'g1']
    )
    equal(await grants.list({ subject: 'nobody' }, NOW), [])
    const all = await grants.list({ subject: 'subject', clientId: 'client' }, NOW + 10, 3, { revoked: true })
    equal(
      all.map(({ id, revokedAt }) => [id, revokedAt]),
      [
        ['g4', NOW],
        ['g3', undefined],
        ['g2', undefined]
      ]
    )
  },
  'whatever is stored for a revoked grant is dead on arrival': async ({ artifacts, grants }) => {
    await grants.insert(grant('g'), [{ ...artifact('code'), grantId: 'g' }])
    const token = { ...artifact('token'), grantId: 'g' }
    await Promise.all([grants.revoke({ id: 'g' }, NOW), artifacts.consume({ kind: KIND, id: 'code' }, { now: NOW, yields: [token] })])
    equal((await artifacts.find(KIND, 'token', NOW))?.grant?.revokedAt, NOW)
  },
  'clients are created, replaced, deleted and listed in order': async ({ clients }) => {
    for (const id of ['c', 'a', 'b']) equal(await clients.insert(client(id)), true)
    equal(await clients.insert(client('a')), false)
    equal(await clients.find('a'), client('a'))
    equal(await clients.update({ ...client('a'), scope: 'other' }, client('a')), true)
    equal(await clients.update({ ...client('a'), scope: 'late' }, client('a')), false)
    equal((await clients.find('a'))?.scope, 'other')
    equal(
      (await clients.list({ limit: 2 })).map(({ client_id }) => client_id),
      ['a', 'b']
    )
    equal(
      (await clients.list({ limit: 2, after: 'b' })).map(({ client_id }) => client_id),
      ['c']
    )
    equal(await clients.delete('a'), true)
    equal(await clients.delete('a'), false)
    equal(await clients.update(client('a'), client('a')), false)
    equal(await clients.find('a'), undefined)
  },
  'of many who replace a client at once, none undoes what another did': async ({ clients }) => {
    await clients.insert({ ...client('a'), client_name: 'ü "quoted" \\ \u2028 😀', contacts: [], settings: { grantLifetime: 5 } })
    let lost = 0
    await race(async (racer) => {
      for (;;) {
        const before = await clients.find('a')
        if (!before) throw new Error('the client is gone')
        if (await clients.update({ ...before, contacts: [...(before.contacts ?? []), String(racer)] }, before)) return
        lost++
      }
    })
    equal((await clients.find('a'))?.contacts?.length, RACERS)
    equal(lost > 0, true)
  },
  'nothing of one realm is in another': async (store) => {
    const other = store.realm('other')
    await store.clients.insert(client('c'))
    await store.grants.insert(grant('g'), [artifact('a')])
    equal(await other.clients.find('c'), undefined)
    equal(await other.clients.list({ limit: 9 }), [])
    equal(await other.grants.find('g'), undefined)
    equal(await other.grants.revoke({ id: 'g' }, NOW), 0)
    equal(await other.artifacts.find(KIND, 'a', NOW), undefined)
    equal(await other.artifacts.consume({ kind: KIND, id: 'a' }, { now: NOW }), undefined)
    equal(await other.artifacts.delete(KIND, 'a'), false)
    equal(await other.artifacts.insert(artifact('a')), true)
    equal((await store.realm('other').artifacts.find(KIND, 'a', NOW))?.id, 'a')
  },
  'purge deletes what has expired, in all realms, and no more than it may': async (store) => {
    for (let i = 0; i < 4; i++) await store.artifacts.insert(artifact(`a${i}`))
    await store.realm('other').artifacts.insert(artifact('other'))
    await store.artifacts.insert({ ...artifact('live'), expiresAt: LATER + 1 })
    await store.grants.insert(grant('g', { expiresAt: LATER }), [])
    await store.grants.insert(grant('live'), [])
    equal(await store.purge(LATER - 1, 10), 0)
    equal(await store.purge(LATER, 4), 4)
    equal(await store.purge(LATER, 10), 2)
    equal(await store.purge(LATER, 10), 0)
    equal(await store.grants.find('g'), undefined)
    equal((await store.grants.find('live'))?.id, 'live')
    equal((await store.artifacts.find(KIND, 'live', LATER))?.id, 'live')
  }
}
