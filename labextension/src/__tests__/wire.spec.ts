/** Frames are read as the kernel's side writes them. */

import { FrameReader, runningCell, runningExecution, runningExecutors, runningTasks } from '../wire';
import { keyframe, names, sequence } from './golden';

describe('FrameReader', () => {
  it.each(names('sequences'))('reads %s to the state that the kernel means', name => {
    const { messages, expected } = sequence(name);
    const reader = new FrameReader();
    for (const message of messages) expect(reader.read(message)).toEqual({ changed: true, ask: false, problem: '' });
    expect(reader.frame).toMatchObject({ ...expected, kind: 'keyframe' });
  });

  it.each(names())('takes the keyframe %s as it is', name => {
    const reader = new FrameReader();
    reader.read(keyframe(name));
    expect(reader.frame).toEqual(keyframe(name));
  });

  it('asks for a keyframe when a message was missed, and keeps the last good frame', () => {
    const [first, , third] = sequence('fleet.json').messages;
    const reader = new FrameReader();
    reader.read(first);
    expect(reader.read(third)).toEqual({ changed: false, ask: true, problem: '' });
    expect(reader.frame).toEqual(first);
  });

  it.each([null, 7, 'frame', [], {}, { kind: 'other' }])('says in one line that %j cannot be read', message => {
    const reader = new FrameReader();
    reader.read(keyframe('fleet.json'));
    const { changed, problem } = reader.read(message);
    expect(changed).toBe(false);
    expect(problem).toMatch(/^[^\n]+ from before\.$/);
    expect(reader.frame).toEqual(keyframe('fleet.json'));
  });

  it('says that a newer message needs a newer page', () => {
    const reader = new FrameReader();
    expect(reader.read({ ...keyframe('fleet.json'), schema: 99 }).problem).toContain('reload');
  });
});

describe('what is read of a frame', () => {
  it('is the executors and tasks that run', () => {
    expect(runningExecutors(keyframe('fleet.json'))).toBe(1);
    expect(runningTasks(keyframe('fleet.json'))).toBe(2);
    expect(runningExecutors(null)).toBe(0);
    expect(runningTasks(keyframe('progress.json'))).toBe(0);
  });

  it('is the cell whose jobs run', () => {
    expect(runningCell(keyframe('progress.json'))).toBe('c-7');
    expect(runningExecution(keyframe('progress.json'))?.tag).toBe('t');
    expect(runningCell(keyframe('fleet.json'))).toBeNull();
  });
});
