import { Button, Modal, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { create } from 'zustand';
import classes from './confirm.module.css';
import { Problem } from './problem.tsx';

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

const useQuestion = create<{ question: Question | undefined; serial: number }>(() => ({
  question: undefined,
  serial: 0,
}));

/** Shows the effect of an action, then runs it; a failure is told in the same place. */
export function ask(question: Question): void {
  useQuestion.setState(({ serial }) => ({ question, serial: serial + 1 }));
}

const close = (): void => useQuestion.setState({ question: undefined });

/** Where the questions appear; once in the frame. */
export function ConfirmHost() {
  const { question, serial } = useQuestion();
  // above the side panel that it is asked from
  return (
    <Modal opened={question !== undefined} onClose={close} title={question?.title} size={480} zIndex={300}>
      {question ? <Ask key={serial} question={question} /> : null}
    </Modal>
  );
}

function Ask({ question }: { question: Question }) {
  const { action, body, isDangerous = false, typeName, run } = question;
  const [typed, setTyped] = useState('');
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (): Promise<void> => {
    setRunning(true);
    setError(undefined);
    try {
      await run();
      close();
    } catch (failure) {
      setError(failure);
      setRunning(false);
    }
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div className={classes.body}>{body}</div>
      {typeName === undefined ? null : (
        <TextInput
          data-autofocus
          label={
            <>
              Type <code>{typeName}</code> to go on
            </>
          }
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
      )}
      {error === undefined ? null : <Problem error={error} />}
      <div className={classes.buttons}>
        <Button onClick={close} data-autofocus={typeName === undefined || undefined}>
          Cancel
        </Button>
        <Button
          type="submit"
          variant="filled"
          color={isDangerous ? 'danger' : 'accent'}
          loading={isRunning}
          disabled={typeName !== undefined && typed !== typeName}
        >
          {action}
        </Button>
      </div>
    </form>
  );
}
