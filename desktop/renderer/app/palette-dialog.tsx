import '@mantine/spotlight/styles.layer.css';
import { useMantineColorScheme } from '@mantine/core';
import { createSpotlight, Spotlight, type SpotlightActionGroupData } from '@mantine/spotlight';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { keyOf, queryClient } from '../api/query.ts';
import { signOut } from '../api/session.ts';
import { useConnections } from '../daemon/connections.ts';
import { documentationOf, useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { useGo } from '../daemon/links.tsx';
import type { PaletteContext } from '../features/feature.ts';
import { bridge } from '../host/host.ts';
import { useOverlay } from '../ui/layout/overlays.ts';
import { type Command, closePalette, pageCommands, usePalette } from '../ui/palette/palette-store.ts';
import { features, sections } from './features.ts';
import { showHelp } from './keyboard.tsx';
import classes from './palette-dialog.module.css';

const [store, handle] = createSpotlight();

/** Everything one can go to or do, by its name. */
export default function PaletteDialog() {
  const isOpen = usePalette((state) => state.isOpen);
  const commands = useEverything(isOpen);
  const [query, setQuery] = useState('');
  const navigate = useNavigate();
  const text = query.trim();
  /** On a desktop, a room, person or app is looked for on every daemon. */
  const elsewhere: Command[] =
    bridge().host === 'desktop' && text !== ''
      ? [
          {
            id: 'search-all',
            group: 'Daemons',
            label: `Find “${text}” on all daemons`,
            run: () => void navigate({ to: '/', search: { q: text } as never }),
          },
        ]
      : [];
  useEffect(() => {
    if (isOpen) handle.open();
    else handle.close();
  }, [isOpen]);
  useOverlay(isOpen, closePalette);
  return (
    <Spotlight
      closeOnEscape={false}
      store={store}
      actions={grouped([...rank(commands, query), ...elsewhere])}
      filter={(_query, actions) => actions}
      query={query}
      onQueryChange={setQuery}
      onSpotlightClose={() => {
        setQuery('');
        closePalette();
      }}
      shortcut={null}
      overlayProps={{ blur: 0, backgroundOpacity: 0.35 }}
      nothingFound={`Nothing is called “${query}”.`}
      scrollable
      attributes={{ content: { 'aria-label': 'Search or run a command' } }}
      classNames={{ action: classes.action, actionSection: classes.section, actionsGroup: classes.group }}
      maxHeight={420}
      size={560}
      searchProps={{
        placeholder: 'Search apps, nodes and pages, or run a command',
        'aria-label': 'Search or run a command',
      }}
    />
  );
}

function useEverything(isOpen: boolean): Command[] {
  const daemon = useMaybeDaemon();
  const go = useGo();
  const navigate = useNavigate();
  const { list } = useConnections();
  const { setColorScheme } = useMantineColorScheme();
  if (!isOpen) return [];
  const commands: Command[] = [...pageCommands()];
  if (daemon) {
    for (const { id, label, path, key } of sections) {
      commands.push({ id: `go-${id}`, group: 'Pages', label, keys: `g ${key}`, run: () => go(path) });
    }
    const known: PaletteContext['known'] = (op) => queryClient.getQueryData(keyOf(daemon.id, op));
    for (const { palette } of features) commands.push(...(palette?.({ go, known }) ?? []));
    commands.push({
      id: 'documentation',
      group: 'Actions',
      label: 'Open the documentation',
      keywords: 'help guide manual',
      run: () => void window.open(documentationOf(daemon.connection), '_blank', 'noopener'),
    });
    commands.push({
      id: 'sign-out',
      group: 'Actions',
      label: `Sign out of ${daemon.connection.name}`,
      run: () => void signOut(daemon.id),
    });
  }
  if (bridge().host === 'desktop') {
    commands.push({ id: 'all', group: 'Daemons', label: 'All daemons', run: () => void navigate({ to: '/' }) });
    for (const { id, name, url } of list) {
      commands.push({
        id: `daemon-${id}`,
        group: 'Daemons',
        label: name,
        hint: url,
        run: () => void navigate({ to: `/d/${id}` as '/' }),
      });
    }
  }
  commands.push(
    { id: 'light', group: 'Actions', label: 'Use the light theme', run: () => setColorScheme('light') },
    { id: 'dark', group: 'Actions', label: 'Use the dark theme', run: () => setColorScheme('dark') },
    { id: 'keys', group: 'Actions', label: 'Show keyboard shortcuts', keys: '?', run: showHelp },
  );
  return commands;
}

/** Those whose words begin with what was typed come first; all typed words must occur. */
function rank(commands: readonly Command[], query: string): readonly Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0)
    return commands.filter(({ group }) => group !== 'Nodes' && group !== 'Parts of apps').slice(0, 40);
  const scored = commands.flatMap((command) => {
    const text = `${command.label} ${command.keywords ?? ''} ${command.group}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return [];
    const label = command.label.toLowerCase();
    const score = label.startsWith(words[0] ?? '') ? 0 : label.includes(words[0] ?? '') ? 1 : 2;
    return [{ command, score: score * 1000 + label.length }];
  });
  return scored
    .toSorted((a, b) => a.score - b.score)
    .slice(0, 40)
    .map(({ command }) => command);
}

function grouped(commands: readonly Command[]): SpotlightActionGroupData[] {
  const groups = new Map<string, SpotlightActionGroupData>();
  for (const { id, label, group, hint, keys, run } of commands) {
    const entry = groups.get(group) ?? { group, actions: [] };
    groups.set(group, entry);
    entry.actions.push({
      id,
      label,
      onClick: run,
      rightSection: keys ? <kbd className="dim">{keys}</kbd> : hint ? <span className="dim">{hint}</span> : undefined,
    });
  }
  return [...groups.values()];
}
