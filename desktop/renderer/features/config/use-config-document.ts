import { useCallback, useEffect } from 'react';
import { getRawConfig } from '#shared/contract/config.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useRead } from '../../api/query.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { type Draft, dropDraft, setDraft, useDraft } from './drafts.ts';

export type RawConfig = ResultOf<typeof getRawConfig>['data'];

export interface ConfigDocument {
  /** As it is on the daemon. */
  raw: RawConfig;
  draft: Draft | undefined;
  /** What the editor shows. */
  text: string;
  isDirty: boolean;
  /** The config was changed elsewhere since the draft was begun. */
  isBehind: boolean;
  setText: (text: string) => void;
  /** Continues from another version of the daemon's text. */
  rebase: (text: string, base: { yaml: string; etag: string }) => void;
  discard: () => void;
}

/** The config of an app with the draft that one works on. */
export function useConfigDocument(app: string) {
  const { id } = useDaemon();
  const query = useRead(getRawConfig, { params: { name: app } });
  const draft = useDraft(id, app);
  const raw = query.data;
  // a draft that equals the active config is no longer needed
  useEffect(() => {
    if (draft && raw && draft.text === raw.yaml) dropDraft(id, app);
  }, [draft, raw, id, app]);
  const setText = useCallback(
    (text: string) => {
      if (raw === undefined) return;
      const base = draft?.base ?? { yaml: raw.yaml, etag: raw.etag };
      if (text === base.yaml) dropDraft(id, app);
      else setDraft(id, app, { text, base, at: new Date().toISOString() });
    },
    [id, app, raw, draft],
  );
  const rebase = useCallback(
    (text: string, base: { yaml: string; etag: string }) => {
      if (text === base.yaml) dropDraft(id, app);
      else setDraft(id, app, { text, base, at: new Date().toISOString() });
    },
    [id, app],
  );
  const discard = useCallback(() => dropDraft(id, app), [id, app]);
  const document: ConfigDocument | undefined = raw && {
    raw,
    draft,
    text: draft?.text ?? raw.yaml,
    isDirty: draft !== undefined && draft.text !== raw.yaml,
    isBehind: draft !== undefined && draft.base.etag !== raw.etag,
    setText,
    rebase,
    discard,
  };
  return { query, document };
}
