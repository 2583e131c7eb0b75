/** Members of a client that are the operator's: what a client says of them is ignored, and it does not learn of them. */
export const OWNED: readonly string[] = [
  'settings',
  'require_consent',
  'verified',
  'resources',
  'authorization_details',
  'disabled',
  'secrets',
  'allowed_origins',
  'code_challenge_method'
]

/** Members of the answer that a client does not choose (RFC 7591 §3.2.1, RFC 7592 §3). */
export const ANSWERED: readonly string[] = [
  'client_id',
  'client_secret',
  'client_id_issued_at',
  'client_secret_expires_at',
  'registration_access_token',
  'registration_client_uri'
]
