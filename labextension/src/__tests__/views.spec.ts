/** What only a real document shows of the views: focus, what is typed meanwhile, keys that are held. */

import { PromiseDelegate } from '@lumino/coreutils';

import type { IActions, IAnswer } from 'sparkk8s-views/actions.js';
import { FleetView } from 'sparkk8s-views/fleet.js';
import { ProgressView } from 'sparkk8s-views/progress.js';
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

interface IRun {
  cell: object | null;
  state: string;
}

/** A cell's progress; `change` is what of the golden one is other. */
function jobs(change: Partial<IRun> = {}): object {
  const frame = keyframe('progress.json') as IFrame & { progress: IRun };
  return { ...frame, progress: { ...frame.progress, ...change } };
}

const OTHER = { tag: 't-2', id: 'c-8', execution_count: 8 };
const CANCEL = 'Cancel the Spark jobs of this cell';

function progress(actions: Partial<IActions> = {}): ProgressView {
  const view = new ProgressView(place, actions as IActions);
  view.show(jobs());
  return view;
}

/** The button of that text that can be seen. */
function named(text: string): HTMLButtonElement {
  const found = [...place.querySelectorAll('button')].find(
    one => one.textContent === text && one.closest('[hidden]') === null
  );
  if (!found) throw new Error(`no button ${text}`);
  return found;
}

function outcome(): string | null {
  return place.querySelector('.sk8s-outcome')?.textContent ?? null;
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

it('asks nothing that it would not do: what was asked before waits for its answer', () => {
  const stop = jest.fn(() => new Promise<IAnswer>(() => undefined));
  fleet({ stop });
  labelled('Stop the Spark session').click();
  named('Stop').click();
  expect(stop).toHaveBeenCalledTimes(1);
  labelled('Stop the Spark session').click();
  expect(place.querySelector<HTMLElement>('.sk8s-question')?.hidden).toBe(true);
});

it('leaves who was answering a question that is taken back at its button, or beside it', () => {
  const view = progress();
  labelled(CANCEL).click();
  expect(document.activeElement?.textContent).toBe('Cancel the jobs');
  view.show(jobs({ cell: OTHER }));
  expect(document.activeElement).toBe(labelled(CANCEL));
  labelled(CANCEL).click();
  view.show(jobs({ cell: OTHER, state: 'SUCCEEDED' }));
  expect(document.activeElement?.getAttribute('aria-label')).toBe('Show the jobs of this cell');
});

it('leaves who has cancelled beside the button when the cell ends', async () => {
  const view = progress({ cancel: () => Promise.resolve({ said: 'Cancelled 1 job.' }) });
  labelled(CANCEL).click();
  named('Cancel the jobs').click();
  await turns();
  expect(document.activeElement).toBe(labelled(CANCEL));
  view.show(jobs({ state: 'FAILED' }));
  expect(document.activeElement?.getAttribute('aria-label')).toBe('Show the jobs of this cell');
});

it('takes no focus from elsewhere with a question that is taken back', () => {
  const elsewhere = button('elsewhere', '', () => undefined);
  const view = progress();
  place.append(elsewhere);
  labelled(CANCEL).click();
  elsewhere.focus();
  view.show(jobs({ cell: OTHER }));
  expect(document.activeElement).toBe(elsewhere);
});

it('tells what cancelling one cell came to under that cell alone, and cancels the next meanwhile, once', async () => {
  const first = new PromiseDelegate<IAnswer>();
  const second = new PromiseDelegate<IAnswer>();
  const cancel = jest.fn().mockReturnValueOnce(first.promise).mockReturnValueOnce(second.promise);
  const view = progress({ cancel });
  const press = (): void => {
    labelled(CANCEL).click();
    if (place.querySelector<HTMLElement>('.sk8s-question')?.hidden) return;
    named('Cancel the jobs').click();
  };
  press();
  expect(outcome()).toBe('…');
  view.show(jobs({ cell: OTHER }));
  expect(outcome()).toBe('');
  press();
  expect(cancel).toHaveBeenLastCalledWith(OTHER, expect.anything());
  first.resolve({ said: 'Cancelled 1 job of the first.' });
  await turns();
  expect(outcome()).toBe('…');
  press();
  expect(cancel).toHaveBeenCalledTimes(2);
  second.resolve({ said: 'Cancelled 1 job of the second.' });
  await turns();
  expect(outcome()).toBe('Cancelled 1 job of the second.');
});

it('keeps an executor open whose row is not sent', () => {
  const view = fleet();
  labelled('Executors as a grid').click();
  const canvas = place.querySelector('canvas') as HTMLCanvasElement;
  for (const key of ['ArrowRight', 'Enter']) canvas.dispatchEvent(new KeyboardEvent('keydown', { key }));
  const detail = place.querySelector('.sk8s-detail') as HTMLElement;
  expect(detail.closest('.sk8s-grid')).toBeNull();
  view.show(changed(all => all.slice(1)));
  labelled('Last lines of its log').focus();
  view.show(changed(all => all.slice(1).map(one => ({ ...one, done: 999 }))));
  expect(detail.isConnected).toBe(true);
  expect(document.activeElement).toBe(labelled('Last lines of its log'));
});

it('reads aloud where the arrow keys go, and not what the mouse passes over', () => {
  fleet();
  labelled('Executors as a grid').click();
  const canvas = place.querySelector('canvas') as HTMLCanvasElement;
  const caption = place.querySelector('.sk8s-grid [role=status]') as HTMLElement;
  canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
  expect(caption.getAttribute('aria-live')).toBe('polite');
  const over = new MouseEvent('mousemove');
  Object.defineProperties(over, { offsetX: { value: 20 }, offsetY: { value: 3 } });
  canvas.dispatchEvent(over);
  expect([caption.textContent !== '', caption.getAttribute('aria-live')]).toEqual([true, 'off']);
});

it('shows where a log is waited for, does not take it for empty, and shows it however late it comes', async () => {
  const busy = { said: 'The kernel is busy.' };
  let tell: (answer: IAnswer) => void = () => undefined;
  fleet({
    log: (_, heard = () => undefined) => {
      tell = heard;
      return Promise.resolve(busy);
    }
  });
  labelled('Executor 2: all that is known, and its log').click();
  await turns();
  const state = place.querySelector('.sk8s-loghead [role=status]');
  expect(state?.textContent).toBe('The kernel is busy.');
  tell({ lines: ['one', 'two'] });
  expect([state?.textContent, labelled('Last lines of its log').textContent]).toEqual(['2 lines', 'one\ntwo']);
});

it('turns the pages of many executors with buttons that stay where they are at the first and the last', () => {
  const view = fleet();
  const many = Array.from({ length: 120 }, (_, at) => ({ id: String(at + 1) }));
  view.show(changed(([first]) => many.map(({ id }) => ({ ...(first as IExecutor), id }))));
  labelled('Executors as rows').click();
  const [before, after] = [labelled('Executors before these'), labelled('Executors after these')];
  const usable = (): boolean[] => [before, after].map(one => one.getAttribute('aria-disabled') !== 'true');
  expect(usable()).toEqual([false, true]);
  after.focus();
  for (let page = 0; page < 20 && usable()[1]; page++) after.click();
  expect(usable()).toEqual([true, false]);
  const last = place.querySelectorAll('tbody tr').length;
  after.click();
  expect([place.querySelectorAll('tbody tr').length, document.activeElement]).toEqual([last, after]);
});
