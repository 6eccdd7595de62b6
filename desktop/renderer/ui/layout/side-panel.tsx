import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';
import { useOverlay } from './overlays.ts';
import classes from './side-panel.module.css';

/** A form or the details of a row, beside the list that it belongs to. */
export function SidePanel({
  isOpen,
  onClose,
  title,
  children,
  footer,
  size = 460,
}: {
  isOpen: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
  /** Buttons that stay in sight. */
  footer?: ReactNode;
  size?: number;
}) {
  useOverlay(isOpen, onClose);
  return (
    <Drawer
      closeOnEscape={false}
      opened={isOpen}
      onClose={onClose}
      title={title}
      size={size}
      classNames={{ content: classes.content, body: classes.body, header: classes.header, title: classes.title }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and may have nothing else that takes the focus */}
      <div className={classes.scroll} tabIndex={0}>
        {children}
      </div>
      {footer ? <div className={classes.footer}>{footer}</div> : null}
    </Drawer>
  );
}
