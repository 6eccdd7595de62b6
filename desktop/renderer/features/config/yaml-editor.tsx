import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Annotation, Compartment, EditorSelection, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import { usePhone } from '../../ui/layout/device.ts';
import classes from './config.module.css';
import { editorLook, wrapWhen } from './editor-theme.ts';
import type { SchemaNode } from './schema-nodes.ts';
import type { Diagnostic } from './use-validation.ts';
import { schemaCompletion, schemaHover } from './yaml-help.ts';

export interface EditorHandle {
  /** Puts the cursor there and the line in sight. */
  goTo(line: number, column?: number): void;
  focus(): void;
}

interface Props {
  text: string;
  onChange: (text: string) => void;
  isReadOnly?: boolean;
  label: string;
  schema?: SchemaNode | undefined;
  /** About exactly this text; others are not shown. */
  diagnostics?: { of: string | undefined; list: readonly Diagnostic[] } | undefined;
  onReview?: () => void;
  handle?: Ref<EditorHandle>;
}

/** A change that came from outside is not announced back. */
const fromOutside = Annotation.define<true>();

/** The YAML editor: completion and hints from the schema, the daemon's findings in the text. */
export function YamlEditor({
  text,
  onChange,
  isReadOnly = false,
  label,
  schema,
  diagnostics,
  onReview,
  handle,
}: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const parts = useRef({ help: new Compartment(), readOnly: new Compartment(), wrap: new Compartment() });
  const isPhone = usePhone();
  const latest = useRef({ onChange, onReview });
  latest.current = { onChange, onReview };

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes is brought in below
  useEffect(() => {
    const editor = new EditorView({
      parent: place.current as HTMLElement,
      state: EditorState.create({
        doc: text,
        extensions: [
          base(label),
          parts.current.help.of([]),
          parts.current.wrap.of(wrapWhen(isPhone)),
          parts.current.readOnly.of(EditorState.readOnly.of(isReadOnly)),
          keymap.of([
            {
              key: 'Mod-s',
              preventDefault: true,
              run: () => {
                latest.current.onReview?.();
                return true;
              },
            },
            { key: 'Escape', run: leave },
          ]),
          EditorView.updateListener.of((update) => {
            const isOwn = update.docChanged && !update.transactions.some((one) => one.annotation(fromOutside));
            if (isOwn) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined) return;
    const now = editor.state.doc.toString();
    if (now === text) return;
    // only what differs is replaced, so that the cursor stays where it is
    let from = 0;
    while (from < now.length && from < text.length && now[from] === text[from]) from += 1;
    let tail = 0;
    while (tail < now.length - from && tail < text.length - from && now.at(-1 - tail) === text.at(-1 - tail)) tail += 1;
    editor.dispatch({
      changes: { from, to: now.length - tail, insert: text.slice(from, text.length - tail) },
      annotations: fromOutside.of(true),
    });
  }, [text]);

  useEffect(() => {
    const help: Extension = schema
      ? [autocompletion({ override: [schemaCompletion(schema)], icons: false }), schemaHover(schema)]
      : [];
    view.current?.dispatch({ effects: parts.current.help.reconfigure(help) });
  }, [schema]);

  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.wrap.reconfigure(wrapWhen(isPhone)) });
  }, [isPhone]);
  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.readOnly.reconfigure(EditorState.readOnly.of(isReadOnly)) });
  }, [isReadOnly]);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || diagnostics === undefined || diagnostics.of !== editor.state.doc.toString()) return;
    editor.dispatch(
      setDiagnostics(
        editor.state,
        diagnostics.list.map((one) => toLint(editor.state, one)),
      ),
    );
  }, [diagnostics]);

  useImperativeHandle(handle, () => ({
    goTo(line, column = 1) {
      const editor = view.current;
      if (editor === undefined) return;
      const found = editor.state.doc.line(Math.min(Math.max(line, 1), editor.state.doc.lines));
      const anchor = Math.min(found.from + column - 1, found.to);
      editor.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) });
      editor.focus();
    },
    focus: () => view.current?.focus(),
  }));

  return <div ref={place} className={classes.editor} data-completes={schema !== undefined || undefined} />;
}

/** Esc leaves the editor, so that Tab moves on through the page again. */
const leave = (view: EditorView): boolean => {
  (view.contentDOM.closest<HTMLElement>('[data-editor-exit]') ?? document.body).focus();
  view.contentDOM.blur();
  return true;
};

/** A new line continues in the column of the content above; under a key without a value, one step in. */
const newLine = ({ state, dispatch }: EditorView): boolean => {
  if (state.readOnly) return false;
  dispatch(
    state.update(
      state.changeByRange(({ from, to }) => {
        const before = state.sliceDoc(state.doc.lineAt(from).from, from);
        const column = /^ *(?:- +)*/.exec(before)?.[0].length ?? 0;
        const opens = /:\s*(?:#.*)?$/.test(before);
        const insert = `\n${' '.repeat(column + (opens ? 2 : 0))}`;
        return { changes: { from, to, insert }, range: EditorSelection.cursor(from + insert.length) };
      }),
      { scrollIntoView: true, userEvent: 'input' },
    ),
  );
  return true;
};

const base = (label: string): Extension => [
  lineNumbers(),
  highlightActiveLineGutter(),
  foldGutter(),
  lintGutter(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  highlightActiveLine(),
  highlightSelectionMatches(),
  search({ top: true }),
  yaml(),
  EditorState.tabSize.of(2),
  EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
  keymap.of([
    { key: 'Enter', run: newLine },
    ...closeBracketsKeymap,
    ...defaultKeymap.filter(({ key }) => key !== 'Escape'),
    ...searchKeymap,
    ...historyKeymap,
    ...foldKeymap,
    ...completionKeymap,
    ...lintKeymap,
    indentWithTab,
  ]),
  editorLook,
];

function toLint(state: EditorState, { line, column, endLine, endColumn, severity, message }: Diagnostic) {
  const offset = (atLine: number, atColumn: number): number => {
    const found = state.doc.line(Math.min(Math.max(atLine, 1), state.doc.lines));
    return Math.min(found.from + Math.max(atColumn, 1) - 1, found.to);
  };
  const from = offset(line, column);
  return { from, to: Math.max(from, offset(endLine, endColumn)), severity, message };
}
