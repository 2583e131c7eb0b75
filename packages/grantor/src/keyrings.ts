import type { CryptoKey, JWK, JWTClaimVerificationOptions, JWTPayload } from 'jose'
import type { Signer } from './crypto/port.ts'
import type { Client } from './models/client.ts'

/** A key as its operator sees it. Times in seconds since the epoch. */
export interface KeyStatus {
  kid: string
  alg: string
  use: 'sig' | 'enc'
  /** `next`: listed, not in use yet. `retired`: for what it was used for before. `external`: of a KMS or HSM. */
  state: 'next' | 'current' | 'retired' | 'external'
  /** When it came or comes into use. Absent for an external one. */
  activeFrom?: number
  /** When nothing needs it any more. Absent until its successor is there. */
  keptUntil?: number
}

/** What an operator may do with the keys in the store; every node learns of it within seconds. */
export interface KeyAdministration {
  /** All there are, oldest first. */
  list(): Promise<readonly KeyStatus[]>
  /**
   * Makes the next key of each algorithm, to be used after `signingKeyLead`. `compromised`: it is used at once and the others are gone.
   * @throws ConfigurationError if there is nothing to rotate, or the next keys are there already
   */
  rotate(options?: { compromised?: boolean }): Promise<void>
  /** Takes a key away before its time. @throws ConfigurationError if it is not there, or in use */
  retire(kid: string): Promise<void>
  /** Encrypts the private keys anew with the first secret, all in one step. @returns how many were encrypted with another */
  reseal(): Promise<number>
}

/** The signing keys of this server (RFC 7517). */
export interface Keys extends KeyAdministration {
  /** The key that signs now. @throws ConfigurationError if no key of that algorithm is kept. */
  signer(alg?: string): Promise<Signer>
  /** Every key whose signatures may still be met: next, current and retired ones. */
  publicKeys(): Promise<readonly JsonWebKey[]>
  /** The algorithms there are keys for. */
  algorithms(): readonly string[]
}

/** JWE algorithms: for the key (RFC 7518 §4.1) and for the content (§5.1). */
export interface JweAlgorithms {
  alg: readonly string[]
  enc: readonly string[]
}

/** The keys that others encrypt to for this server (RFC 7517, `use` is `enc`); there are none unless an extension needs them. */
export interface EncryptionKeys extends KeyAdministration {
  /** Those to encrypt to now. */
  publicKeys(): Promise<readonly JsonWebKey[]>
  /** What a JWE in compact form says. Undefined: it is not for this server, not of these algorithms, or altered. */
  decrypt(jwe: string, allowed: JweAlgorithms): Promise<string | undefined>
}

/** Which of a client's keys: by name, if the header names one, algorithm and use. */
export interface ClientKeyQuery {
  kid?: string
  alg: string
  use: 'sig' | 'enc'
}

/** The public keys of clients, and of others whose signatures count here. */
export interface ClientKeyring {
  /** Those that fit; none, if the owner has none or its `jwks_uri` does not answer. */
  find(owner: Pick<Client, 'jwks' | 'jwks_uri'>, query: ClientKeyQuery): Promise<readonly JWK[]>
  /** Whether one of all its keys is such a one; those of a `jwks_uri` are fetched again before the answer is no. */
  some(client: Client, isSuch: (key: JWK) => Promise<boolean>): Promise<boolean>
  import(jwk: JWK, alg: string): Promise<CryptoKey | Uint8Array>
  /**
   * The claims of a JWT that one of these keys signed, valid now; undefined: none of them did. `options` say what else must be right.
   * @throws what `wrong` makes of a claim that is not, once the signature proved to be right
   */
  verify(jwt: string, query: OwnedKeyQuery, options: JWTClaimVerificationOptions, wrong: WrongClaim): Promise<JWTPayload | undefined>
}

/** Who is to have signed, and what the header says of the key. */
export interface OwnedKeyQuery {
  owner: Pick<Client, 'jwks' | 'jwks_uri'>
  alg: string
  kid: string | undefined
}

export type WrongClaim = (claim: string, cause: unknown) => Error
