import { getDeliveryPlan } from '#shared/contract/delivery.ts';
import { useRead } from '../../api/query.ts';
import { GoTo } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import classes from './delivery.module.css';

/** What the config makes of the app's streams, in sentences. */
export function DeliveryTab({ app }: { app: string }) {
  const delivery = useRead(getDeliveryPlan, { params: { name: app } });
  return (
    <QueryView query={delivery} what="the delivery plan">
      {({ summary, notices }) => (
        <div className={`stack ${classes.plan}`}>
          {notices.map(({ code, key, message }) => (
            <Notice
              key={code}
              tone="warn"
              title={message}
              action={
                key.startsWith('s3.') ? (
                  <GoTo to={`/apps/${app}/storage`}>Test storage</GoTo>
                ) : (
                  <GoTo to={`/apps/${app}/config`}>Change {key}</GoTo>
                )
              }
            />
          ))}
          <ul>
            {summary.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
          <p className="dim">
            The plan follows the app’s config. <GoTo to={`/apps/${app}/presets`}>Choose a preset</GoTo> or{' '}
            <GoTo to={`/apps/${app}/config`}>edit the config</GoTo>.
          </p>
        </div>
      )}
    </QueryView>
  );
}
