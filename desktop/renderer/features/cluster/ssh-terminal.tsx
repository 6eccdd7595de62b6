import '@xterm/xterm/css/xterm.css';
import { Button, TextInput } from '@mantine/core';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef, useState } from 'react';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { Problem } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import classes from './cluster.module.css';

/** Signs in to the new machine by ssh; the command is typed in with one button, and runs when the person presses Enter. */
export function SshTerminal({ command }: { command: string }) {
  const [target, setTarget] = useState<{ user?: string; host: string; port?: number }>();
  const form = useApiForm({
    initialValues: { host: '' },
    send: async ({ host }) => {
      const match = /^(?:ssh\s+)?(?:([^@\s]+)@)?(\[[^\]]+\]|[^:\s]+)(?::(\d+))?$/.exec(host.trim());
      if (match?.[2])
        setTarget({
          host: match[2],
          ...(match[1] ? { user: match[1] } : {}),
          ...(match[3] ? { port: Number(match[3]) } : {}),
        });
    },
  });
  if (target === undefined) {
    return (
      <Form form={form} className="row" style={{ alignItems: 'flex-end' }} hasActions={false}>
        <TextInput
          className="grow"
          label="Machine"
          placeholder="root@203.0.113.7"
          {...form.getInputProps('host')}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mono)' } }}
        />
        <Button type="submit" disabled={form.values.host.trim() === ''}>
          Connect
        </Button>
      </Form>
    );
  }
  return <Session target={target} command={command} onEnd={() => setTarget(undefined)} />;
}

function Session({
  target,
  command,
  onEnd,
}: {
  target: { user?: string; host: string; port?: number };
  command: string;
  onEnd: () => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const write = useRef<(text: string) => void>(undefined);
  const [error, setError] = useState<unknown>();
  const [exit, setExit] = useState<number>();
  useEffect(() => {
    const native = bridge().desktop?.terminal;
    if (native === undefined) return;
    const terminal = new Terminal({
      fontFamily: 'JetBrains Mono Variable, monospace',
      fontSize: 12.5,
      theme: { background: '#0b0e11' },
      screenReaderMode: true,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(place.current as HTMLElement);
    fit.fit();
    let id: string | undefined;
    const ends = [
      native.onData((push) => {
        if (push.terminalId !== id) return;
        terminal.write(push.data, () => void native.ack({ terminalId: push.terminalId, characters: push.data.length }));
      }),
      native.onExit((push) => {
        if (push.terminalId === id) setExit(push.exitCode);
      }),
    ];
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(place.current as HTMLElement);
    native
      .open({ columns: terminal.cols, rows: terminal.rows, command: { kind: 'ssh', ...target } })
      .then((outcome) => {
        try {
          id = opened(outcome).terminalId;
        } catch (failure) {
          setError(failure);
          return;
        }
        const terminalId = id;
        write.current = (data) => void native.write({ terminalId, data });
        terminal.onData((data) => void native.write({ terminalId, data }));
        terminal.onResize(({ cols, rows }) => void native.resize({ terminalId, columns: cols, rows }));
        terminal.focus();
      }, setError);
    return () => {
      observer.disconnect();
      for (const end of ends) end();
      if (id !== undefined) void native.close({ terminalId: id });
      terminal.dispose();
    };
  }, [target]);
  if (error) return <Problem error={error} title="No terminal could be opened." onRetry={onEnd} />;
  return (
    <div className="stack" style={{ gap: 8 }}>
      <div ref={place} className={classes.terminal} />
      <div className="row">
        <Button size="xs" disabled={exit !== undefined} onClick={() => write.current?.(command)}>
          Paste the command
        </Button>
        <span className="dim grow">
          {exit === undefined ? 'It runs when you press Enter.' : `The session has ended (${exit}).`}
        </span>
        {exit === undefined ? null : (
          <Button size="xs" onClick={onEnd}>
            Connect again
          </Button>
        )}
      </div>
    </div>
  );
}
