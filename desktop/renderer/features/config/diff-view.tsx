import { yaml } from '@codemirror/lang-yaml';
import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import classes from './config.module.css';
import { editorLook } from './editor-theme.ts';

/** Two texts side by side, what is the same folded away. */
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
    const view = new MergeView({
      parent: place.current as HTMLElement,
      a: side(before, left),
      b: side(after, right),
      collapseUnchanged: { margin: 3, minSize: 5 },
      gutter: true,
      diffConfig: { scanLimit: 2000, timeout: 500 },
    });
    return () => view.destroy();
  }, [before, after, left, right]);
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
