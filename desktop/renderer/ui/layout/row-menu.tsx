import { ActionIcon, Menu } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';

/**
 * The menu at the end of a row, with `Menu.Item`s as children. Until it is first opened it is its button only: a menu for each
 * row of a long list would cost more than the rest of the row.
 */
export function RowMenu({ label, children }: { label: string; children: ReactNode }) {
  const [wasOpened, setWasOpened] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const button = (
    <ActionIcon
      size="xs"
      aria-label={label}
      aria-haspopup="menu"
      aria-expanded={isOpen}
      {...(wasOpened
        ? {}
        : {
            onClick: () => {
              setWasOpened(true);
              setOpen(true);
            },
          })}
    >
      <IconDots size={16} />
    </ActionIcon>
  );
  if (!wasOpened) return button;
  return (
    <Menu opened={isOpen} onChange={setOpen}>
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
