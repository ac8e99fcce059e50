/** This tab of the browser, as kernels know it. */

import { UUID } from '@lumino/coreutils';

import { NAMESPACE } from './tokens';

export interface ITab {
  /** The same before and after a reload: the kernel then forgets the line from before. */
  readonly id: string;
  /** The number of one more opening, greater than all before it, those before a reload too. */
  opening(): number;
}

/** The tab that this page is in; one that was opened as a copy of another has an id of its own. */
export function thisTab(): ITab {
  const [idKey, countKey] = [`${NAMESPACE}:tab`, `${NAMESPACE}:openings`];
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  const known = navigation?.type === 'reload' ? sessionStorage.getItem(idKey) : null;
  const id = known ?? UUID.uuid4();
  sessionStorage.setItem(idKey, id);
  return {
    id,
    opening: () => {
      const next = Number(sessionStorage.getItem(countKey) ?? 0) + 1;
      sessionStorage.setItem(countKey, String(next));
      return next;
    }
  };
}
