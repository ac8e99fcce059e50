/** The line to a kernel works while the kernel computes, and leaves nothing behind in it. */

import { PromiseDelegate } from '@lumino/coreutils';

import { SessionLine } from '../comm';
import { after } from '../subshell';
import { FakeKernel, fakeTab, turns } from './fakes';
import { keyframe, sequence } from './golden';

let kernel: FakeKernel;

async function opened(): Promise<SessionLine> {
  const line = new SessionLine(kernel.connection, fakeTab());
  await turns();
  return line;
}

beforeEach(() => {
  jest.useFakeTimers();
  kernel = new FakeKernel();
});

afterEach(() => {
  jest.useRealTimers();
});

it('is opened over a subshell that goes when the message was handled', async () => {
  await opened();
  const [open] = kernel.of('comm_open');
  expect(open?.content).toMatchObject({ target_name: 'sparkk8s', data: { schema: 1, tab: 'tab-1', opening: 1 } });
  expect(open?.subshell).toBe('shell-1');
  expect(kernel.of('delete_subshell_request')).toEqual([]);
  kernel.handle();
  await turns();
  expect(kernel.of('delete_subshell_request').map(({ content }) => content)).toEqual([{ subshell_id: 'shell-1' }]);
});

it('is opened without one where the kernel makes none', async () => {
  kernel.subshells = false;
  await opened();
  expect(kernel.of('comm_open').map(({ subshell }) => subshell)).toEqual([null]);
});

it('does without a subshell that is not made in time, and has it deleted when it comes', async () => {
  const slow = new PromiseDelegate<void>();
  kernel.slowness = slow.promise;
  await opened();
  await jest.advanceTimersByTimeAsync(2000);
  expect(kernel.of('comm_open').map(({ subshell }) => subshell)).toEqual([null]);
  expect(kernel.of('delete_subshell_request')).toEqual([]);
  slow.resolve();
  await turns();
  expect(kernel.of('delete_subshell_request').map(({ content }) => content)).toEqual([{ subshell_id: 'shell-1' }]);
});

it('is opened anew where the kernel makes subshells again and has not heard of it yet', async () => {
  const slow = new PromiseDelegate<void>();
  kernel.slowness = slow.promise;
  const line = await opened();
  const ended = jest.fn();
  line.ended.connect(ended);
  await jest.advanceTimersByTimeAsync(2000);
  kernel.slowness = Promise.resolve();
  slow.resolve();
  await turns();
  const [late, anew] = kernel.of('comm_open');
  expect([late?.subshell, anew?.subshell]).toEqual([null, expect.stringContaining('shell-')]);
  expect([late, anew].map(open => (open?.content['data'] as { opening: number }).opening)).toEqual([1, 2]);
  const { subshell, content } = kernel.of('comm_close')[0] ?? {};
  expect([subshell, content?.['comm_id']]).toEqual([null, late?.content['comm_id']]);
  kernel.say(keyframe('fleet.json'));
  kernel.close(late?.content['comm_id'] as string);
  expect(line.frame).toEqual(keyframe('fleet.json'));
  expect(ended).not.toHaveBeenCalled();
});

it('is opened anew once where what was sent meanwhile is late too, and says again what is to be done', async () => {
  const slow = new PromiseDelegate<void>();
  kernel.slowness = slow.promise;
  const line = await opened();
  await jest.advanceTimersByTimeAsync(2000);
  line.send({ do: 'stop', id: 'u1' });
  line.send({ ask: 'keyframe' });
  await jest.advanceTimersByTimeAsync(1000);
  kernel.slowness = Promise.resolve();
  slow.resolve();
  await turns();
  await jest.advanceTimersByTimeAsync(5000);
  const [late, anew] = kernel.of('comm_open').map(({ content }) => content['comm_id']);
  expect(kernel.of('comm_open')).toHaveLength(2);
  expect(kernel.of('comm_close').map(({ content }) => content['comm_id'])).toEqual([late]);
  const said = kernel.of('comm_msg').map(({ content }) => [content['comm_id'], content['data']]);
  expect(said).toContainEqual([anew, { do: 'stop', id: 'u1' }]);
  const first = kernel.sent.findIndex(({ content }) => content['comm_id'] === anew);
  expect(kernel.sent[first]?.type).toBe('comm_open');
});

it('closes on both ends what it has opened anew, and nothing that it has not', async () => {
  const slow = new PromiseDelegate<void>();
  kernel.slowness = slow.promise;
  const line = await opened();
  await jest.advanceTimersByTimeAsync(2000);
  const still = new PromiseDelegate<void>();
  kernel.slowness = still.promise;
  slow.resolve();
  await turns();
  line.dispose();
  still.resolve();
  await turns();
  const [late] = kernel.of('comm_open').map(({ content }) => content['comm_id']);
  expect(kernel.of('comm_open')).toHaveLength(1);
  expect(kernel.of('comm_close').map(({ content }) => content['comm_id'])).toEqual([late]);
});

it('is not opened anew for ever where every subshell comes late', async () => {
  Object.defineProperty(kernel, 'slowness', { get: () => after(2500) });
  const line = await opened();
  await jest.advanceTimersByTimeAsync(60_000);
  expect(kernel.of('comm_open')).toHaveLength(4);
  expect(line.trouble).toContain('does not answer');
});

it('goes on where a late subshell was for a line that works', async () => {
  const slow = new PromiseDelegate<void>();
  kernel.slowness = slow.promise;
  const ended = jest.fn();
  (await opened()).ended.connect(ended);
  await jest.advanceTimersByTimeAsync(2000);
  kernel.say(keyframe('fleet.json'));
  slow.resolve();
  await turns();
  expect(ended).not.toHaveBeenCalled();
});

it('keeps its connection until a late subshell is deleted, but not for ever', async () => {
  const slow = new PromiseDelegate<void>();
  kernel.slowness = slow.promise;
  const line = await opened();
  await jest.advanceTimersByTimeAsync(2000);
  kernel.slowness = Promise.resolve();
  line.dispose();
  kernel.handle();
  await turns();
  kernel.handle();
  await turns();
  expect(kernel.of('comm_close')).toHaveLength(1);
  expect(kernel.isDisposed).toBe(false);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(kernel.isDisposed).toBe(true);
});

it('opens nothing, and leaves nothing, where it is closed while it opens', async () => {
  const slow = new PromiseDelegate<void>();
  kernel.slowness = slow.promise;
  const line = await opened();
  line.dispose();
  await turns();
  expect(kernel.isDisposed).toBe(false);
  slow.resolve();
  await turns();
  expect(kernel.of('comm_open')).toEqual([]);
  expect(kernel.of('delete_subshell_request').map(({ content }) => content)).toEqual([{ subshell_id: 'shell-1' }]);
  expect(kernel.isDisposed).toBe(true);
});

it('waits for the connection, not for the kernel', async () => {
  kernel.connectionStatus = 'connecting';
  await opened();
  expect(kernel.sent).toEqual([]);
  kernel.connectionStatus = 'connected';
  kernel.connectionStatusChanged.emit('connected');
  await turns();
  expect(kernel.of('comm_open')).toHaveLength(1);
});

it('has the frame that the messages add up to', async () => {
  const line = await opened();
  const { messages, expected } = sequence('progress.json');
  const changes = jest.fn();
  line.changed.connect(changes);
  for (const message of messages) kernel.say(message);
  expect(line.frame).toMatchObject({ ...expected, kind: 'keyframe' });
  expect(changes).toHaveBeenCalledTimes(messages.length);
});

it('asks for a keyframe once when it missed a message', async () => {
  const line = await opened();
  const [first, , third, fourth] = sequence('fleet.json').messages;
  for (const message of [first, third, fourth]) kernel.say(message);
  await turns();
  expect(kernel.of('comm_msg').map(({ content }) => content['data'])).toEqual([{ ask: 'keyframe' }]);
  expect(line.frame).toEqual(first);
});

it('says what cannot be read and goes on with the next good message', async () => {
  const line = await opened();
  kernel.say(keyframe('fleet.json'));
  kernel.say('nonsense');
  expect(line.trouble).toContain('could not be read');
  expect(line.frame).toEqual(keyframe('fleet.json'));
  kernel.say(keyframe('stale.json'));
  expect(line.trouble).toBe('');
});

it('hands answers on and takes them for no frames', async () => {
  const line = await opened();
  const heard = jest.fn();
  line.on('msg:custom', heard);
  kernel.say({ heard: 'u1' });
  expect(heard).toHaveBeenCalledWith({ heard: 'u1' });
  expect(line.trouble).toBe('');
});

it('says so when a kernel does not answer', async () => {
  const line = await opened();
  jest.advanceTimersByTime(10_000);
  expect(line.trouble).toContain('does not answer');
});

it.each(['restarting', 'autorestarting', 'dead'] as const)('ends with a kernel that is %s', async status => {
  const ended = jest.fn();
  (await opened()).ended.connect(ended);
  kernel.statusChanged.emit(status);
  expect(ended).toHaveBeenCalledTimes(1);
});

it('ends when its connection is given up', async () => {
  const ended = jest.fn();
  (await opened()).ended.connect(ended);
  kernel.connectionStatusChanged.emit('disconnected');
  expect(ended).toHaveBeenCalledTimes(1);
});

it('ends when the kernel closes it', async () => {
  const ended = jest.fn();
  (await opened()).ended.connect(ended);
  kernel.close();
  expect(ended).toHaveBeenCalledTimes(1);
});

it('asks for what it missed when the connection is up again', async () => {
  await opened();
  kernel.connectionStatusChanged.emit('connected');
  await turns();
  expect(kernel.of('comm_msg').map(({ content }) => content['data'])).toEqual([{ ask: 'keyframe' }]);
});

it('is closed on both ends, and then its connection', async () => {
  const line = await opened();
  line.dispose();
  await turns();
  expect(kernel.of('comm_close')).toHaveLength(1);
  expect(kernel.isDisposed).toBe(false);
  kernel.handle();
  await turns();
  expect(kernel.isDisposed).toBe(true);
});

it('is abandoned at once by a page that goes away', async () => {
  const line = await opened();
  line.abandon();
  expect(kernel.of('comm_close')).toHaveLength(1);
});
