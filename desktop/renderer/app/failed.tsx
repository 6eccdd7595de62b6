import { Button } from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { Problem } from '../ui/feedback/problem.tsx';
import { Page } from '../ui/layout/page.tsx';

/** A page that could not be drawn; the rest of the window continues working. */
export function Failed({ error, reset }: { error: Error; reset: () => void }) {
  const router = useRouter();
  return (
    <Page title="This page could not be shown" wide={false}>
      <Problem error={error} title="Something in it went wrong.">
        <div className="row" style={{ marginTop: 8 }}>
          <Button
            size="xs"
            onClick={() => {
              reset();
              void router.invalidate();
            }}
          >
            Try again
          </Button>
        </div>
      </Problem>
    </Page>
  );
}
