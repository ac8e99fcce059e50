/** What only a real document shows of the views: focus, what is typed meanwhile, keys that are held. */

import { PromiseDelegate } from '@lumino/coreutils';

import type { IActions, IAnswer } from 'sparkk8s-views/actions.js';
import { FleetView } from 'sparkk8s-views/fleet.js';
import { arrange, button } from 'sparkk8s-views/shared.js';
import type { IFrame } from '../wire';
import { turns } from './fakes';
import { keyframe } from './golden';

interface IExecutor {
  id: string;
  phase: string;
  done: number;
}

/** The golden fleet with other executors. */
function changed(change: (executors: IExecutor[]) => IExecutor[]): object {
  const frame = keyframe('fleet.json') as IFrame & { fleet: { executors?: IExecutor[] } };
  return { ...frame, fleet: { ...frame.fleet, executors: change(frame.fleet.executors ?? []) } };
}

let place: HTMLElement;

beforeEach(() => {
  place = document.createElement('div');
  document.body.append(place);
});

afterEach(() => {
  place.remove();
});

function labelled(label: string): HTMLElement {
  return place.querySelector(`[aria-label="${label}"]`) as HTMLElement;
}

function fleet(actions: Partial<IActions> = {}): FleetView {
  const view = new FleetView(place, { log: () => new Promise(() => undefined), ...actions } as unknown as IActions);
  view.show(keyframe('fleet.json'));
  return view;
}

it('moves the one that went back, not all those before which it stood: they keep the focus', () => {
  const named = (text: string): HTMLButtonElement => button(text, '', () => undefined);
  const [one, two, three] = [named('1'), named('2'), named('3')];
  arrange(place, [one, two, three]);
  two.focus();
  arrange(place, [two, three, one]);
  expect([...place.children].map(({ textContent }) => textContent)).toEqual(['2', '3', '1']);
  expect(document.activeElement).toBe(two);
});

it.each([
  [
    [0, 1, 2, 3],
    [3, 2, 1, 0]
  ],
  [
    [0, 1, 2, 3],
    [1, 0, 3, 2]
  ],
  [
    [0, 1, 2, 3],
    [2, 3, 0, 1]
  ],
  [
    [0, 1, 2, 3],
    [1, 4]
  ],
  [
    [0, 1],
    [3, 0, 2, 1]
  ]
])('puts %j into the order %j', (before, after) => {
  const known = [0, 1, 2, 3, 4].map(number => button(String(number), '', () => undefined));
  for (const order of [before, after]) arrange(place, order.map(number => known[number] as HTMLElement));
  expect(place.textContent).toBe(after.join(''));
});

it('leaves an open executor where it is when something of it changes', () => {
  const view = fleet();
  labelled('Executor 2: all that is known, and its log').click();
  labelled('Last lines of its log').focus();
  view.show(changed(all => all.map(one => ({ ...one, done: 999 }))));
  expect(document.activeElement).toBe(labelled('Last lines of its log'));
});

it('keeps what is typed while the kernel scales to the number before', async () => {
  const answered = new PromiseDelegate<IAnswer>();
  const scale = jest.fn(() => answered.promise);
  fleet({ scale });
  const wish = labelled('Executors to ask for') as HTMLInputElement;
  const type = (text: string): void => {
    wish.value = text;
    wish.dispatchEvent(new Event('input'));
  };
  type('4');
  labelled('Scale to that many executors').click();
  type('6');
  labelled('Scale to that many executors').click();
  expect(scale).toHaveBeenCalledTimes(1);
  answered.resolve({ said: 'Scaling.' });
  await turns();
  expect(wish.value).toBe('6');
  labelled('Scale to that many executors').click();
  expect(scale).toHaveBeenLastCalledWith(6, expect.anything());
});

it('leaves the focus on a button that cannot be pressed for now', () => {
  fleet({ scale: () => new Promise(() => undefined) });
  labelled('One executor more').click();
  const apply = labelled('Scale to that many executors');
  apply.focus();
  apply.click();
  expect(apply.getAttribute('aria-disabled')).toBe('true');
  expect(document.activeElement).toBe(apply);
});

it('takes a key that is held on Stop for no answer to its question', () => {
  fleet();
  labelled('Stop the Spark session').click();
  const yes = document.activeElement as HTMLElement;
  const held = new KeyboardEvent('keydown', { key: 'Enter', repeat: true, cancelable: true });
  yes.dispatchEvent(held);
  expect(held.defaultPrevented).toBe(true);
  const pressed = new KeyboardEvent('keydown', { key: 'Enter', cancelable: true });
  yes.dispatchEvent(pressed);
  expect(pressed.defaultPrevented).toBe(false);
});

it('keeps the cursor of the grid at its executor when the one before it ends', () => {
  const view = fleet();
  labelled('Executors as a grid').click();
  const canvas = place.querySelector('canvas') as HTMLCanvasElement;
  const caption = (): string | null => place.querySelector('.sk8s-grid [role=status]')?.textContent ?? null;
  const key = (name: string): boolean => canvas.dispatchEvent(new KeyboardEvent('keydown', { key: name }));
  for (let step = 0; step < 5; step++) key('ArrowRight');
  const [id] = /\d+/.exec(caption() ?? '') ?? [];
  view.show(changed(all => all.filter(one => one.id === id).map(one => ({ ...one, phase: 'failed' }))));
  expect(caption()).toBe(`executor ${id}: failed`);
});
