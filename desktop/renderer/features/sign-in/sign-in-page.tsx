import { Button } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import type { Connection } from '#shared/ipc/connections.ts';
import { bridge } from '../../host/host.ts';
import { Notice } from '../../ui/feedback/problem.tsx';
import classes from './sign-in.module.css';
import { SignInForm } from './sign-in-form.tsx';

/** A separate page around a form, before anyone is signed in. */
export function SignInLayout({ title, note, children }: { title: string; note: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · StreamHub`;
  }, [title]);
  return (
    <main className={classes.screen}>
      <div className={classes.card}>
        <div className={classes.brand}>
          <img src="/icon.svg" alt="" />
          <div>
            <h1>{title}</h1>
            <p>{note}</p>
          </div>
        </div>
        <div className={classes.panel}>{children}</div>
      </div>
    </main>
  );
}

/** The first page of the web console. */
export function SignInPage({ connection }: { connection: Connection }) {
  return (
    <SignInLayout
      title="Sign in to StreamHub"
      note={`${connection.name}${connection.state.version ? `, version ${connection.state.version}` : ''}`}
    >
      <SignInHere connection={connection} />
    </SignInLayout>
  );
}

/** The form, or why there is nothing to sign in to. */
export function SignInHere({ connection, onDone }: { connection: Connection; onDone?: () => void }) {
  const { status, error } = connection.state;
  if (status === 'offline') {
    return (
      <Notice tone="danger" title={error?.message ?? 'Server unreachable.'} role="alert">
        <p>StreamHub tries again by itself.</p>
        <div className="row" style={{ marginTop: 8 }}>
          <Button size="xs" onClick={() => void bridge().retry(connection.id)}>
            Try now
          </Button>
        </div>
      </Notice>
    );
  }
  return (
    <div className="stack">
      {error && status === 'signed-out' ? <Notice tone="warn" title={error.message} /> : null}
      <SignInForm connection={connection} {...(onDone ? { onDone } : {})} />
    </div>
  );
}
