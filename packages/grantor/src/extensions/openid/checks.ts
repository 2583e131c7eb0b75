import { ConsentRequiredError, InteractionRequiredError, LoginRequiredError, UnmetAuthenticationRequirementsError } from '../../errors.ts'
import type { Session } from '../../interactions/base.ts'
import { hasConsented, type InteractionCheck, type Situation } from '../../interactions/checks.ts'
import type { OwnIdTokens } from '../../tokens/own-id-tokens.ts'
import { baseName, type ClaimRequest, claimsOfScope, isAcceptable } from './claims.ts'
import { detailsIn } from './details.ts'
import type { PersonClaimsSource } from './person-claims.ts'
import type { Subjects } from './subjects.ts'

/** What the checks of OpenID Connect need to know. */
export interface CheckParts {
  subjects: Subjects
  hints: OwnIdTokens
  claims: PersonClaimsSource
  signUp: boolean
}

/** Reasons to involve the person that OpenID Connect adds to those of every server. */
export function openIdChecks({ subjects, hints, claims, signUp }: CheckParts): readonly InteractionCheck[] {
  return [
    ...(signUp ? [CREATE] : []),
    {
      // Core §3.1.2.1 id_token_hint, §5.5.1: if another person is signed in, "it MUST return an error, such as login_required".
      reason: 'other_subject',
      prompt: 'login',
      error: LoginRequiredError,
      isNeeded(situation) {
        const namesNobody = !situation.request.params.has('id_token_hint') && !detailsIn(situation.details)?.claims
        return situation.session !== undefined && !namesNobody && isOther(situation, situation.session, { hints, subjects })
      }
    },
    {
      // Core §5.5.1.1: an essential acr that cannot be had is "a failed authentication attempt".
      reason: 'acr',
      prompt: 'login',
      error: LoginRequiredError,
      isNeeded({ details, session, freshLogin }) {
        const request = detailsIn(details)?.claims?.id_token?.acr
        if (!session || !request?.essential || isAcceptable(session.acr, request)) return false
        if (freshLogin) throw new UnmetAuthenticationRequirementsError()
        return true
      }
    },
    {
      reason: 'new_claims',
      prompt: 'consent',
      error: ConsentRequiredError,
      isNeeded(situation) {
        if (situation.request.client.require_consent === false || hasConsented(situation)) return false
        const named = namesOf(detailsIn(situation.details)?.claims)
        return named.length > 0 && areNew(named, situation, claims)
      }
    }
  ]
}

/** Initiating User Registration via OpenID Connect §4.1. */
const CREATE: InteractionCheck = {
  reason: 'prompt=create',
  prompt: 'create',
  error: InteractionRequiredError,
  comesFirst: true,
  isNeeded: ({ prompts, freshLogin }) => prompts.includes('create') && !freshLogin
}

/** @throws LoginRequiredError if the person has just signed in: it is of no use to ask again */
async function isOther(situation: Situation, { subject }: Session, { hints, subjects }: Pick<CheckParts, 'hints' | 'subjects'>) {
  const wanted = await wantedSubjects(situation, hints)
  const sub = await subjects.of(situation.request.client, subject)
  if (wanted.every((request) => isAcceptable(sub, request))) return false
  if (situation.freshLogin) throw new LoginRequiredError('another person signed in than the one who was asked for')
  return true
}

/** Whether the person never agreed to one of the claims that are asked for by name. */
async function areNew(named: readonly string[], { request, granted }: Situation, claims: PersonClaimsSource): Promise<boolean> {
  const grants = await granted()
  const known = [request.scope, ...grants.map(({ scope }) => scope)].flatMap((scope) => claimsOfScope(scope, claims.scopes))
  const agreed = [...known, ...grants.flatMap((grant) => namesOf(detailsIn(grant.details)?.claims))]
  // Whoever agreed to a claim did so in every language (§5.2).
  return claims.permitted(request.client, named).some((name) => !agreed.includes(name) && !agreed.includes(baseName(name)))
}

/** Whom the hint is about, and whom `sub` asks for by one value or several. */
async function wantedSubjects({ request, details }: Situation, hints: OwnIdTokens): Promise<readonly ClaimRequest[]> {
  const hint = request.params.get('id_token_hint')
  const hinted = hint === undefined ? undefined : await hints.recognise(hint)
  const { id_token, userinfo } = detailsIn(details)?.claims ?? {}
  return [hinted && { value: hinted.sub }, subIn(id_token), subIn(userinfo)].filter((wanted) => wanted !== undefined)
}

function subIn(requests: Readonly<Record<string, ClaimRequest | null>> = {}): ClaimRequest | undefined {
  const { sub } = requests
  return sub && (sub.value !== undefined || sub.values) ? sub : undefined
}

function namesOf(claims: { id_token?: object; userinfo?: object } | undefined): readonly string[] {
  if (!claims) return []
  return [...Object.keys(claims.id_token ?? {}), ...Object.keys(claims.userinfo ?? {})]
}
