import { ActionIcon, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { bridge } from '../../host/host.ts';
import { useSideScroll } from '../layout/side-scroll.ts';
import classes from './copy.module.css';

/** Puts the text on the clipboard and says so for a moment. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState<'yes' | 'no' | undefined>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copy = async (): Promise<void> => {
    clearTimeout(timer.current);
    try {
      await bridge().copyText(text);
      setDone('yes');
    } catch {
      setDone('no');
    }
    timer.current = setTimeout(() => setDone(undefined), 1500);
  };
  const label = done === 'yes' ? 'Copied' : done === 'no' ? 'Copying failed' : `Copy ${what}`;
  return (
    <Tooltip label={label} opened={done === undefined ? undefined : true}>
      <ActionIcon size="xs" aria-label={`Copy ${what}`} onClick={copy}>
        {done === 'yes' ? <IconCheck size={14} /> : <IconCopy size={14} />}
      </ActionIcon>
    </Tooltip>
  );
}

/** An id, key or path: monospace, cut in the middle of the line if need be, with a copy button. */
export function Mono({ children, what, copy = true }: { children: string; what: string; copy?: boolean }) {
  return (
    <span className={classes.mono}>
      <code title={children}>{children}</code>
      {copy ? <Copy text={children} what={what} /> : null}
    </span>
  );
}

/** A command or a secret to take away: a box with its own copy button. */
export function CopyBox({ text, what, wrap = true }: { text: string; what: string; wrap?: boolean }) {
  const box = useSideScroll<HTMLElement>();
  return (
    <div className={classes.box}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <section ref={box} aria-label={what} className={classes.text} tabIndex={0}>
        <pre data-wrap={wrap || undefined}>{text}</pre>
      </section>
      <Copy text={text} what={what} />
    </div>
  );
}
