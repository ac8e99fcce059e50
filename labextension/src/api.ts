/** The server's part: which sessions there are, and what it does where the kernel itself does not hear. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IServerAnswer } from 'sparkk8s-views/actions.js';
import { SCHEMA } from './tokens';

/** What is wrong, and what the user can do about it. */
export interface IProblem {
  problem: string;
  fix: string;
}

/** A session, as its record tells. */
export interface ISessionInfo {
  name: string;
  notebook: string;
  /** Null for a session that is no kernel's of this server. */
  kernel_id: string | null;
  /** The notebook's path on this server, if Jupyter knows one. */
  path: string | null;
  /** Where its start or its kernel is: `starting`, `running` or `dead`. */
  state: string;
  /** Whether it has a Spark UI. */
  ui: boolean;
  /** Whether it may only be looked at. */
  readonly: boolean;
}

/** Whether its kernel can tell of a session: it starts, or runs. */
export function isLive({ state }: ISessionInfo): boolean {
  return state === 'starting' || state === 'running';
}

/** A session of the namespace, whosever it is: `sparkk8s-nb ps` tells no more of it. */
export interface IOtherSession {
  name: string;
  owner: string;
  executors: number;
  /** Since when it is there, in words. */
  age: string;
  /** `alive`, `dead`, or `elsewhere`: not to be told from here. */
  state: string;
}

export interface INamespaceList {
  sessions: IOtherSession[];
  /** How many there are beyond these. */
  more: number;
  /** Why they could not be listed (now). */
  problem: IProblem | null;
}

export interface ISessionList {
  sessions: ISessionInfo[];
  problem: IProblem | null;
}

/** A request that did not come to what was asked, in words for the user. */
export class ApiError extends Error implements IProblem {
  constructor(
    readonly problem: string,
    readonly fix: string,
    options?: ErrorOptions
  ) {
    super(`${problem} ${fix}`, options);
    this.name = 'ApiError';
  }
}

const LOGIN: IProblem = {
  problem: 'Your login to this Jupyter server has expired.',
  fix: 'Save what you can, reload this page and log in again.'
};

const UNREADABLE: IProblem = {
  problem: "The server's answer could not be read.",
  fix: 'What is shown is from before. If this stays, reload this page.'
};

const NEWER: IProblem = {
  problem: 'The server speaks a newer version than this page.',
  fix: 'Reload this page.'
};

export class SparkApi {
  /**
   * @param settings - How the application talks to its server.
   */
  constructor(private readonly settings: ServerConnection.ISettings) {}

  /** The sessions of this server's kernels. */
  async sessions(): Promise<ISessionList> {
    return sessionList(await answerOf(await this._send('api/sessions', {})));
  }

  /** The other sessions of the namespace. */
  async namespace(): Promise<INamespaceList> {
    return namespaceList(await answerOf(await this._send('api/namespace', {})));
  }

  /**
   * Let the server bring an action to a kernel.
   *
   * @param command - What the comm would have been sent: `do`, `id` and what belongs to it.
   */
  async act(kernelId: string, command: object): Promise<IServerAnswer> {
    const path = URLExt.join('api/kernels', encodeURIComponent(kernelId), 'actions');
    const response = await this._send(path, { method: 'POST', body: JSON.stringify(command) });
    const body: unknown = await response.json().catch(() => null);
    const isAnswer = typeof body === 'object' && body !== null && ('done' in body || 'problem' in body);
    return { status: response.status, answer: isAnswer ? body : null };
  }

  /** The address of a session's Spark UI; for the same origin and login as this page. */
  uiUrl(session: string): string {
    return `${URLExt.join(this.settings.baseUrl, 'sparkk8s/ui', encodeURIComponent(session))}/`;
  }

  private async _send(path: string, init: RequestInit): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, 'sparkk8s', path);
    try {
      return await ServerConnection.makeRequest(url, init, this.settings);
    } catch (error) {
      throw new ApiError(
        'The Jupyter server does not answer.',
        'If it was stopped, start it again: this panel goes on by itself.',
        { cause: error }
      );
    }
  }
}

/** The JSON object of a response; anything else becomes what the user should do. */
async function answerOf(response: Response): Promise<object> {
  // Without a login some servers refuse and others send the login page.
  if (response.status === 401 || response.status === 403) throw failure(LOGIN);
  const isJson = (response.headers.get('Content-Type') ?? '').includes('json');
  if (response.redirected && !isJson) throw failure(LOGIN);
  if (response.status === 404 && !isJson) {
    throw new ApiError(
      "This Jupyter server does not have sparkk8s_nb's extension.",
      'Install sparkk8s-nb where the server runs and start the server again.'
    );
  }
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    throw failure(UNREADABLE, error);
  }
  if (typeof body !== 'object' || body === null) throw failure(UNREADABLE);
  if (!response.ok) throw refusal(response, body);
  return body;
}

function refusal(response: Response, body: object): ApiError {
  if ('problem' in body && typeof body.problem === 'string') {
    return new ApiError(body.problem, 'fix' in body && typeof body.fix === 'string' ? body.fix : '');
  }
  const why = 'message' in body && typeof body.message === 'string' ? `: ${body.message}` : '';
  return new ApiError(
    `The server refused with ${response.status}${why}.`,
    "If this stays, look into the Jupyter server's log."
  );
}

function failure({ problem, fix }: IProblem, cause?: unknown): ApiError {
  return new ApiError(problem, fix, { cause });
}

/**
 * Read the list of sessions.
 *
 * @throws ApiError - If it is no such list, or one of a newer version.
 */
export function sessionList(body: object): ISessionList {
  const { sessions, problem } = body as Record<string, unknown>;
  checkSchema(body);
  if (!Array.isArray(sessions) || !sessions.every(isSession)) throw failure(UNREADABLE);
  return { sessions, problem: isProblem(problem) ? problem : null };
}

/**
 * Read the list of the namespace's other sessions.
 *
 * @throws ApiError - If it is no such list, or one of a newer version.
 */
export function namespaceList(body: object): INamespaceList {
  const { sessions, more, problem } = body as Record<string, unknown>;
  checkSchema(body);
  if (!Array.isArray(sessions) || !sessions.every(isOtherSession)) throw failure(UNREADABLE);
  return { sessions, more: typeof more === 'number' ? more : 0, problem: isProblem(problem) ? problem : null };
}

function checkSchema(body: object): void {
  const { schema } = body as Record<string, unknown>;
  if (typeof schema === 'number' && schema > SCHEMA) throw failure(NEWER);
  if (schema !== SCHEMA) throw failure(UNREADABLE);
}

function isSession(entry: unknown): entry is ISessionInfo {
  if (typeof entry !== 'object' || entry === null) return false;
  const { name, state, kernel_id: kernel } = entry as Record<string, unknown>;
  return typeof name === 'string' && typeof state === 'string' && (kernel === null || typeof kernel === 'string');
}

function isOtherSession(entry: unknown): entry is IOtherSession {
  if (typeof entry !== 'object' || entry === null) return false;
  const { name, owner, executors, age, state } = entry as Record<string, unknown>;
  return [name, owner, age, state].every(text => typeof text === 'string') && typeof executors === 'number';
}

function isProblem(value: unknown): value is IProblem {
  return typeof value === 'object' && value !== null && 'problem' in value && 'fix' in value;
}
