/** What the kernel tells, as `sparkk8s_nb/model/wire.py` writes it: the parts that this extension reads itself. */

import type { ICell } from 'sparkk8s-views/actions.js';
import { received } from 'sparkk8s-views/shared.js';

export interface ITaskCounts {
  running: number;
  done: number;
  failed: number;
}

export interface IFleet {
  wanted: number;
  summary: string;
  verdict: string;
  stale: string;
  counts: Record<string, number>;
  tasks: ITaskCounts;
}

export interface IProgress {
  cell: ICell | null;
  state: string;
  totals: { jobs: number; tasks: number; running: number; done: number; failed: number };
}

export interface IFrame {
  schema: number;
  seq: number;
  at: number;
  session: { name?: string; state?: string } | null;
  fleet: IFleet | null;
  progress: IProgress | null;
  streams: { rows: unknown[]; hidden: number } | null;
}

/** What reading one message came to. */
export interface IReading {
  /** Whether there is a new frame. */
  changed: boolean;
  /** Whether a keyframe is needed to go on. */
  ask: boolean;
  /** One line for the user, or nothing. */
  problem: string;
}

/** The state of one reader: the last good frame, and what to do about a message that cannot be read. */
export class FrameReader {
  /** The last good frame; null before the first. */
  get frame(): IFrame | null {
    return this._frame;
  }

  /** Read a keyframe or a delta. Whatever it is, the last good frame stays until there is a better one. */
  read(message: unknown): IReading {
    const next = received(this._frame, message);
    const changed = next.frame !== this._frame;
    this._frame = next.frame as IFrame | null;
    return { changed, ask: next.ask === true, problem: next.problem ?? '' };
  }

  private _frame: IFrame | null = null;
}

/** Executors that run. */
export function runningExecutors(frame: IFrame | null): number {
  return frame?.fleet?.counts['running'] ?? 0;
}

/** Tasks that run. */
export function runningTasks(frame: IFrame | null): number {
  return frame?.fleet?.tasks.running ?? 0;
}

/** The execution of a cell whose jobs run now; null if none does. */
export function runningExecution(frame: IFrame | null): ICell | null {
  const progress = frame?.progress;
  return progress?.state === 'RUNNING' ? progress.cell : null;
}

/** The front end's id of the cell whose jobs run now; null if none does. */
export function runningCell(frame: IFrame | null): string | null {
  return runningExecution(frame)?.id ?? null;
}
