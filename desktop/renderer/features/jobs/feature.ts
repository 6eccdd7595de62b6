import { IconActivity } from '@tabler/icons-react';
import { getJob, listJobs } from '#shared/contract/jobs.ts';
import type { Job } from '../../api/jobs.ts';
import { counter, type Feature, screen } from '../feature.ts';

export const jobs: Feature = {
  pages: [screen('/jobs', () => import('./jobs-page.tsx'), 'JobsPage')],
  section: {
    id: 'jobs',
    label: 'Jobs',
    path: '/jobs',
    key: 'j',
    Icon: IconActivity,
    group: 'work',
    count: counter(listJobs, ({ total }) => (total > 0 ? { count: String(total) } : {}), {
      query: { state: 'active', limit: 200 },
    }),
  },
  live: {
    refreshes: { jobs: [listJobs, getJob] },
    patches: {
      'job.progress': (cache, data) => {
        const news = data['job'] as Job;
        let isKnown = false;
        cache.patch(listJobs, (page) => {
          if (!page.data.some(({ id }) => id === news.id)) return page;
          isKnown = true;
          return { ...page, data: page.data.map((job) => (job.id === news.id ? { ...job, ...news } : job)) };
        });
        cache.patch(getJob, (job) => (job.id === news.id ? { ...job, ...news } : job));
        return isKnown;
      },
    },
  },
};
