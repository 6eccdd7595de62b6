import { useCallback, useEffect } from 'react';
import { getRawConfig } from '#shared/contract/config.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useRead } from '../../api/query.ts';
import { type Draft, dropDraft, keepDraft, useDraft, useDraftKey } from './drafts.ts';

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
  const query = useRead(getRawConfig, { params: { name: app } });
  const key = useDraftKey(app);
  const kept = useDraft(app);
  const raw = query.data;
  // a draft can hold the secrets that the text hides
  const draft = raw?.masked ? undefined : kept;
  // a draft that equals the active config is no longer needed
  useEffect(() => {
    if (draft && raw && draft.text === raw.yaml) dropDraft(key);
  }, [draft, raw, key]);
  const rebase = useCallback((text: string, base: Draft['base']) => keepDraft(key, text, base), [key]);
  const setText = useCallback(
    (text: string) => {
      if (raw) rebase(text, draft?.base ?? { yaml: raw.yaml, etag: raw.etag });
    },
    [rebase, raw, draft],
  );
  const discard = useCallback(() => dropDraft(key), [key]);
  const document: ConfigDocument | undefined =
    key === undefined
      ? undefined
      : raw && {
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
