import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConfigurationError } from 'grantor'

/**
 * The secrets in the file, one a line, the newest first; made if there is no file. Keep it apart from the database and from its backups.
 * @param isNeeded whether something was made with it. Found out before: another process that starts now makes the file first.
 * @throws ConfigurationError if others may read it, or if the file is gone while what was made with it is not.
 */
export function readSecrets(file: string, isNeeded = false): readonly string[] {
  if (!existsSync(file)) {
    if (isNeeded) throw new ConfigurationError(`${file} is missing, but the database was made with it; put the file back`)
    create(file)
  }
  if ((statSync(file).mode & 0o077) !== 0) throw new ConfigurationError(`others may read ${file}; run: chmod 600 ${file}`)
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
}

/** Whole or not at all, and by one of several processes only. */
function create(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(draft)
  }
}
