/** Commands act on the session that is meant, and say what came of it. */

import { CommandRegistry } from '@lumino/commands';

import type { IAnswer } from 'sparkk8s-views/actions.js';
import type { IDesk } from '../commands';
import { addCommands } from '../commands';
import type { SparkModel, SparkSession } from '../model';
import { CommandIDs } from '../tokens';
import { keyframe } from './golden';

function session(name: string): SparkSession {
  const answer = (): Promise<object> => Promise.resolve({ said: `${name}: done` });
  const actions = { scale: jest.fn(answer), cancel: jest.fn(answer), stop: jest.fn(answer) };
  return { name, actions, frame: keyframe('beside.json') } as unknown as SparkSession;
}

function desk(change: Partial<IDesk> = {}): jest.Mocked<IDesk> {
  return {
    currentPath: jest.fn(() => null),
    insertStart: jest.fn(() => true),
    openPanel: jest.fn(),
    openUi: jest.fn(),
    openNotebook: jest.fn(),
    confirm: jest.fn(() => Promise.resolve(true)),
    askNumber: jest.fn(() => Promise.resolve(4)),
    tell: jest.fn(),
    ...change
  } as jest.Mocked<IDesk>;
}

function commandsOver(sessions: SparkSession[], over: IDesk): CommandRegistry {
  const commands = new CommandRegistry();
  const model = {
    sessions,
    find: (name: string) => sessions.find(one => one.name === name) ?? null,
    ofNotebook: (path: string) => sessions.find(one => `${one.name}.ipynb` === path) ?? null
  };
  addCommands(commands, model as unknown as SparkModel, over);
  return commands;
}

it('scales the only session to what the user says', async () => {
  const [only, over] = [session('flights'), desk()];
  await commandsOver([only], over).execute(CommandIDs.scale);
  expect(only.actions.scale).toHaveBeenCalledWith(4, expect.anything());
  expect(over.tell).toHaveBeenCalledWith('flights: done', 'info');
});

it('takes the session of the current notebook', async () => {
  const [flights, trips] = [session('flights'), session('trips')];
  const over = desk({ currentPath: () => 'trips.ipynb' });
  await commandsOver([flights, trips], over).execute(CommandIDs.scale, { executors: 2 });
  expect(trips.actions.scale).toHaveBeenCalledWith(2, expect.anything());
  expect(flights.actions.scale).not.toHaveBeenCalled();
});

it('asks which session is meant rather than take one', async () => {
  const [flights, trips] = [session('flights'), session('trips')];
  const over = desk();
  await commandsOver([flights, trips], over).execute(CommandIDs.stop);
  expect(over.tell).toHaveBeenCalledWith(expect.stringContaining('several'), 'error');
  expect(over.confirm).not.toHaveBeenCalled();
});

it('stops only after a yes', async () => {
  const only = session('flights');
  await commandsOver([only], desk({ confirm: () => Promise.resolve(false) })).execute(CommandIDs.stop);
  expect(only.actions.stop).not.toHaveBeenCalled();
  await commandsOver([only], desk()).execute(CommandIDs.stop);
  expect(only.actions.stop).toHaveBeenCalledTimes(1);
});

it('cancels the running cell and no other', async () => {
  const only = session('flights');
  await commandsOver([only], desk()).execute(CommandIDs.cancel);
  expect(only.actions.cancel).toHaveBeenCalledWith({ tag: 't', execution_count: 7, id: 'c-7' }, expect.anything());
});

it('says what the kernel says is wrong', async () => {
  const [only, over] = [session('flights'), desk()];
  jest.mocked(only.actions.scale).mockResolvedValue({ problem: 'Too many.', fix: 'Ask for fewer.' });
  await commandsOver([only], over).execute(CommandIDs.scale);
  expect(over.tell).toHaveBeenCalledWith('Too many. Ask for fewer.', 'error');
});

it('says where Spark starts when there is no notebook', async () => {
  const over = desk({ insertStart: () => false });
  await commandsOver([], over).execute(CommandIDs.start);
  expect(over.tell).toHaveBeenCalledWith(expect.stringContaining('notebook'), 'error');
});

it('says what is waited for once, and what comes of it however late', async () => {
  const [only, over] = [session('flights'), desk()];
  const busy = { said: 'The kernel is busy.' };
  let tell: (answer: IAnswer) => void = () => undefined;
  jest.mocked(only.actions.stop).mockImplementation((heard = () => undefined) => {
    tell = heard;
    heard(busy);
    return Promise.resolve(busy);
  });
  await commandsOver([only], over).execute(CommandIDs.stop);
  expect(over.tell.mock.calls).toEqual([['The kernel is busy.', 'info']]);
  tell({ problem: 'Not stopped.', fix: 'Again.' });
  expect(over.tell).toHaveBeenLastCalledWith('Not stopped. Again.', 'error');
});
