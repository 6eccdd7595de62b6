import { Button, SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import { Notice } from '../../ui/feedback/problem.tsx';
import { plural } from '../../ui/words/format.ts';
import classes from './config.module.css';
import { DiffView } from './diff-view.tsx';
import type { Draft } from './drafts.ts';
import { type Choice, type ConflictStretch, mergedText, threeWay } from './three-way.ts';
import type { ConfigDocument } from './use-config-document.ts';

/**
 * Two people changed one text. What does not touch is brought together by itself; for the rest one chooses, seeing what
 * stood there before, what they made of it, and one's own.
 */
export function Conflict({
  document,
  onClose,
  onMerged,
}: {
  document: Pick<ConfigDocument, 'draft' | 'rebase' | 'discard'> & { raw: Draft['base'] };
  onClose: () => void;
  onMerged: () => void;
}) {
  const { raw, draft } = document;
  const stretches = useMemo(() => (draft ? threeWay(draft.base.yaml, draft.text, raw.yaml) : []), [draft, raw.yaml]);
  const conflicts = stretches.filter((stretch) => stretch.kind === 'conflict');
  const [choices, setChoices] = useState<readonly (Choice | undefined)[]>([]);
  const open = conflicts.filter((_one, index) => choices[index] === undefined).length;
  const merged = mergedText(stretches, choices);
  const choose = (index: number, choice: Choice): void => {
    setChoices(conflicts.map((_one, at) => (at === index ? choice : choices[at])));
  };
  return (
    <div className={classes.review}>
      <div className={classes.bar}>
        <h2 className={classes.reviewTitle}>Resolve conflict</h2>
        <span className="dim">
          {conflicts.length === 0 ? 'The changes do not overlap.' : `${plural(open, 'place')} to decide`}
        </span>
        <span className="grow" />
        <Button size="xs" onClick={onClose}>
          Later
        </Button>
        <Button
          size="xs"
          variant="subtle"
          onClick={() => {
            document.discard();
            onClose();
          }}
        >
          Discard my draft
        </Button>
        <Button
          size="xs"
          variant="filled"
          disabled={open > 0}
          onClick={() => {
            document.rebase(merged, { yaml: raw.yaml, etag: raw.etag });
            if (merged === raw.yaml) onClose();
            else onMerged();
          }}
        >
          Use this text
        </Button>
      </div>
      {conflicts.length === 0 ? (
        <Notice tone="ok" title="No conflicts">
          <p>Both changes are in the text on the right.</p>
        </Notice>
      ) : null}
      {conflicts.map((conflict, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: conflicts are known by their place
        <Place key={index} conflict={conflict} choice={choices[index]} onChoose={(choice) => choose(index, choice)} />
      ))}
      <DiffView before={raw.yaml} after={merged} labels={['Active now (theirs)', 'Merged']} />
    </div>
  );
}

function Place({
  conflict,
  choice,
  onChoose,
}: {
  conflict: ConflictStretch;
  choice: Choice | undefined;
  onChoose: (choice: Choice) => void;
}) {
  const sides = [
    ['Before', conflict.base],
    ['Theirs', conflict.theirs],
    ['Yours', conflict.mine],
  ] as const;
  return (
    <section className={classes.conflict} data-open={choice === undefined || undefined} aria-label="Conflict">
      <div className={classes.sides}>
        {sides.map(([name, lines]) => (
          <div key={name}>
            <div className="dim">{name}</div>
            <pre>{lines.length === 0 ? ' ' : lines.join('\n')}</pre>
          </div>
        ))}
      </div>
      <SegmentedControl
        size="xs"
        value={choice ?? ''}
        onChange={(value) => onChoose(value as Choice)}
        data={[
          { value: 'theirs', label: 'Take theirs' },
          { value: 'mine', label: 'Take yours' },
          { value: 'both', label: 'Take both' },
        ]}
      />
    </section>
  );
}
