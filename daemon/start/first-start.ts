import { metaStore } from '#daemon/platform/db/meta.ts';
import { SYSTEM } from '#daemon/platform/http/types.ts';
import { ApiError } from '#shared/errors.ts';
import type { Services } from './services.ts';

export interface FirstStart {
  isFirst: boolean;
  /** The first global API token, shown once; null when one was given or exists. */
  token: string | null;
  /** Call it once the token was shown. Until then, each start revokes the unseen token and makes another one. */
  shown(): void;
  /** Makes the first account; null when an administrator exists. */
  setup: { url: string; token: string; expiresAt: string } | null;
}

/** Key of the id of a first token that was not shown yet. */
const UNSEEN = 'first_token.unseen';

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
  const meta = metaStore(db);
  let token: string | null = null;
  const unseen = Number(meta.get(UNSEEN) ?? 0);
  // all or nothing, so that a kill in between neither loses the token nor leaves a second one
  const store = db.transaction(() => {
    if (settings.apiToken !== '') {
      if (!tokens.hasGlobalToken)
        tokens.adopt(settings.apiToken, { name: 'STREAMHUB_API_TOKEN', scope: 'global' }, SYSTEM);
    } else if (isFirstStart || unseen > 0) {
      if (unseen > 0) tokens.revoke(unseen, SYSTEM);
      const made = tokens.create({ name: 'first start', scope: 'global' }, SYSTEM);
      meta.set(UNSEEN, String(made.id));
      ({ token } = made);
    }
    if (isFirstStart) meta.set('seeded', '1');
  });
  store();
  return { isFirst: isFirstStart, token, shown: () => token !== null && meta.set(UNSEEN, '0') };
}
