import { Button } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { getIngressKey } from '#shared/contract/ingress.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import type { Ingest } from './ingest-words.ts';

/** The two lines that an encoder wants. */
export function EncoderSettings({ type, url, children }: Pick<Ingest, 'type' | 'url'> & { children: ReactNode }) {
  if (type === 'url') {
    return (
      <div>
        <p className="dim">Source</p>
        <CopyBox text={url} what="source" />
      </div>
    );
  }
  return (
    <div className="stack" style={{ gap: 10 }}>
      <div>
        <p className="dim">Server URL</p>
        <CopyBox text={url} what="server URL" />
      </div>
      <div>
        <p className="dim">{type === 'whip' ? 'Bearer token' : 'Stream key'}</p>
        {children}
      </div>
    </div>
  );
}

/** The key of an ingest: its first characters until one who may asks for it. It is forgotten with the panel. */
export function StreamKey({ app, ingest }: { app: string; ingest: Ingest }) {
  const key = useChange(getIngressKey);
  const lack = useLack(getIngressKey);
  const { reset } = key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another ingest has another key
  useEffect(reset, [ingest.id]);
  if (key.data) {
    return (
      <div className="stack" style={{ gap: 6 }}>
        <CopyBox text={key.data.streamKey} what="stream key" />
        <div>
          <Button size="xs" onClick={reset}>
            Hide key
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className="stack" style={{ gap: 6 }}>
      <span className="row">
        <code>{ingest.streamKey}</code>
        <Button
          size="xs"
          disabled={lack !== undefined}
          title={lack && `Needs ${lack}.`}
          loading={key.isPending}
          onClick={() => key.mutate({ params: { app, id: ingest.id } })}
        >
          Show key
        </Button>
      </span>
      {key.error ? <Problem error={key.error} title="The key could not be read." /> : null}
    </div>
  );
}
