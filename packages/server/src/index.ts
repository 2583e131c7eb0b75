export { type Config, loadConfig, parseConfig } from './config.ts'
export { GrantorServer } from './grantor-server.ts'
export { hashPassword, verifyPassword } from './passwords.ts'
export { type User, Users } from './users.ts'
