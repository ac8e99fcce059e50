/**
 * The view of a running cell, back under its cell after a reload (or in a second tab).
 *
 * Unsaved output is gone from the page then and the widget's state waits for the busy kernel, but the kernel
 * still tells this page which cell runs and how far its jobs are.
 */

import type { CodeCell } from '@jupyterlab/cells';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import type { PanelLayout } from '@lumino/widgets';

import type { IActions } from 'sparkk8s-views/actions.js';
import { ProgressView } from 'sparkk8s-views/progress.js';
import { FrameHost } from './components/framehost';
import type { SparkModel, SparkSession } from './model';
import { codeCell, hasOwnView, notebookAt } from './notebooks';
import type { IFrame } from './wire';
import { runningCell } from './wire';

/** Milliseconds between two looks for a cell that is not there yet (its notebook still opens). */
const LOOK = 100;

/** Milliseconds between two seconds that are counted on. */
const TICK = 1000;

interface IRestored {
  cell: CodeCell;
  cellId: string;
  host: FrameHost;
  /** What its buttons do: of the session that it was made for. */
  actions: IActions;
  /** The last frame that tells of its cell. */
  last: IFrame;
}

export class ViewRestorer implements IDisposable {
  constructor(
    private readonly model: SparkModel,
    private readonly tracker: INotebookTracker
  ) {
    model.changed.connect(this._onChanged, this);
    model.sessionChanged.connect(this._onSession, this);
    this._ticking = setInterval(() => {
      if (document.hidden) return;
      for (const [name, { host }] of this._restored) if (model.find(name)) host.tick();
    }, TICK);
    this._looking = setInterval(() => {
      if (document.hidden) return;
      // No news come of a session that is over: whether its view still has its place is looked at.
      for (const [name, restored] of [...this._restored]) if (isGone(restored)) this._remove(name);
      for (const session of [...this._wanting]) this._onSession(model, session);
    }, LOOK);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) return;
    this._isDisposed = true;
    this.model.changed.disconnect(this._onChanged, this);
    this.model.sessionChanged.disconnect(this._onSession, this);
    clearInterval(this._ticking);
    clearInterval(this._looking);
    for (const name of [...this._restored.keys()]) this._remove(name);
  }

  /** Sessions that are over take nothing along but the view's last state, until the cell is run again. */
  private _onChanged(): void {
    const { sessions } = this.model;
    for (const session of this._wanting) if (!sessions.includes(session)) this._wanting.delete(session);
    for (const session of sessions) this._onSession(this.model, session);
  }

  private _onSession(_model: SparkModel, session: SparkSession): void {
    const { frame } = session;
    if (frame === null) return;
    const running = runningCell(frame);
    const restored = this._restored.get(session.name);
    if (restored && (isGone(restored) || isOvertaken(restored, frame) || isOutdated(restored, session))) {
      this._remove(session.name);
    }
    if (running !== null && !this._restored.has(session.name)) this._restore(session, running, frame);
    const shown = this._restored.get(session.name);
    if (!shown) return;
    if (frame.progress?.cell?.id === shown.cellId) shown.last = frame;
    shown.host.draw(shown.last, session.trouble);
  }

  private _restore(session: SparkSession, cellId: string, last: IFrame): void {
    const { actions } = session;
    const { path } = session.info;
    const panel = path === null ? null : notebookAt(this.tracker, path);
    const cell = panel && codeCell(panel, cellId);
    const place = cell ? placeIn(cell) : 0;
    // A notebook that still opens has no such cell yet, and a cell that was never seen has no parts.
    if (!cell || place === 0) {
      this._wanting.add(session);
      return;
    }
    this._wanting.delete(session);
    if (hasOwnView(cell)) return;
    const host = new FrameHost(element => new ProgressView(element, actions));
    host.addClass('jp-Spark-restored');
    (cell.layout as PanelLayout).insertWidget(place, host);
    this._restored.set(session.name, { cell, cellId, host, actions, last });
  }

  private _remove(name: string): void {
    this._restored.get(name)?.host.dispose();
    this._restored.delete(name);
  }

  /** By the session's name: one whose line was lost comes back as another object, and goes on with its view. */
  private readonly _restored = new Map<string, IRestored>();
  private readonly _wanting = new Set<SparkSession>();
  private readonly _ticking: ReturnType<typeof setInterval>;
  private readonly _looking: ReturnType<typeof setInterval>;
  private _isDisposed = false;
}

/** Whether a restored view has no place any more: its cell is closed, or shows its own. */
function isGone({ cell, host }: IRestored): boolean {
  return host.isDisposed || cell.isDisposed || hasOwnView(cell);
}

/** Whether another cell is told of already: it runs, or what came of the view's own was never heard. */
function isOvertaken({ cellId, last }: IRestored, { progress }: IFrame): boolean {
  const other = progress?.cell ? progress.cell.id !== cellId : false;
  return other && (runningCell(last) !== null || progress?.state === 'RUNNING');
}

/** Whether its cell runs jobs, and its buttons are those of a line that was lost. */
function isOutdated({ actions }: IRestored, session: SparkSession): boolean {
  return actions !== session.actions && runningCell(session.frame) !== null;
}

/** Where in a cell's layout its outputs end; 0 if it has no place for any yet. */
function placeIn(cell: CodeCell): number {
  const { widgets } = cell.layout as PanelLayout;
  return widgets.findIndex(widget => widget.hasClass('jp-Cell-outputWrapper')) + 1;
}
