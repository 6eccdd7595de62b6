import { Button, Radio, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { parse, stringify } from 'yaml';
import {
  getLiveKitSettings,
  getManagedLiveKit,
  putLiveKitSettings,
  restoreLiveKitSettings,
  retireLiveKitKey,
  rotateLiveKitKeys,
} from '#shared/contract/livekit.ts';
import { checkLivekitSettings } from '#shared/livekit-settings.ts';
import type { LiveKitOwnSettings, LivekitRevision, RollOut } from '#shared/schema/livekit.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Page, Panel, TablePanel } from '../../ui/layout/page.tsx';
import { Ago, At } from '../../ui/words/time.tsx';
import { Conflict } from '../config/conflict.tsx';
import { DiffView } from '../config/diff-view.tsx';
import { dropDraft, keepDraft, savedDraft, useDraft, useDraftKey } from '../config/drafts.ts';
import { FormView } from '../config/form-view.tsx';
import type { SchemaNode } from '../config/schema-nodes.ts';
import { YamlEditor } from '../config/yaml-editor.tsx';
import { LiveKitTabs } from './livekit-tabs.tsx';

/** Blocks of the form, in this order. */
const BLOCKS = ['port', 'rtc', 'turn', 'room', 'limit', 'logging'];
/** Name of the draft among those of the apps' configs; no app has a colon in its name. */
const DRAFT = 'livekit:settings';
const REFRESHES = [getLiveKitSettings, getManagedLiveKit];

/** LiveKit's own settings: form and text, roll-out, revisions, keys, and the text for a LiveKit that others run. */
export function LiveKitSettingsPage() {
  const settings = useRead(getLiveKitSettings);
  return (
    <Page title="LiveKit">
      <LiveKitTabs current="settings" />
      <QueryView query={settings} what="LiveKit’s settings">
        {(data) => (
          <div className="stack">
            <Editor settings={data} />
            {data.targets.length > 0 ? <Targets settings={data} /> : null}
            {data.targets.length > 0 ? <Keys settings={data} /> : null}
            <Panel title="For a LiveKit that others run">
              <p className="dim">
                Add this to its configuration, put your key in, and restart it when nobody is in a room.
              </p>
              <CopyBox text={data.paste} what="LiveKit configuration" />
            </Panel>
            {data.revisions.length > 0 ? <Revisions settings={data} /> : null}
          </div>
        )}
      </QueryView>
    </Page>
  );
}

const isEmpty = (text: string): boolean => text.replaceAll(/#.*$/gm, '').trim() === '';

function Editor({ settings }: { settings: LiveKitOwnSettings }) {
  const key = useDraftKey(DRAFT);
  const draft = useDraft(DRAFT);
  /** What the text was made from; a change of someone else doesn't replace it. */
  const base = draft?.base ?? { yaml: settings.text, etag: settings.etag };
  const text = draft?.text ?? settings.text;
  const discard = (): void => dropDraft(key);
  const setText = (next: string): void => keepDraft(key, next, base);
  const [view, setView] = useState('form');
  const [rollOut, setRollOut] = useState<RollOut>('drain');
  const put = useChange(putLiveKitSettings, { refreshes: REFRESHES });
  const guard = useGuard(putLiveKitSettings);
  const [isMerging, setMerging] = useState(false);
  const active = { yaml: settings.text, etag: settings.etag };
  /** Somebody else saved since the draft was begun. */
  const isBehind = draft !== undefined && base.etag !== active.etag;
  const save = (): void => {
    void put
      .mutateAsync({ body: { text, rollOut }, headers: { 'if-match': base.etag } })
      .then(({ text: yaml, etag }) => savedDraft(key, text, { yaml, etag }))
      // shown below the change
      .catch(() => {});
  };
  const { findings } = checkLivekitSettings(text);
  const isChanged = text !== base.yaml;
  const schema = settings.schema as SchemaNode;
  if (isMerging && isBehind)
    return (
      <Conflict
        document={{ raw: active, draft, rebase: (next, of) => keepDraft(key, next, of), discard }}
        onClose={() => setMerging(false)}
        onMerged={() => setMerging(false)}
      />
    );
  return (
    <Panel
      title="LiveKit’s own settings"
      actions={
        <SegmentedControl
          size="xs"
          aria-label="View"
          value={view}
          onChange={setView}
          data={[
            { value: 'form', label: 'Form' },
            { value: 'text', label: 'Text' },
          ]}
        />
      }
    >
      <div className="stack">
        {view === 'form' ? (
          <form onSubmit={(event) => event.preventDefault()}>
            <FormView
              // the form changes a mapping in place; a text without one begins with it
              text={isEmpty(text) ? '{}\n' : text}
              onChange={(next) => setText(isEmpty(text) ? stringify(parse(next)) : next)}
              schema={schema}
              isReadOnly={guard.disabled}
              blocks={BLOCKS}
              heading="Server"
            />
          </form>
        ) : (
          <YamlEditor
            text={text}
            onChange={setText}
            isReadOnly={guard.disabled}
            label="LiveKit’s settings as YAML"
            schema={schema}
          />
        )}
        {findings.length > 0 ? (
          <Notice tone="danger" title="The settings can’t be saved">
            <ul>
              {findings.map(({ line, message }) => (
                <li key={`${line} ${message}`}>
                  {line === null ? '' : `Line ${line}: `}
                  {message}
                </li>
              ))}
            </ul>
          </Notice>
        ) : null}
        {isBehind ? (
          <Notice
            tone="warn"
            title="LiveKit’s settings were changed elsewhere since you began this draft"
            action={
              <Button size="xs" onClick={() => setMerging(true)}>
                Bring together
              </Button>
            }
          >
            <p>Your draft is kept. Resolve the conflict, then save it.</p>
          </Notice>
        ) : null}
        {isChanged ? (
          <>
            <DiffView before={base.yaml} after={text} labels={['Saved', 'Your change']} />
            {settings.targets.length > 0 ? (
              <Radio.Group
                label="LiveKit reads its configuration when it starts"
                value={rollOut}
                onChange={(value) => setRollOut(value as RollOut)}
              >
                <Radio value="drain" label="Restart it when its last room has ended" />
                <Radio value="next-start" label="Wait for its next start" />
              </Radio.Group>
            ) : null}
            {put.error ? <Problem error={put.error} title="The settings were not saved." /> : null}
            <div className="row">
              <Button
                variant="filled"
                {...guard}
                disabled={guard.disabled || isBehind || findings.length > 0}
                loading={put.isPending}
                onClick={save}
              >
                Save settings
              </Button>
              <Button onClick={discard}>Discard change</Button>
            </div>
          </>
        ) : null}
      </div>
    </Panel>
  );
}

function Targets({ settings: { targets, revision } }: { settings: LiveKitOwnSettings }) {
  const columns: readonly Column<LiveKitOwnSettings['targets'][number]>[] = [
    { id: 'name', header: 'Server', isName: true, width: 'minmax(140px, 1fr)', cell: ({ name }) => name },
    {
      id: 'runs',
      header: 'Runs with',
      width: 'minmax(120px, 1fr)',
      cell: ({ runs }) => (runs === null ? 'not running' : runs === 0 ? 'the defaults' : `revision ${runs}`),
    },
    {
      id: 'state',
      header: 'State',
      width: 'minmax(180px, 2fr)',
      cell: ({ runs, isPending, problem }) =>
        problem !== null ? (
          <State tone="danger">{problem}</State>
        ) : isPending ? (
          <State tone="warn">changes at its next start</State>
        ) : runs === null ? (
          <State tone="muted">starts with revision {revision}</State>
        ) : (
          <State tone="ok">up to date</State>
        ),
    },
  ];
  return (
    <TablePanel>
      <DataTable
        name="livekit-targets"
        label="Servers"
        columns={columns}
        rows={targets}
        rowKey={({ name }) => name}
        maxHeight={240}
      />
    </TablePanel>
  );
}

const KEY_WORDS: Readonly<Record<LiveKitOwnSettings['keys'], string>> = {
  one: 'LiveKit has one key. A new one is added first, so no room ends.',
  adding: 'A new key was made. The daemon uses it when every LiveKit was started with it.',
  both: 'The daemon uses the new key. Join tokens with the old key work until you remove it.',
};

function Keys({ settings: { keys, keysWaitFor, oldKeyNeededUntil } }: { settings: LiveKitOwnSettings }) {
  const rotate = useChange(rotateLiveKitKeys, { refreshes: REFRESHES });
  const retire = useChange(retireLiveKitKey, { refreshes: REFRESHES });
  const guards = { rotate: useGuard(rotateLiveKitKeys), retire: useGuard(retireLiveKitKey) };
  const body = { body: { rollOut: 'drain' as const } };
  return (
    <Panel title="Keys">
      <p className="dim">
        {KEY_WORDS[keys]}
        {keysWaitFor.length > 0 ? ` Not there yet: ${keysWaitFor.join(', ')}.` : ''}
        {oldKeyNeededUntil === null ? null : (
          <>
            {' '}
            The last of them ends on <At at={oldKeyNeededUntil} />.
          </>
        )}
      </p>
      {keys === 'one' ? (
        <Button
          size="xs"
          {...guards.rotate}
          onClick={() =>
            ask({
              title: 'Rotate keys',
              body: <p>LiveKit restarts with a new key beside the old one when its last room has ended.</p>,
              action: 'Rotate keys',
              run: () => rotate.mutateAsync(body),
            })
          }
        >
          Rotate keys
        </Button>
      ) : null}
      {keys === 'both' ? (
        <Button
          size="xs"
          {...guards.retire}
          onClick={() =>
            ask({
              title: 'Remove old key',
              body: <p>Join tokens that were made with the old key stop working when LiveKit restarts.</p>,
              action: 'Remove old key',
              isDangerous: true,
              run: () => retire.mutateAsync(body),
            })
          }
        >
          Remove old key
        </Button>
      ) : null}
    </Panel>
  );
}

function Revisions({ settings: { revisions, revision: newest } }: { settings: LiveKitOwnSettings }) {
  const restore = useChange(restoreLiveKitSettings, { refreshes: REFRESHES });
  const guard = useGuard(restoreLiveKitSettings);
  const before = revisions[0]?.text ?? '';
  const columns: readonly Column<LivekitRevision>[] = [
    { id: 'revision', header: 'Revision', isName: true, width: '90px', cell: ({ revision }) => revision },
    { id: 'at', header: 'Saved', width: '120px', cell: ({ changedAt }) => <Ago at={changedAt} /> },
    { id: 'by', header: 'By', width: 'minmax(120px, 1fr)', cell: ({ changedBy }) => changedBy },
    {
      id: 'restore',
      header: '',
      width: '110px',
      cell: ({ revision, text }) =>
        revision === newest ? (
          <span className="dim">newest</span>
        ) : (
          <Button
            size="compact-sm"
            variant="subtle"
            {...guard}
            aria-label={`Restore revision ${revision}`}
            onClick={() =>
              ask({
                title: `Restore revision ${revision}`,
                body: (
                  <>
                    <p>It is saved as the newest revision. LiveKit restarts when its last room has ended.</p>
                    <DiffView before={before} after={text} labels={['Newest', `Revision ${revision}`]} />
                  </>
                ),
                action: 'Restore revision',
                run: () => restore.mutateAsync({ body: { revision, rollOut: 'drain' } }),
              })
            }
          >
            Restore
          </Button>
        ),
    },
  ];
  return (
    <TablePanel>
      <DataTable
        name="livekit-revisions"
        label="Revisions"
        columns={columns}
        rows={revisions}
        rowKey={({ revision }) => String(revision)}
        maxHeight={320}
      />
    </TablePanel>
  );
}
