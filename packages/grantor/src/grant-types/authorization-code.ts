import type { TokenIssuance, TokenResponse } from '../context.ts'
import { constantTimeEqual } from '../crypto/constant-time.ts'
import { InvalidGrantError, InvalidRequestError } from '../errors.ts'
import { AUTHORIZATION_CODE, type AuthorizationCode } from '../models/artifacts.ts'
import { type Client, isPublic } from '../models/client.ts'
import { sameConfirmation } from '../models/confirmation.ts'
import { isLive } from '../models/grant.ts'
import type { TokenRequest } from '../requests.ts'
import type { Consumption, Found } from '../stores/store.ts'
import { GrantTypeBase } from './base.ts'

// RFC 7636 §4.1: code-verifier = 43*128unreserved
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

/** A code from the authorization endpoint, with the PKCE verifier of whoever asked for it (RFC 6749 §4.1.3, RFC 7636 §4.5). */
export class AuthorizationCodeGrantType extends GrantTypeBase {
  readonly grantType: string = 'authorization_code'

  async validateRequest(request: TokenRequest): Promise<TokenIssuance> {
    const { client, params } = request
    const code = await this.server.opaque.find(AUTHORIZATION_CODE, params.require('code'))
    if (!code) throw new InvalidGrantError('the code is unknown or has expired')
    // RFC 6749 §4.1.3: "ensure that the authorization code was issued to the authenticated confidential client"
    if (code.value.client_id !== client.client_id) {
      throw new InvalidGrantError('the code is unknown or has expired', {
        detail: { reason: "the code is another client's", owner: code.value.client_id }
      })
    }
    const fault = await this.#fault(code, request)
    if (fault) {
      await this.#countFailure(code, request)
      throw fault
    }
    if (!isLive(code.grant, this.server.now())) throw new InvalidGrantError('the authorization was revoked')
    const { grant, id, secretHash } = code
    return {
      grant,
      subject: grant.subject,
      scope: grant.scope,
      spends: { kind: AUTHORIZATION_CODE, id, ...(secretHash && { secretHash }) },
      refreshToken: true
    }
  }

  protected override async replayed(request: TokenRequest, issuance: TokenIssuance, spent: Consumption<unknown>): Promise<TokenResponse> {
    // A code that failures burned was never redeemed: there is no family that a second party could hold.
    if ((spent.value as AuthorizationCode).burned) throw new InvalidGrantError('the code is dead after too many failures')
    const { grant } = issuance
    if (grant)
      this.server.emit('code.replayed', { clientId: request.client.client_id, subject: grant.subject, grantId: grant.id }, request.id)
    return super.replayed(request, issuance, spent)
  }

  async #fault({ value }: Found<AuthorizationCode>, { client, params, confirmation }: TokenRequest): Promise<Error | undefined> {
    // RFC 6749 §4.1.3: "REQUIRED, if the "redirect_uri" parameter was included in the authorization request … and their values MUST be identical."
    const redirectUri = params.get('redirect_uri')
    if (redirectUri === undefined && value.redirect_uri !== undefined && !this.server.settings.allowOmittedRedirectUri) {
      return new InvalidRequestError('redirect_uri is missing: it was part of the authorization request')
    }
    if (redirectUri !== undefined && redirectUri !== value.redirect_uri)
      return new InvalidGrantError('redirect_uri is not the one of the authorization request')
    const unproven = await this.#verifierFault(value, params.get('code_verifier'), client)
    if (unproven !== undefined) return new InvalidGrantError(unproven)
    if (value.confirmation && !sameConfirmation(value.confirmation, confirmation))
      return new InvalidGrantError('the code is bound to another key')
    return undefined
  }

  async #verifierFault(
    { code_challenge, code_challenge_method }: AuthorizationCode,
    verifier: string | undefined,
    client: Client
  ): Promise<string | undefined> {
    if (typeof code_challenge !== 'string') {
      // RFC 9700 §2.1.1: "a token request containing a code_verifier parameter is accepted only if a code_challenge parameter was present in the authorization request".
      if (verifier !== undefined) return 'code_verifier came, but no code_challenge was part of the authorization request'
      return isPublic(client) || this.server.policy(client).requirePkce ? 'the code was issued without PKCE' : undefined
    }
    if (verifier === undefined) return 'code_verifier is missing'
    if (!VERIFIER.test(verifier)) return 'code_verifier is 43 to 128 unreserved characters (RFC 7636 section 4.1)'
    const challenge = code_challenge_method === 'plain' ? verifier : await this.server.crypto.sha256(verifier)
    return constantTimeEqual(challenge, code_challenge) ? undefined : 'code_verifier does not fit the code_challenge'
  }

  /** The one write before spending: whoever authenticates as the right client and still guesses must not guess for ever. */
  async #countFailure({ id, consumedAt, grant }: Found<AuthorizationCode>, { client, id: requestId }: TokenRequest): Promise<void> {
    const { store, settings } = this.server
    const now = this.server.now()
    for (;;) {
      const code = consumedAt === undefined ? await store.artifacts.find(AUTHORIZATION_CODE, id, now) : undefined
      if (!code || code.consumedAt !== undefined) return
      const failures = code.value.failures + 1
      if (!(await store.artifacts.update(AUTHORIZATION_CODE, id, { failures }, { failures: failures - 1 }, now))) continue
      if (failures < settings.codeFailureLimit) return
      const burned = await store.artifacts.consume({ kind: AUTHORIZATION_CODE, id }, { now, leaves: { burned: true } })
      if (burned?.first && grant)
        this.server.emit('code.burned', { clientId: client.client_id, subject: grant.subject, grantId: grant.id }, requestId)
      return
    }
  }
}
