import { describe, expect, test } from 'vitest'
import { type Kind, type PolledRequest, PolledRequests } from '../src/index.ts'
import { START, TestServer } from './support.ts'

const KIND: Kind<PolledRequest<{ place?: string }>> = 'test_request'
const RACERS = 20
const alice = { subject: 'alice', scope: ['read'], authTime: START - 10 }

async function ready() {
  const test = new TestServer()
  const client = await test.client()
  const requests = new PolledRequests(test.server, KIND)
  const begun = { scope: ['read', 'write'], details: { resource: ['https://a.example'] }, about: { place: 'here' } }
  const { token, id } = await requests.add(client, { ...begun, lifetime: 300, interval: 5 })
  const found = async () => (await requests.findByToken(token)) ?? expect.fail('it is gone')
  return { test, client, requests, token, id, found }
}

function count<T>(outcomes: readonly T[], wanted: T): number {
  return outcomes.filter((outcome) => outcome === wanted).length
}

describe('a request that a person decides elsewhere', () => {
  test('waits, belongs to nobody, and is found by its token and its id', async () => {
    const { requests, token, id, found } = await ready()
    expect(token).toMatch(/^test_request_[\w-]{73}$/)
    expect((await found()).value).toEqual({
      ...{ client_id: 'app', scope: ['read', 'write'], details: { resource: ['https://a.example'] }, about: { place: 'here' } },
      ...{ status: 'pending', createdAt: START, usableUntil: START + 300, interval: 5, polledAt: 0, claimedBy: '' }
    })
    expect(await requests.find(id)).toEqual(await found())
    expect(await requests.findByToken(`${token}x`)).toBeUndefined()
  })

  test('is approved once: the grant is what was allowed, and remembers what was asked', async () => {
    const { test, requests, found } = await ready()
    expect(await requests.approve(await found(), alice)).toBe(true)
    const { value } = await found()
    expect(value).toMatchObject({ status: 'approved', grantId: expect.any(String) })
    expect(await test.server.store.grants.find(value.grantId ?? '')).toMatchObject({
      ...{ clientId: 'app', ...alice, createdAt: START, expiresAt: START + test.server.settings.grantLifetime },
      details: { resource: ['https://a.example'] }
    })
    expect(test.eventsOf('authorization.decided')).toMatchObject([
      { clientId: 'app', kind: KIND, outcome: 'approved', subject: 'alice', grantId: value.grantId }
    ])
  })

  test.each(['approve', 'deny'] as const)('of %s and everything after it the first counts, and the state is final', async (first) => {
    const { test, requests, found } = await ready()
    const before = await found()
    expect(await (first === 'approve' ? requests.approve(before, alice) : requests.deny(before, 'alice'))).toBe(true)
    const after = await found()
    for (const seen of [before, after]) {
      expect(await requests.approve(seen, { ...alice, subject: 'mallory' })).toBe(false)
      expect(await requests.deny(seen, 'mallory')).toBe(false)
    }
    expect(await found()).toEqual(after)
    expect(await test.server.store.grants.list({ subject: 'mallory' }, test.now)).toEqual([])
    expect(test.eventsOf('authorization.decided')).toHaveLength(1)
  })

  test(`of ${RACERS} decisions at once one counts, and no grant of the others is left`, async () => {
    const { test, requests, found } = await ready()
    const seen = await found()
    const outcomes = await Promise.all(
      Array.from({ length: RACERS }, (_, racer) => (racer % 2 === 0 ? requests.approve(seen, alice) : requests.deny(seen, 'alice')))
    )
    expect(count(outcomes, true)).toBe(1)
    const isApproved = (await found()).value.status === 'approved'
    expect(await test.server.store.grants.list({ subject: 'alice' }, test.now)).toHaveLength(isApproved ? 1 : 0)
  })

  test(`of ${RACERS} claims at once one holds, and again for the same one; who decides without it decides nothing`, async () => {
    const { requests, found } = await ready()
    const unclaimed = await found()
    const claims = await Promise.all(Array.from({ length: RACERS }, (_, racer) => requests.claim(unclaimed, `browser ${racer}`)))
    const [winner] = claims.filter((claim) => claim !== undefined)
    expect(count(claims, undefined)).toBe(RACERS - 1)
    expect(await requests.claim(unclaimed, winner?.value.claimedBy ?? '')).toEqual(winner)
    // Who saw it while it was free comes too late.
    expect(await requests.claim(unclaimed, 'late')).toBeUndefined()
    expect(await requests.approve(unclaimed, alice)).toBe(false)
    expect(await requests.deny(unclaimed, 'mallory')).toBe(false)
    expect(await requests.approve(winner ?? unclaimed, alice)).toBe(true)
  })

  test('belongs from the start to whom it is addressed to', async () => {
    const { test, client, requests } = await ready()
    const begun = { scope: ['read'], details: {}, about: {}, lifetime: 300, interval: 5, claimedBy: 'alice' }
    const { id } = await requests.add(client, begun)
    const found = (await requests.find(id)) ?? expect.fail('it is gone')
    expect(await requests.claim(found, 'mallory')).toBeUndefined()
    expect(await requests.approve(found, alice)).toBe(true)
    expect(test.eventsOf('authorization.decided')).toHaveLength(1)
  })

  test('cannot be decided when its time is over, and its client is told for a while that there was one', async () => {
    const { test, requests, id, found } = await ready()
    const seen = await found()
    test.now += 300
    expect(requests.isOpen(await found())).toBe(false)
    expect(await requests.approve(seen, alice)).toBe(false)
    expect(await requests.deny(seen, 'alice')).toBe(false)
    expect((await found()).value.status).toBe('pending')
    expect(await test.server.store.grants.list({ subject: 'alice' }, test.now, 1, { revoked: true })).toEqual([])
    test.now += 300
    expect(await requests.find(id)).toBeUndefined()
  })
})

describe('polling (RFC 8628 §3.5)', () => {
  test('in time changes no interval; too soon adds five seconds "for this and all subsequent requests"', async () => {
    const { test, requests, found } = await ready()
    const poll = async (after: number) => {
      test.now += after
      const inTime = await requests.poll(await found())
      return [inTime, (await found()).value.interval]
    }
    expect(await poll(0)).toEqual([true, 5])
    expect(await poll(5)).toEqual([true, 5])
    expect(await poll(4)).toEqual([false, 10])
    expect(await poll(9)).toEqual([false, 15])
    expect(await poll(15)).toEqual([true, 15])
  })

  test(`of ${RACERS} polls at once one is in time, and each of the others adds its five seconds`, async () => {
    const { requests, found } = await ready()
    const seen = await found()
    const polls = await Promise.all(Array.from({ length: RACERS }, () => requests.poll(seen)))
    expect(count(polls, true)).toBe(1)
    expect((await found()).value.interval).toBe(5 + 5 * (RACERS - 1))
  })
})
