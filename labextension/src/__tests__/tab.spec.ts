/** A tab keeps its id over a reload, and numbers its openings upwards. */

import { thisTab } from '../tab';

/** The page as it is after it was come to in that way. */
function page(type: NavigationTimingType): ReturnType<typeof thisTab> {
  Object.defineProperty(performance, 'getEntriesByType', { configurable: true, value: () => [{ type }] });
  return thisTab();
}

beforeEach(() => {
  sessionStorage.clear();
});

it('is the same after a reload, and its numbers go on', () => {
  const before = page('navigate');
  expect([before.opening(), before.opening()]).toEqual([1, 2]);
  const after = page('reload');
  expect([after.id, after.opening()]).toEqual([before.id, 3]);
});

it('is another one where the browser made it as a copy, with what the first had stored', () => {
  const first = page('navigate');
  first.opening();
  const copy = page('navigate');
  expect(copy.id).not.toBe(first.id);
  expect(copy.opening()).toBeGreaterThan(1);
});
