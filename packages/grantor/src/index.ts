export { type NodeListenerOptions, type NodeRequest, type NodeResponse, nodeListener, type Responder } from './adapters/node.ts'
export type { TrustedClaims, TrustedIssuer } from './assertions/trusted-issuer.ts'
export { AuthorizationServer, type AuthorizationServerOptions } from './authorization-server.ts'
export { ClientAuthenticationBase, type PresentedClient } from './client-authentication/base.ts'
export { ClientSecretBasic } from './client-authentication/client-secret-basic.ts'
export { ClientSecretJwt } from './client-authentication/client-secret-jwt.ts'
export { ClientSecretPost } from './client-authentication/client-secret-post.ts'
export { NoAuthentication } from './client-authentication/none.ts'
export { PrivateKeyJwt } from './client-authentication/private-key-jwt.ts'
export type { ClientDirectory } from './clients/directory.ts'
export type { MetadataRule } from './clients/rules.ts'
export type * from './context.ts'
export { networkOf } from './counts.ts'
export type { CryptoPort, Signer } from './crypto/port.ts'
export * from './errors.ts'
export type { Event, EventDetails, EventName } from './events.ts'
export type { Contribution, Endpoint, Extension } from './extension.ts'
export type { BackchannelMessage, BackchannelRequest } from './extensions/ciba/backchannel-request.ts'
export { BackchannelRequests } from './extensions/ciba/backchannel-requests.ts'
export { CIBA_GRANT_TYPE } from './extensions/ciba/ciba-grant-type.ts'
export * from './extensions/ciba/errors.ts'
export { ciba } from './extensions/ciba/extension.ts'
export type { CibaOptions, UserCodeAttempt, UserHint } from './extensions/ciba/options.ts'
export { clientSecretJwt } from './extensions/client-secret-jwt.ts'
export { DEVICE_GRANT_TYPE } from './extensions/device-authorization/device-grant-type.ts'
export { deviceAuthorization } from './extensions/device-authorization/extension.ts'
export type { DeviceAuthorizationOptions } from './extensions/device-authorization/options.ts'
export { dpop } from './extensions/dpop/extension.ts'
export type { DpopOptions, ProofOptions } from './extensions/dpop/options.ts'
export { DpopResourceChecker, type DpopResourceOptions } from './extensions/dpop/resource-checker.ts'
export { dynamicRegistration } from './extensions/dynamic-registration/dynamic-registration.ts'
export { InitialAccessTokens } from './extensions/dynamic-registration/initial-access-tokens.ts'
export type { DynamicRegistrationOptions, RegistrationQuota, SoftwareStatementIssuer } from './extensions/dynamic-registration/options.ts'
export { implicit } from './extensions/implicit.ts'
export { jarm } from './extensions/jarm.ts'
export { jwtBearer } from './extensions/jwt-bearer/extension.ts'
export type { AssertionIssuer, JwtBearerOptions } from './extensions/jwt-bearer/options.ts'
export { jwtIntrospection } from './extensions/jwt-introspection.ts'
export { requestObjects } from './extensions/jwt-secured-requests/extension.ts'
export type { RequestObjectOptions } from './extensions/jwt-secured-requests/options.ts'
export { mutualTls } from './extensions/mutual-tls/extension.ts'
export type { MutualTlsOptions } from './extensions/mutual-tls/options.ts'
export { type CertificateCheckOptions, checkCertificateBinding } from './extensions/mutual-tls/resource-checker.ts'
export { type BackChannelLogoutOptions, backChannelLogout } from './extensions/openid/logout/back-channel.ts'
export type { LogoutDelivery } from './extensions/openid/logout/deliveries.ts'
export { frontChannelLogout } from './extensions/openid/logout/front-channel.ts'
export { rpInitiatedLogout } from './extensions/openid/logout/rp-initiated.ts'
export { openid } from './extensions/openid/openid.ts'
export type { ClaimsPurpose, OpenIdOptions, OpenIdResponseType, PersonClaims } from './extensions/openid/options.ts'
export { passwordGrant } from './extensions/password-grant.ts'
export { pushedAuthorizationRequests } from './extensions/pushed-authorization-requests/extension.ts'
export type { PushedAuthorizationRequestOptions } from './extensions/pushed-authorization-requests/options.ts'
export { type ResourceIndicatorOptions, resourceIndicators } from './extensions/resource-indicators/extension.ts'
export { describeAuthorizationDetails } from './extensions/rich-authorization-requests/describe.ts'
export { richAuthorizationRequests } from './extensions/rich-authorization-requests/extension.ts'
export type {
  AuthorizationDetailType,
  AuthorizationDetailTypes,
  DetailDescription,
  RichAuthorizationRequestOptions
} from './extensions/rich-authorization-requests/options.ts'
export type { StandardSchemaV1 } from './extensions/rich-authorization-requests/standard-schema.ts'
export { type SignInClaims, type SignInRequirement, stepUpChallenge } from './extensions/step-up/challenge.ts'
export { type StepUpOptions, stepUp } from './extensions/step-up/extension.ts'
export { tokenExchange } from './extensions/token-exchange/extension.ts'
export type {
  ExchangeAllowance,
  ExchangeAttempt,
  ExchangePolicy,
  ExchangeRule,
  TokenExchangeOptions
} from './extensions/token-exchange/options.ts'
export { readForm } from './form.ts'
export { AuthorizationCodeGrantType } from './grant-types/authorization-code.ts'
export { GrantTypeBase, type IssuedTokens } from './grant-types/base.ts'
export { ClientCredentialsGrantType } from './grant-types/client-credentials.ts'
export { type PasswordAuthenticator, PasswordGrantType } from './grant-types/password.ts'
export { PolledGrantType } from './grant-types/polled.ts'
export { type Approval, type FoundPolledRequest, type PolledRequest, PolledRequests } from './grant-types/polled-requests.ts'
export { RefreshTokenGrantType } from './grant-types/refresh-token.ts'
export {
  type ClientCertificate,
  cookieName,
  escapeHtml,
  frameSources,
  type HttpRequest,
  type HttpResponse,
  html,
  isOwnOrigin,
  json,
  type RemoteInfo,
  readCookie,
  seeOther,
  setCookie,
  withOpener
} from './http.ts'
export type {
  DeviceDecision,
  DeviceQuestion,
  Interaction,
  InteractionResult,
  Interactions,
  LoggedOut,
  LogoutQuestion,
  Session,
  ShownError,
  UserCodeQuestion
} from './interactions/base.ts'
export type { InteractionCheck, Situation } from './interactions/checks.ts'
export type { InteractionService } from './interactions/service.ts'
export type * from './keyrings.ts'
export type * from './models/artifacts.ts'
export type { AuthorizationDetail } from './models/authorization-detail.ts'
export type { Client, ClientMetadata, ClientSecret, JsonWebKeySet } from './models/client.ts'
export type { Confirmation } from './models/confirmation.ts'
export type { Grant } from './models/grant.ts'
export type { Policy, PolicyOverrides, ResourceServer } from './models/policy.ts'
export type { RegistrationAllowance } from './models/registration.ts'
export type { OutboundResponse } from './outbound/answer.ts'
export { OutboundError, type OutboundReason } from './outbound/base.ts'
export type { Outbound, OutboundOptions, OutboundRequest } from './outbound/outbound.ts'
export { Params } from './params.ts'
export type { AuthorizationRequest, OAuthRequest, TokenRequest, UnfoldedRequest } from './requests.ts'
export { type Recipient, ResponseModeBase } from './response-modes/base.ts'
export { type AuthorizationIssuance, ResponseTypeBase } from './response-types/base.ts'
export { CodeResponseType } from './response-types/code.ts'
export { NoneResponseType } from './response-types/none.ts'
export { TokenResponseType } from './response-types/token.ts'
export { refuseUnknown } from './setting-rules.ts'
export { resolveSettings, SETTING_NAMES, type Settings, type SettingsInput } from './settings.ts'
export { MemoryStore } from './stores/memory.ts'
export { isStorable, storableJson, storableMembers } from './stores/storable.ts'
export type * from './stores/store.ts'
export { TokenFormatBase } from './tokens/base.ts'
