/** The view of a running cell is put back under its cell, once, and only where the cell has none of its own. */

import type { INotebookTracker } from '@jupyterlab/notebook';
import { Panel, Widget } from '@lumino/widgets';

import type { ISessionInfo } from '../api';
import { SessionLine } from '../comm';
import { SparkModel } from '../model';
import { codeCell, hasOwnView, notebookAt } from '../notebooks';
import { ViewRestorer } from '../restore';
import type { IFrame } from '../wire';
import { FakeKernel, fakeTab, turns } from './fakes';
import { keyframe } from './golden';

jest.mock('../notebooks', () => ({ codeCell: jest.fn(), hasOwnView: jest.fn(), notebookAt: jest.fn() }));

const INFO: ISessionInfo = {
  name: 'flights',
  notebook: 'flights.ipynb',
  kernel_id: 'k1',
  path: 'flights.ipynb',
  state: 'running',
  ui: true,
  readonly: false
};

/** The cell of the golden frame, with a place for what it puts out. */
let cell: Panel;
let kernel: FakeKernel;
let model: SparkModel;
let restorer: ViewRestorer;

function restored(): NodeListOf<Element> {
  return cell.node.querySelectorAll('.jp-Spark-restored');
}

/** The frame after the golden one, in which its cell has ended. */
function ended(cell: object = {}): object {
  const { progress, ...frame } = keyframe('progress.json') as IFrame & { progress: { cell: object } };
  const over = { state: 'SUCCEEDED', summary: 'all done', eta: null, cell: { ...progress.cell, ...cell } };
  return { ...frame, seq: 4, progress: { ...progress, ...over } };
}

function endOfAnother(): object {
  return { ...ended({ id: 'c-8' }), seq: 5 };
}

/** Let the session's line, which was lost, be found again. */
async function findAgain(): Promise<void> {
  kernel = new FakeKernel();
  await model.refresh();
  await turns();
}

beforeEach(async () => {
  jest.mocked(notebookAt).mockReturnValue({} as ReturnType<typeof notebookAt>);
  jest.mocked(hasOwnView).mockReturnValue(false);
  cell = new Panel();
  const outputs = new Widget();
  outputs.addClass('jp-Cell-outputWrapper');
  cell.addWidget(outputs);
  cell.addWidget(new Widget());
  Widget.attach(cell, document.body);
  jest.mocked(codeCell).mockImplementation((_, id) => (id === 'c-7' ? (cell as unknown as ReturnType<typeof codeCell>) : null));
  kernel = new FakeKernel();
  model = new SparkModel({
    list: () => Promise.resolve({ sessions: [INFO], problem: null }),
    act: () => Promise.resolve({ status: 404, answer: null }),
    connect: () => new SessionLine(kernel.connection, fakeTab()),
    interval: 3600,
    standby: 'never'
  });
  restorer = new ViewRestorer(model, {} as INotebookTracker);
  await model.refresh();
  await turns();
});

afterEach(() => {
  restorer.dispose();
  model.dispose();
  cell.dispose();
});

it('is put back behind the outputs of the cell that runs', () => {
  kernel.say(keyframe('progress.json'));
  expect(restored()).toHaveLength(1);
  expect(cell.widgets[1]?.node).toBe(restored()[0]);
  expect(restored()[0]?.textContent).toContain('132/212');
  kernel.say({ ...keyframe('progress.json'), seq: 4 });
  expect(restored()).toHaveLength(1);
});

it('is not put back where the cell shows its own view', () => {
  jest.mocked(hasOwnView).mockReturnValue(true);
  kernel.say(keyframe('progress.json'));
  expect(restored()).toHaveLength(0);
});

it('goes when the cell is run anew', () => {
  kernel.say(keyframe('progress.json'));
  jest.mocked(hasOwnView).mockReturnValue(true);
  kernel.say({ ...keyframe('progress.json'), seq: 4 });
  expect(restored()).toHaveLength(0);
});

it('stays with its last state when the cell has ended', () => {
  kernel.say(keyframe('progress.json'));
  kernel.say(ended());
  expect(restored()[0]?.textContent).toContain('all done');
});

it('is put back when the notebook has opened, if that takes longer than the first frame', () => {
  jest.useFakeTimers();
  restorer.dispose();
  restorer = new ViewRestorer(model, {} as INotebookTracker);
  jest.mocked(notebookAt).mockReturnValue(null);
  kernel.say(keyframe('progress.json'));
  expect(restored()).toHaveLength(0);
  jest.mocked(notebookAt).mockReturnValue({} as ReturnType<typeof notebookAt>);
  jest.advanceTimersByTime(1000);
  expect(restored()).toHaveLength(1);
  jest.useRealTimers();
});

it('goes with the restorer', () => {
  kernel.say(keyframe('progress.json'));
  restorer.dispose();
  expect(restored()).toHaveLength(0);
});

it('is one view when the line to the kernel was lost and found again', async () => {
  kernel.say(keyframe('progress.json'));
  kernel.close();
  await findAgain();
  kernel.say(keyframe('progress.json'));
  expect(restored()).toHaveLength(1);
});

it('stays until the line that was found again has something to show', async () => {
  kernel.say(keyframe('progress.json'));
  kernel.close();
  await findAgain();
  expect(restored()).toHaveLength(1);
  expect(restored()[0]?.textContent).toContain('132/212');
});

it('shows how its cell ended while the line to the kernel was lost', async () => {
  kernel.say(keyframe('progress.json'));
  kernel.close();
  await findAgain();
  kernel.say(ended());
  expect(restored()).toHaveLength(1);
  expect(restored()[0]?.textContent).toContain('all done');
  jest.mocked(hasOwnView).mockReturnValue(true);
  kernel.say({ ...ended(), seq: 5 });
  expect(restored()).toHaveLength(0);
});

it('has buttons that reach the kernel by the line that was found between two of its jobs', async () => {
  kernel.say(keyframe('progress.json'));
  kernel.close();
  await findAgain();
  kernel.say(ended());
  kernel.say({ ...keyframe('progress.json'), seq: 5 });
  for (const text of ['Cancel', 'Cancel the jobs']) {
    [...(restored()[0]?.querySelectorAll('button') ?? [])].find(({ textContent }) => textContent === text)?.click();
  }
  await turns();
  const [said] = kernel.of('comm_msg').map(({ content }) => content['data']);
  expect(said).toMatchObject({ do: 'cancel', tag: 't' });
});

it('says no longer that its line is lost when the one that was found tells of another cell', async () => {
  const trouble = (): string | null => restored()[0]?.querySelector('.sk8s > .sk8s-note:last-child')?.textContent ?? null;
  kernel.say(keyframe('progress.json'));
  kernel.say(ended());
  kernel.close();
  expect(trouble()).toContain('restarts, or is gone');
  await findAgain();
  kernel.say(endOfAnother());
  expect(trouble()).toBe('');
  expect(restored()[0]?.textContent).toContain('all done');
});

it('goes where another cell is told of before the end of its own', () => {
  kernel.say(keyframe('progress.json'));
  kernel.say(endOfAnother());
  expect(restored()).toHaveLength(0);
});

it('shows nothing of a later cell that ended between two frames', () => {
  kernel.say(keyframe('progress.json'));
  kernel.say(ended());
  kernel.say(endOfAnother());
  expect(restored()[0]?.textContent).toContain('all done');
});

it('goes when the cell is run anew after its session is over', () => {
  jest.useFakeTimers();
  restorer.dispose();
  restorer = new ViewRestorer(model, {} as INotebookTracker);
  kernel.say(keyframe('progress.json'));
  kernel.close();
  jest.mocked(hasOwnView).mockReturnValue(true);
  jest.advanceTimersByTime(1000);
  expect(restored()).toHaveLength(0);
  jest.useRealTimers();
});
