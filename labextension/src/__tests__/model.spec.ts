/** The model knows the sessions, what is live of them, and what is wrong. */

import type { ISessionInfo, ISessionList } from '../api';
import { ApiError } from '../api';
import { SessionLine } from '../comm';
import { SparkModel } from '../model';
import { FakeKernel, fakeTab, turns } from './fakes';
import { keyframe } from './golden';

function info(name: string, change: Partial<ISessionInfo> = {}): ISessionInfo {
  const record = { notebook: `${name}.ipynb`, path: `${name}.ipynb`, state: 'running', ui: true, readonly: false };
  return { name, kernel_id: `kernel-of-${name}`, ...record, ...change };
}

let answer: ISessionList | Error;
let kernels: Map<string, FakeKernel>;
let model: SparkModel;

async function look(list: ISessionInfo[] | Error): Promise<void> {
  answer = list instanceof Error ? list : { sessions: list, problem: null };
  await model.refresh();
  await turns();
}

beforeEach(() => {
  kernels = new Map();
  answer = { sessions: [], problem: null };
  model = new SparkModel({
    list: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
    act: () => Promise.resolve({ status: 404, answer: null }),
    connect: id => {
      const kernel = new FakeKernel();
      kernels.set(id, kernel);
      return new SessionLine(kernel.connection, fakeTab());
    },
    interval: 3600,
    standby: 'never'
  });
});

afterEach(() => {
  model.dispose();
});

it('has the sessions by name, each with a line to its kernel', async () => {
  await look([info('trips'), info('flights')]);
  expect(model.sessions.map(({ name }) => name)).toEqual(['flights', 'trips']);
  expect([...kernels.keys()].sort()).toEqual(['kernel-of-flights', 'kernel-of-trips']);
  expect(model.ofNotebook('trips.ipynb')?.name).toBe('trips');
});

it('sums executors and tasks up over the sessions whose kernels told', async () => {
  await look([info('flights'), info('trips')]);
  expect([model.executors, model.tasks]).toEqual([0, 0]);
  kernels.get('kernel-of-flights')?.say(keyframe('fleet.json'));
  expect([model.executors, model.tasks]).toEqual([1, 2]);
});

it('says which session is new', async () => {
  await look([info('flights'), info('trips')]);
  const changed = jest.fn();
  model.sessionChanged.connect((_, session) => {
    changed(session.name);
  });
  kernels.get('kernel-of-flights')?.say(keyframe('fleet.json'));
  expect(changed.mock.calls).toEqual([['flights']]);
});

it('keeps the line of a session that is still there and closes that of one that is gone', async () => {
  await look([info('flights'), info('trips')]);
  const [flights] = model.sessions;
  await look([info('flights')]);
  expect(model.sessions).toEqual([flights]);
  kernels.get('kernel-of-trips')?.handle();
  await turns();
  expect(kernels.get('kernel-of-trips')?.isDisposed).toBe(true);
  expect(kernels.get('kernel-of-flights')?.isDisposed).toBe(false);
});

it('shows nothing of a frame that is of another session in the same kernel', async () => {
  await look([info('later', { kernel_id: 'k' })]);
  kernels.get('k')?.say(keyframe('fleet.json'));
  expect(model.find('later')?.frame).toBeNull();
});

it('keeps the sessions and says what to do when the server is gone, until it is back', async () => {
  await look([info('flights')]);
  await look(new ApiError('The Jupyter server does not answer.', 'Start it again.'));
  expect(model.problem?.fix).toBe('Start it again.');
  expect(model.sessions).toHaveLength(1);
  await look([info('flights')]);
  expect(model.problem).toBeNull();
});

it('opens a new line at the next look after a kernel restarted', async () => {
  await look([info('flights')]);
  const first = kernels.get('kernel-of-flights');
  first?.statusChanged.emit('restarting');
  expect(model.find('flights')?.trouble).toContain('restarts');
  await look([info('flights')]);
  expect(kernels.get('kernel-of-flights')).not.toBe(first);
  expect(model.find('flights')?.trouble).toBe('');
});

it('opens a line to a session that starts', async () => {
  await look([info('flights', { state: 'starting', ui: false })]);
  const kernel = kernels.get('kernel-of-flights');
  kernel?.say(keyframe('fleet.json'));
  expect(model.find('flights')?.frame).not.toBeNull();
  const [starting] = model.sessions;
  await look([info('flights')]);
  expect(model.sessions).toEqual([starting]);
  expect(kernels.get('kernel-of-flights')).toBe(kernel);
});

it('closes the line of a session that is dead, though it is still listed', async () => {
  await look([info('flights')]);
  const kernel = kernels.get('kernel-of-flights');
  await look([info('flights', { state: 'dead' })]);
  kernel?.handle();
  await turns();
  expect(kernel?.isDisposed).toBe(true);
  expect(model.find('flights')?.line).toBeNull();
});

it('keeps the line of a kernel whose earlier session is dead and whose later one runs', async () => {
  await look([info('earlier', { kernel_id: 'k' })]);
  await look([info('earlier', { kernel_id: 'k', state: 'dead' }), info('later', { kernel_id: 'k' })]);
  await turns();
  expect(model.find('later')?.line?.isDisposed).toBe(false);
  expect(kernels.get('k')?.of('comm_close')).toEqual([]);
});

it('opens no line to a session that is over or no kernel of this server', async () => {
  await look([info('old', { state: 'stopped' }), info('other', { kernel_id: null })]);
  expect(kernels.size).toBe(0);
});

it('lets nothing be done with a session that may only be looked at', async () => {
  await look([info('theirs', { readonly: true })]);
  expect(JSON.stringify(await model.find('theirs')?.actions.stop())).toContain('looked at');
  expect(kernels.get('kernel-of-theirs')?.of('comm_msg')).toEqual([]);
});
