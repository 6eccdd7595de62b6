import { TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { Form, useApiForm } from '../form/form.tsx';
import classes from './confirm.module.css';
import { openDialog } from './dialog.tsx';

export interface Question {
  /** As a sentence: "Delete app live". */
  title: string;
  /** What will happen and what survives. */
  body: ReactNode;
  /** The button: verb and object. */
  action: string;
  isDangerous?: boolean;
  /** Must be typed before the button works. */
  typeName?: string;
  run: () => Promise<unknown>;
}

/** Shows the effect of an action, then runs it; a failure is shown in the same place. */
export function ask(question: Question): void {
  openDialog({ title: question.title, content: (close) => <Ask question={question} onClose={close} /> });
}

function Ask({ question, onClose }: { question: Question; onClose: () => void }) {
  const { action, body, isDangerous = false, typeName, run } = question;
  const form = useApiForm({ initialValues: { typed: '' }, send: run, onDone: onClose });
  return (
    <Form
      form={form}
      action={action}
      className={classes.form}
      onCancel={onClose}
      isCancelFocused={typeName === undefined}
      isDangerous={isDangerous}
      isDisabled={typeName !== undefined && form.values.typed !== typeName}
    >
      <div className={classes.body}>{body}</div>
      {typeName === undefined ? null : <TypeName name={typeName} {...form.getInputProps('typed')} />}
    </Form>
  );
}

/** You type the name of what is deleted before the button works. */
export function TypeName({ name, ...input }: { name: string }) {
  return (
    <TextInput
      data-autofocus
      label={
        <>
          Type <code>{name}</code> to go on
        </>
      }
      {...input}
      autoComplete="off"
      spellCheck={false}
    />
  );
}
