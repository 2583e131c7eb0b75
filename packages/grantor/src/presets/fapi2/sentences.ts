const PROFILE = 'FAPI 2.0 Security Profile section'
const SIGNING = 'FAPI 2.0 Message Signing section'

/** What the profiles ask of an authorization server, in their words, and where they do. Told to whoever asks for something else. */
export const SENTENCES = {
  tls: `${PROFILE} 5.2.1-1: shall only offer TLS protected endpoints`,
  noPassword: `${PROFILE} 5.3.2.1-2: shall reject requests using the resource owner password credentials grant`,
  confidential: `${PROFILE} 5.3.2.1-3: shall only support confidential clients`,
  senderConstrained: `${PROFILE} 5.3.2.1-4: shall only issue sender-constrained access tokens`,
  authentication: `${PROFILE} 5.3.2.1-6: shall authenticate clients using MTLS or private_key_jwt`,
  audience: `${PROFILE} 5.3.2.1-8: shall only accept its issuer identifier value as a string in the aud claim received in client authentication assertions`,
  noRotation: `${PROFILE} 5.3.2.1-9: shall not use refresh token rotation except in extraordinary circumstances`,
  codeLifetime: `${PROFILE} 5.3.2.1-11: shall issue authorization codes with a maximum lifetime of 60 seconds`,
  clockSkew: `${PROFILE} 5.3.2.1-13: shall accept JWTs with an iat or nbf timestamp between 0 and 10 seconds in the future but shall reject JWTs with an iat or nbf timestamp greater than 60 seconds in the future`,
  responseType: `${PROFILE} 5.3.2.2-1: shall require the value of response_type to be code`,
  pushed: `${PROFILE} 5.3.2.2-3: shall reject authorization requests sent without PAR`,
  pkce: `${PROFILE} 5.3.2.2-5: shall require PKCE with S256 as the code challenge method`,
  redirectUri: `${PROFILE} 5.3.2.2-6: shall require the redirect_uri parameter in pushed authorization requests`,
  noHttp: `${PROFILE} 5.3.2.2-8: shall not allow redirect URIs that use the http scheme except for native clients that use loopback interface redirection`,
  requestUri: `${PROFILE} 5.3.2.2-12: shall issue pushed authorization requests request_uri with expires_in values of less than 600 seconds`,
  algorithms: `${PROFILE} 5.4.1-1: when creating or processing JWTs shall use PS256, ES256, or EdDSA (using the Ed25519 variant) algorithms`,
  signedRequests: `${SIGNING} 5.3.1-1: shall support, require use of, and verify signed request objects according to JAR at the PAR endpoint`,
  requestLifetime: `${SIGNING} 5.3.1-4: shall require the request object to contain an exp claim that has a lifetime of no longer than 60 minutes after the nbf claim`,
  signedResponses: `${SIGNING} 5.4.1-1: shall support, require use of, and issue signed authorization responses via JWT Secured Authorization Response Mode for OAuth 2.0`
} as const
