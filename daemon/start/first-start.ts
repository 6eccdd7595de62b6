import { SYSTEM } from '#daemon/platform/http/types.ts';
import { ApiError } from '#shared/errors.ts';
import type { Services } from './services.ts';

export interface FirstStart {
  isFirst: boolean;
  /** The first global API token, shown once; null when one was given or exists. */
  token: string | null;
  /** Makes the first account; null when somebody can sign in as an administrator. */
  setup: { url: string; token: string; expiresAt: string } | null;
}

/** On a fresh database: the app `live` and a first global token. STREAMHUB_API_TOKEN seeds the token whenever no live global one exists. */
export async function seed({ settings, db, apps, tokens, isFirstStart }: Services): Promise<Omit<FirstStart, 'setup'>> {
  if (isFirstStart) {
    try {
      await apps.create({ name: 'live', displayName: 'Live' }, null, SYSTEM);
    } catch (error) {
      // a kill between the first app and the mark below, or a folder kept from an older installation
      if (!(error instanceof ApiError)) throw error;
    }
  }
  let token: string | null = null;
  if (settings.apiToken !== '') {
    if (!tokens.hasGlobalToken)
      tokens.adopt(settings.apiToken, { name: 'STREAMHUB_API_TOKEN', scope: 'global' }, SYSTEM);
  } else if (isFirstStart) ({ token } = tokens.create({ name: 'first start', scope: 'global' }, SYSTEM));
  if (isFirstStart) {
    db.prepare("INSERT OR REPLACE INTO streamhub_meta (key, value, updated_at) VALUES ('seeded', '1', ?)").run(
      new Date().toISOString(),
    );
  }
  return { isFirst: isFirstStart, token };
}
