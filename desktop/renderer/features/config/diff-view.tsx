import { yaml } from '@codemirror/lang-yaml';
import { MergeView, unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { usePhone } from '../../ui/layout/device.ts';
import classes from './config.module.css';
import { editorLook } from './editor-theme.ts';

/** Two texts side by side, on a phone one below the other, line by line; what is the same is folded away. */
export function DiffView({
  before,
  after,
  labels,
}: {
  before: string;
  after: string;
  labels: readonly [string, string];
}) {
  const place = useRef<HTMLDivElement>(null);
  const [left, right] = labels;
  const isPhone = usePhone();
  useEffect(() => {
    const side = (doc: string, label: string) => ({
      doc,
      extensions: [
        lineNumbers(),
        yaml(),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
        editorLook,
      ],
    });
    const parent = place.current as HTMLElement;
    const look = {
      collapseUnchanged: { margin: 3, minSize: 5 },
      gutter: true,
      diffConfig: { scanLimit: 2000, timeout: 500 },
    };
    const { doc, extensions } = side(after, `${left}, then ${right}`);
    const view = isPhone
      ? new EditorView({
          parent,
          doc,
          extensions: [
            extensions,
            EditorView.lineWrapping,
            unifiedMergeView({ original: before, mergeControls: false, ...look }),
          ],
        })
      : new MergeView({ parent, a: side(before, left), b: side(after, right), ...look });
    return () => view.destroy();
  }, [before, after, left, right, isPhone]);
  return (
    <div className={classes.diff}>
      <div className={classes.diffLabels}>
        <span>{left}</span>
        <span>{right}</span>
      </div>
      <div ref={place} className={classes.diffBody} />
    </div>
  );
}
