/** One session in the panel: its name and notebook, its executors, the jobs of its running cell. */

import { Panel, Widget } from '@lumino/widgets';

import { FleetView } from 'sparkk8s-views/fleet.js';
import { ProgressView } from 'sparkk8s-views/progress.js';
import { element, setText } from 'sparkk8s-views/shared.js';
import { isLive } from '../api';
import type { SparkSession } from '../model';
import { FrameHost } from './framehost';
import { panelButton } from './panelbutton';

/** What a card can ask of the application. */
export interface ICardDeeds {
  openUi(session: string): void;
  openNotebook(path: string): void;
}

/** A session's state as a sign; the word stands beside it. */
const SIGNS: Readonly<Record<string, string>> = { running: '●', failed: '✕', lost: '✕', stopped: '■' };
const NOT_LIVE = 'Waiting for its kernel.';
const STARTING = 'It starts; waiting for its kernel to say how far it is.';
const NO_START = 'It did not start: its cell says why.';
const LOOK_ONLY = 'It is no session of this server: it can only be looked at.';
/** States in which a session has no executors any more. */
const ENDED = new Set(['failed', 'stopping', 'stopped']);
const OVER = 'This session is over; its kernel cleans up.';

export class SessionCard extends Panel {
  constructor(
    readonly session: SparkSession,
    deeds: ICardDeeds
  ) {
    super();
    this.addClass('jp-Spark-card');
    this.node.setAttribute('role', 'group');
    this.node.setAttribute('aria-label', `Spark session ${session.name}`);
    this.node.dataset['session'] = session.name;
    this._notebook = panelButton('', 'Show the notebook of this session', () => {
      const { path } = this.session.info;
      if (path !== null) deeds.openNotebook(path);
    });
    this._notebook.classList.add('jp-Spark-link');
    this._ui = panelButton('Spark UI', "Open this session's Spark UI", () => {
      deeds.openUi(session.name);
    });
    this._note = element('div', 'jp-Spark-note');
    this._note.setAttribute('role', 'status');
    this._state = element('span', 'jp-Spark-state');
    this._executors = element('h4', 'jp-Spark-section', 'Executors');
    this._jobs = element('h4', 'jp-Spark-section', 'Jobs');
    this._fleet = new FrameHost(host => new FleetView(host, session.actions));
    this._progress = new FrameHost(host => new ProgressView(host, session.actions));
    const head = element('div', 'jp-Spark-cardHead');
    const name = element('h3', 'jp-Spark-name', session.name);
    name.title = session.name;
    head.append(name, this._state);
    const links = element('div', 'jp-Spark-cardLinks');
    links.append(this._notebook, this._ui);
    for (const part of [head, links, this._note, this._executors]) this.addWidget(new Widget({ node: part }));
    this.addWidget(this._fleet);
    this.addWidget(new Widget({ node: this._jobs }));
    this.addWidget(this._progress);
    session.changed.connect(this.refresh, this);
    this.refresh();
  }

  /** Draw what is there now. */
  refresh(): void {
    const { frame, info, trouble } = this.session;
    setText(this._notebook, info.path ?? info.notebook);
    this._notebook.hidden = !this._notebook.textContent;
    this._notebook.disabled = info.path === null;
    this._ui.hidden = !info.ui;
    const state = frame?.session?.state ?? info.state;
    this._state.dataset['state'] = state;
    setText(this._state, `${SIGNS[state] ?? '○'} ${state}`);
    const hasJobs = (frame?.progress?.totals.jobs ?? 0) > 0 || (frame?.streams?.rows.length ?? 0) > 0;
    this._jobs.hidden = !hasJobs;
    this._progress.setHidden(!hasJobs);
    this._executors.hidden = frame === null;
    this._fleet.setHidden(frame === null);
    setText(this._note, this._noted());
    this._fleet.draw(frame, trouble);
    this._progress.draw(frame);
  }

  /** Count seconds on. */
  tick(): void {
    this._fleet.tick();
    this._progress.tick();
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.session.changed.disconnect(this.refresh, this);
    super.dispose();
  }

  /** What is to be said beside the executors, or in their place. */
  private _noted(): string {
    const { frame, info, line, trouble } = this.session;
    const isStarting = info.state === 'starting';
    if (frame !== null) return isStarting && ENDED.has(frame.session?.state ?? '') ? NO_START : '';
    if (trouble) return trouble;
    if (!isLive(info)) return OVER;
    if (line === null) return LOOK_ONLY;
    return isStarting ? STARTING : NOT_LIVE;
  }

  private readonly _notebook: HTMLButtonElement;
  private readonly _ui: HTMLButtonElement;
  private readonly _note: HTMLElement;
  private readonly _state: HTMLElement;
  private readonly _executors: HTMLElement;
  private readonly _jobs: HTMLElement;
  private readonly _fleet: FrameHost;
  private readonly _progress: FrameHost;
}
