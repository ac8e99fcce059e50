/** The panel shows every session, and what to do where it can show none. */

import { Widget } from '@lumino/widgets';

import type { INamespaceList, ISessionList } from '../api';
import { ApiError } from '../api';
import { SessionLine } from '../comm';
import { SparkModel } from '../model';
import { NamespaceModel } from '../namespace';
import { SparkPanel } from '../panel';
import { SparkStatus } from '../status';
import { FakeKernel, fakeTab, turns } from './fakes';
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
const others = jest.fn<Promise<INamespaceList>, []>();
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
    connect: () => new SessionLine(kernel.connection, fakeTab()),
    interval: 3600,
    standby: 'never'
  });
  others.mockResolvedValue({ sessions: [], more: 0, problem: null });
  panel = new SparkPanel(model, deeds, new NamespaceModel(others, 'never'));
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

it('shows a session from the beginning of its start, and what the start does', async () => {
  await look({ sessions: [{ ...SESSION, state: 'starting', ui: false }], problem: null });
  expect(texts('.jp-Spark-note').join()).toContain('It starts');
  const frame = keyframe('fleet.json');
  const fleet = { ...frame.fleet, start: { what: 'Connecting Spark', since: frame.at - 3 } };
  kernel.say({ ...frame, session: { ...frame.session, state: 'connecting' }, fleet });
  expect(panel.node.textContent).toContain('Connecting Spark, 3 s');
  expect(texts('.jp-Spark-cardLinks button:not([hidden], .jp-Spark-link)')).toEqual([]);
  await look({ sessions: [SESSION], problem: null });
  expect(texts('.jp-Spark-cardLinks button:not([hidden], .jp-Spark-link)')).toEqual(['Spark UI']);
});

it('says of a start that failed where to look, until it is gone', async () => {
  await look({ sessions: [{ ...SESSION, state: 'starting', ui: false }], problem: null });
  const frame = keyframe('fleet.json');
  kernel.say({ ...frame, session: { ...frame.session, state: 'failed' } });
  expect(texts('.jp-Spark-note').join()).toContain('its cell says why');
  await look({ sessions: [], problem: null });
  expect(texts('.jp-Spark-name')).toEqual([]);
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
  await look({ sessions: [{ ...SESSION, state: 'starting' }], problem: null });
  expect(status.isActive).toBe(true);
  expect(status.node.textContent).toBe('Spark: starting');
  await look({ sessions: [SESSION], problem: null });
  kernel.say(keyframe('fleet.json'));
  expect(status.isActive).toBe(true);
  expect(status.node.textContent).toBe('Spark: 1 executor · 2 tasks');
  status.node.querySelector('button')?.click();
  expect(open).toHaveBeenCalledTimes(1);
  status.dispose();
});

describe('the other sessions of the namespace', () => {
  const THEIRS = { name: 'spark-ada-1', owner: 'ada', executors: 2, age: '3 min 2 s', state: 'elsewhere' };
  const REFUSAL = { problem: 'We may not list Leases in team.', fix: 'Ask your administrator.' };

  function section(): HTMLElement {
    return panel.namespace.node;
  }

  function title(): HTMLButtonElement | null {
    return section().querySelector('button');
  }

  async function wanted(): Promise<void> {
    panel.namespace.isWanted = true;
    await turns();
  }

  it('are asked for once while they are folded, and not shown', async () => {
    others.mockResolvedValue({ sessions: [THEIRS], more: 0, problem: null });
    await wanted();
    panel.hide();
    panel.show();
    await turns();
    expect(others).toHaveBeenCalledTimes(1);
    expect(panel.namespace.isHidden).toBe(false);
    expect(title()?.getAttribute('aria-expanded')).toBe('false');
    expect(section().querySelector<HTMLElement>('.jp-Spark-othersBody')?.hidden).toBe(true);
  });

  it('are shown unfolded, with nothing that could be done with them', async () => {
    others.mockResolvedValue({ sessions: [THEIRS], more: 3, problem: null });
    await wanted();
    title()?.click();
    await turns();
    expect(texts('.jp-Spark-other')).toEqual(['spark-ada-1ada · 2 executors · for 3 min 2 s · elsewhere']);
    expect(section().textContent).toContain('and 3 others');
    expect(section().querySelectorAll('button')).toHaveLength(1);
  });

  it('are asked for no more where nobody looks', async () => {
    jest.useFakeTimers();
    await wanted();
    title()?.click();
    await jest.advanceTimersByTimeAsync(65_000);
    const asked = others.mock.calls.length;
    expect(asked).toBeGreaterThan(2);
    panel.hide();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(others).toHaveBeenCalledTimes(asked);
    panel.show();
    await jest.advanceTimersByTimeAsync(10);
    expect(others).toHaveBeenCalledTimes(asked + 1);
    title()?.click();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(others).toHaveBeenCalledTimes(asked + 1);
    jest.useRealTimers();
  });

  it('are absent where they may not be listed, and say why to whoever asks', async () => {
    others.mockResolvedValue({ sessions: [], more: 0, problem: REFUSAL });
    await wanted();
    expect(panel.namespace.isHidden).toBe(true);
    panel.namespace.open();
    await turns();
    expect(panel.namespace.isHidden).toBe(false);
    expect(section().textContent).toContain('We may not list Leases in team. Ask your administrator.');
  });

  it('are looked for again when the panel is, where they could not be listed before', async () => {
    others.mockResolvedValue({ sessions: [], more: 0, problem: REFUSAL });
    await wanted();
    others.mockResolvedValue({ sessions: [THEIRS], more: 0, problem: null });
    panel.hide();
    panel.show();
    await turns();
    expect(others).toHaveBeenCalledTimes(2);
    expect(panel.namespace.isHidden).toBe(false);
  });

  it('stay as they were where the server does not answer', async () => {
    others.mockResolvedValue({ sessions: [THEIRS], more: 0, problem: null });
    await wanted();
    jest.useFakeTimers();
    others.mockRejectedValue(new ApiError('The Jupyter server does not answer.', 'Start it again.'));
    title()?.click();
    await jest.advanceTimersByTimeAsync(10);
    jest.useRealTimers();
    expect(texts('.jp-Spark-other')).toHaveLength(1);
    expect(section().textContent).toContain('Start it again.');
  });

  it('are not asked for where users do not want them', async () => {
    await turns();
    expect(others).not.toHaveBeenCalled();
    expect(panel.namespace.isHidden).toBe(true);
  });

  it('say that there are none', async () => {
    await wanted();
    title()?.click();
    await turns();
    expect(section().querySelector('[role=status]')?.textContent).toBe('None.');
  });
});
