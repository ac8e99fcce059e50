/** The panel shows every session, and what to do where it can show none. */

import { Widget } from '@lumino/widgets';

import type { ISessionList } from '../api';
import { ApiError } from '../api';
import { SessionLine } from '../comm';
import { SparkModel } from '../model';
import { SparkPanel } from '../panel';
import { SparkStatus } from '../status';
import { FakeKernel, turns } from './fakes';
import { keyframe } from './golden';

const SESSION = {
  name: 'flights',
  notebook: 'flights.ipynb',
  kernel_id: 'k1',
  path: 'work/flights.ipynb',
  state: 'running',
  ui: true,
  readonly: false
};

let answer: ISessionList | Error;
let kernel: FakeKernel;
let model: SparkModel;
let panel: SparkPanel;
const deeds = { openUi: jest.fn(), openNotebook: jest.fn(), insertStart: jest.fn() };

async function look(next: ISessionList | Error): Promise<void> {
  answer = next;
  await model.refresh();
  await turns();
}

function texts(selector: string): string[] {
  return [...panel.node.querySelectorAll(selector)].map(node => node.textContent);
}

function click(label: string): void {
  [...panel.node.querySelectorAll('button')].find(({ textContent }) => textContent === label)?.click();
}

beforeEach(() => {
  kernel = new FakeKernel();
  answer = { sessions: [], problem: null };
  model = new SparkModel({
    list: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
    act: () => Promise.resolve({ status: 404, answer: null }),
    connect: () => new SessionLine(kernel.connection, 'tab-1'),
    interval: 3600,
    standby: 'never'
  });
  panel = new SparkPanel(model, deeds);
  Widget.attach(panel, document.body);
});

afterEach(() => {
  panel.dispose();
  model.dispose();
  jest.clearAllMocks();
});

it('says how to start where there is no session', async () => {
  await look({ sessions: [], problem: null });
  expect(texts('.jp-Spark-empty:not([hidden])').join()).toContain('%sparkk8s start');
  click('Start');
  expect(deeds.insertStart).toHaveBeenCalledTimes(1);
});

it('shows the executors of a session with their reasons', async () => {
  await look({ sessions: [SESSION], problem: null });
  expect(texts('.jp-Spark-note').join()).toContain('Waiting for its kernel');
  kernel.say(keyframe('fleet.json'));
  const shown = panel.node.textContent;
  expect(shown).toContain('1 of 5 executors running');
  expect(shown).toContain('used more memory than its 2 GiB');
});

it('opens the Spark UI and the notebook of a session', async () => {
  await look({ sessions: [SESSION], problem: null });
  click('Spark UI');
  click('work/flights.ipynb');
  expect(deeds.openUi).toHaveBeenCalledWith('flights');
  expect(deeds.openNotebook).toHaveBeenCalledWith('work/flights.ipynb');
});

it('keeps what it shows and says what to do when the server is gone', async () => {
  await look({ sessions: [SESSION], problem: null });
  kernel.say(keyframe('fleet.json'));
  await look(new ApiError('The Jupyter server does not answer.', 'Start it again.'));
  const notice = panel.node.querySelector('[role=alert]');
  expect(notice?.textContent).toContain('Start it again.');
  expect(panel.node.textContent).toContain('1 of 5 executors running');
});

it('keeps the last good frame where one cannot be drawn', async () => {
  await look({ sessions: [SESSION], problem: null });
  kernel.say(keyframe('fleet.json'));
  kernel.say({ ...keyframe('fleet.json'), seq: 8, fleet: { summary: 'broken' } });
  const shown = panel.node.textContent;
  expect(shown).toContain('could not be drawn');
  expect(shown).toContain('1 of 5 executors running');
});

it('forgets a session that is gone', async () => {
  await look({ sessions: [SESSION], problem: null });
  expect(texts('.jp-Spark-name')).toEqual(['flights']);
  await look({ sessions: [], problem: null });
  expect(texts('.jp-Spark-name')).toEqual([]);
});

it('every button says what it does', async () => {
  await look({ sessions: [SESSION], problem: null });
  kernel.say(keyframe('fleet.json'));
  const buttons = [...panel.node.querySelectorAll('button')];
  const seen = buttons.filter(button => button.closest('[hidden], .lm-mod-hidden') === null);
  expect(seen.length).toBeGreaterThan(4);
  for (const button of seen) {
    expect(button.getAttribute('aria-label') ?? button.textContent).toMatch(/\w/);
  }
});

it('the status bar counts executors and tasks while a session runs', async () => {
  const open = jest.fn();
  const status = new SparkStatus(model, open);
  expect(status.isActive).toBe(false);
  await look({ sessions: [SESSION], problem: null });
  kernel.say(keyframe('fleet.json'));
  expect(status.isActive).toBe(true);
  expect(status.node.textContent).toBe('Spark: 1 executor · 2 tasks');
  status.node.querySelector('button')?.click();
  expect(open).toHaveBeenCalledTimes(1);
  status.dispose();
});
