import { type CibaOptions, ciba, type Extension, type UserHint } from 'grantor'
import { z } from 'zod'
import type { User, Users } from './users.ts'

/** How people are asked who are elsewhere: `CibaOptions`, as far as JSON can say it. */
export const CibaConfig = z.strictObject({
  hideUnknownUsers: z.boolean().exactOptional(),
  /** Seconds. */
  lifetime: z.int().min(1).max(3600).exactOptional(),
  /** Seconds. */
  maxLifetime: z.int().min(1).max(3600).exactOptional(),
  /** Seconds. */
  interval: z.int().min(1).max(60).exactOptional(),
  /** Of one client from one address within a minute; 0 = no limit. */
  limit: z.int().min(0).exactOptional(),
  /** For one person within a minute; 0 = no limit. */
  userLimit: z.int().min(0).exactOptional()
})

/** With the people of this server, by their verified e-mail addresses and their names. `users` is called when they are there. */
export function cibaOf(config: Omit<CibaOptions, 'findUser'>, users: () => Users): Extension {
  return ciba({ ...config, findUser: (hint) => subjectOf(users(), hint) })
}

/** Of somebody who may sign in. Nobody here vouches for people by tokens. */
async function subjectOf(users: Users, { kind, value }: UserHint): Promise<string | undefined> {
  if (kind === 'login_hint_token') return undefined
  const user = await (kind === 'subject' ? users.find(value) : hinted(users, value))
  return user?.disabled ? undefined : user?.subject
}

/** The address counts first: who calls themselves by somebody else's must not be taken for them. */
async function hinted(users: Users, hint: string): Promise<User | undefined> {
  return (await users.findByEmail(hint)) ?? users.findByLogin(hint)
}
