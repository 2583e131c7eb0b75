INSERT INTO grantor_clients (realm, client_id, record)
VALUES ('', 'app', '{"client_id":"app","client_name":"Shop","token_endpoint_auth_method":"client_secret_post","redirect_uris":["https://client.example.com/cb"],"grant_types":["authorization_code","refresh_token","client_credentials"],"scope":"read write","require_consent":false,"response_types":["code"],"client_id_issued_at":1800000000,"secrets":[{"hash":"KK4TXXRzI0jIko3waEUm14XrnE2i3NII5zdLUbbTFNM","createdAt":1800000000}]}');
INSERT INTO grantor_clients (realm, client_id, record)
VALUES ('', 'spa', '{"client_id":"spa","token_endpoint_auth_method":"none","redirect_uris":["https://spa.example.com/cb"],"grant_types":["authorization_code"],"scope":"read","response_types":["code"],"client_id_issued_at":1800000000}');
INSERT INTO grantor_clients (realm, client_id, record)
VALUES ('other', 'app', '{"client_id":"app","redirect_uris":[],"grant_types":[],"response_types":[],"scope":"other"}');
INSERT INTO grantor_grants (realm, id, client_id, subject, scope, auth_time, session_id, created_at, expires_at, revoked_at, details)
VALUES ('', '-PBNM4--alPeU9sNTYNVFGuK', 'app', 'alice', '["read"]', 1800000000, 's1', 1800000000, 1807776000, NULL, NULL);
INSERT INTO grantor_grants (realm, id, client_id, subject, scope, auth_time, session_id, created_at, expires_at, revoked_at, details)
VALUES ('', '-PBNM4--p_72CygMhbnVgedZ', 'app', 'alice', '["read"]', 1800000000, 's1', 1800000000, 1807776000, NULL, NULL);
INSERT INTO grantor_grants (realm, id, client_id, subject, scope, auth_time, session_id, created_at, expires_at, revoked_at, details)
VALUES ('', '-PBNM4--vbd81NNyYDztgbgu', 'app', 'alice', '["read"]', 1800000000, 's1', 1800000000, 1807776000, 1800000000, NULL);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'access_token', '-PBNM4---KavG1ZeEb6TWrfR', 'qfa_prwqEBOpj8W_M0GJAuFZembzWXsW8FCm6hRN8ug', '{"client_id":"app","sub":"alice","scope":"read","aud":["https://id.example.com"],"iat":1800000000}', '-PBNM4--alPeU9sNTYNVFGuK', 1800003600, NULL);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'access_token', '-PBNM4--nKfTRBpfO7JcywZF', 'SnU7W37rdRe9qnW3PnJ24bM0tFHn1kKBy3bHIZQ102w', '{"client_id":"app","sub":"alice","scope":"read","aud":["https://id.example.com"],"iat":1800000000}', '-PBNM4--vbd81NNyYDztgbgu', 1800003600, NULL);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'access_token', '-PBNM4--ngZDy2hB1hgbxHA8', 'p4cX0GxU3cuqgeQT5Hiu54swL_BXxXChBxjxm2FCk18', '{"client_id":"app","scope":"write","aud":["https://id.example.com"],"iat":1800000000}', NULL, 1800003600, NULL);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'access_token', '-PBNM4--sgtCs7OKTOip8LSY', 'Ep1ueS4uRx74_N72sE-zukjSa025Ye0q6IPtZ-9hLCM', '{"client_id":"app","sub":"alice","scope":"read","aud":["https://id.example.com"],"iat":1800000000}', '-PBNM4--alPeU9sNTYNVFGuK', 1800003600, NULL);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'authorization_code', '-PBNM4--SeXDfEVzA6w8hUq0', 'EZGNJmK4fSfC3pLMquZEGZGCk_n6jYqasZuYG7yeP2k', '{"client_id":"app","redirect_uri":"https://client.example.com/cb","code_challenge":"y5UF_tmp_ICTDGza-Ou2vUvx2cu7DBN-Xwf_z0RDfTw","code_challenge_method":"S256","failures":0}', '-PBNM4--vbd81NNyYDztgbgu', 1807776000, 1800000000);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'authorization_code', '-PBNM4--tk_eHKqjFxUdM0su', '9fBxDQL_KZ0nZPIQq7SsJCOjptZCVHbdHaK6YZ0FmjM', '{"client_id":"app","redirect_uri":"https://client.example.com/cb","code_challenge":"y5UF_tmp_ICTDGza-Ou2vUvx2cu7DBN-Xwf_z0RDfTw","code_challenge_method":"S256","failures":0}', '-PBNM4--alPeU9sNTYNVFGuK', 1807776000, 1800000000);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'authorization_code', '-PBNM4--vErvfww3wahI2tI1', 'Pqx0HHp9gdKnnc5tMsWebZGwXjTyD98o1md9dv8AUcc', '{"client_id":"app","redirect_uri":"https://client.example.com/cb","code_challenge":"y5UF_tmp_ICTDGza-Ou2vUvx2cu7DBN-Xwf_z0RDfTw","code_challenge_method":"S256","failures":0}', '-PBNM4--p_72CygMhbnVgedZ', 1800000060, NULL);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'refresh_token', '-PBNM4--9wXzyTntWgpWwV0U', 'tIjFwIx3Sey6jtcdmCMIKbkW4Ckuu6wDzoHhpShdrmg', '{"client_id":"app"}', '-PBNM4--vbd81NNyYDztgbgu', 1801209600, NULL);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'refresh_token', '-PBNM4--akThzOSa37EBWyq9', '9P-bAOkFRkCuFq0HWj9rwn_ioUJ_PPgnNyv4JCn5RKI', '{"client_id":"app"}', '-PBNM4--alPeU9sNTYNVFGuK', 1801209600, NULL);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'refresh_token', '-PBNM4--j1mth0p_uX7iDCcF', 's8D0hezYR0rRo99i0_vXz4tfpP9UDtHPZHA5_jYP60U', '{"client_id":"app","successor":{"request":"[null,[],null]","response":"7aePEe4aCLN2gy5IoaueuR4yACNlaKO4a-WdFUE6vjlzQwhRBdytn1d1UQjbGjFi6uBjyAqNw6WCf6D9NT5aTL9DyKMAj-W2PGrGKkl7nhF9oXvFuoUAbkD5mokUc7NeS_p5wNEa4YWBnAjWe_o1T8me0iU1G_LQ0ySpyY_TcwNSskdB_XJiaD_K2bMNKhcaeHqoaPwCFr44hmu5IxqCkyq1MieW9bXrsknzIb58N22rluBpZK-mkJDd5ZNfGLQf_D1n1R6FsAA9ftJ_BoXVFrZ4XtBiwspforPD5mIqGFqZciUJ7WD_LSCqegL44PXXERJM1-dvqlPIVpF4a2vxjmkinGqUt518qwKYyawHlBF4gxw"}}', '-PBNM4--alPeU9sNTYNVFGuK', 1807776000, 1800000000);
INSERT INTO grantor_artifacts (realm, kind, id, secret_hash, value, grant_id, expires_at, consumed_at)
VALUES ('', 'signing_keys', 'current', NULL, '{"version":1,"keys":[{"kid":"jqs1GpA4A4gB6Udfnzf_d9xQpfgaU5ynnha5F2lHz-8","alg":"ES256","publicJwk":{"kty":"EC","x":"WR60pRkZ--Pxpqp_5P7tm62ktOUMsNBSUADnEy4ocXE","y":"kosvFtcjx0Hir7scplbZinfUdQeqYmEEXE_OxqRWZRU","crv":"P-256","kid":"jqs1GpA4A4gB6Udfnzf_d9xQpfgaU5ynnha5F2lHz-8","use":"sig","alg":"ES256"},"sealed":"SVdvJokOuCczY8JVpzNr-Au_IGeqsz8B5x9hiVhM7GTcgUk_dsy1ASrXeiSaVPqTm1rV0gODwwvp5PA3h2yA9u38tSlKpHOFRcqfBz-3UMoxcyWd7UUr4Mn-2jAel5w5EQohBHG6BHZnzdZzOVTNKamVE9AKWCmXFPYUQ7R9gH8g_LAqMZFtZ18hKJDLOwLfBhmzzwIWlr438N0GNE_Yu74vL_6zABfthdW9tkJvbOFJcoyIzekLDybnorLeSgJvNCr5ZEPWF2yvi0vr","activeFrom":1800000000}]}', NULL, 253402300799, NULL);
