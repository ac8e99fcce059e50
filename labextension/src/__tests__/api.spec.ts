/**
 * What the server answers becomes sessions, or words about what to do.
 *
 * @jest-environment node
 */

import { ServerConnection } from '@jupyterlab/services';

import { ApiError, SparkApi, namespaceList, sessionList } from '../api';

const SESSION = {
  name: 'flights',
  notebook: 'flights.ipynb',
  kernel_id: 'k1',
  path: 'work/flights.ipynb',
  state: 'running',
  ui: true,
  readonly: false
};

/** A server that gives one answer. */
function server(answer: () => Response): { api: SparkApi; asked: Request[] } {
  const asked: Request[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://jupyter/user/ann/',
    fetch: (request: RequestInfo | URL) => {
      asked.push(request as Request);
      return Promise.resolve().then(answer);
    }
  });
  return { api: new SparkApi(settings), asked };
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
}

/** An address without what keeps browsers from caching. */
function address(request: Request | undefined): string | undefined {
  return request?.url.replace(/\?\d+$/, '');
}

async function failure(api: SparkApi): Promise<ApiError> {
  const error: unknown = await api.sessions().then(
    () => null,
    (why: unknown) => why
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('the list of sessions', () => {
  it('is asked for below the base URL', async () => {
    const { api, asked } = server(() => json({ schema: 1, sessions: [SESSION], problem: null }));
    expect((await api.sessions()).sessions).toEqual([SESSION]);
    expect(asked.map(address)).toEqual(['http://jupyter/user/ann/sparkk8s/api/sessions']);
  });

  it.each([
    ['a server that is gone', () => { throw new TypeError('Failed to fetch'); }, /does not answer/, /start it again/],
    ['an expired login', () => json({ message: 'Forbidden' }, 403), /login .* expired/, /log in again/],
    ['a server without the extension', () => new Response('<html>', { status: 404 }), /extension/, /Install/],
    ['a page in place of JSON', () => new Response('<html>'), /could not be read/, /reload this page/],
    ['a newer server', () => json({ schema: 2, sessions: [] }), /newer/, /Reload/],
    ['a list of something else', () => json({ schema: 1, sessions: [{ name: 7 }] }), /could not be read/, /reload/],
    ['a refusal with words', () => json({ problem: 'No room.', fix: 'Make some.' }, 409), /No room/, /Make some/],
    ['a refusal without', () => json({ message: 'boom' }, 500), /500: boom/, /log/]
  ] as const)('says what to do about %s', async (_, answer, problem, fix) => {
    const error = await failure(server(answer).api);
    expect(error.problem).toMatch(problem);
    expect(error.fix).toMatch(fix);
  });

  it('carries what the server itself has trouble with', () => {
    const problem = { problem: 'Records cannot be read.', fix: 'Look at their owner.' };
    expect(sessionList({ schema: 1, sessions: [], problem }).problem).toEqual(problem);
  });
});

describe("the namespace's other sessions", () => {
  const THEIRS = { name: 'spark-ada-1', owner: 'ada', executors: 2, age: '3 min', state: 'elsewhere', cores: 4 };

  it('are asked for below the base URL', async () => {
    const { api, asked } = server(() => json({ schema: 1, sessions: [THEIRS], more: 2, problem: null }));
    expect(await api.namespace()).toEqual({ sessions: [THEIRS], more: 2, problem: null });
    expect(asked.map(address)).toEqual(['http://jupyter/user/ann/sparkk8s/api/namespace']);
  });

  it.each([
    ['a newer server', { schema: 2, sessions: [] }, /newer/],
    ['a session without an owner', { schema: 1, sessions: [{ ...THEIRS, owner: null }] }, /could not be read/],
    ['no list', { schema: 1, sessions: 'none' }, /could not be read/]
  ])('are refused from %s', (_, body, problem) => {
    expect(() => namespaceList(body)).toThrow(problem);
  });
});

describe('an action', () => {
  it('is posted to the kernel and its answer handed on', async () => {
    const { api, asked } = server(() => json({ done: 'u1', said: '3 executors asked for.' }));
    const { status, answer } = await api.act('k/1', { do: 'scale', executors: 3, id: 'u1' });
    expect([status, answer]).toEqual([200, { done: 'u1', said: '3 executors asked for.' }]);
    expect(asked[0]?.method).toBe('POST');
    expect(address(asked[0])).toBe('http://jupyter/user/ann/sparkk8s/api/kernels/k%2F1/actions');
    expect(await asked[0]?.json()).toEqual({ do: 'scale', executors: 3, id: 'u1' });
  });

  it('has no answer where the login has expired', async () => {
    const { api } = server(() => json({ message: 'Forbidden' }, 403));
    expect(await api.act('k1', { do: 'stop' })).toEqual({ status: 403, answer: null });
  });
});

it('the Spark UI has an address of this server, of one session', () => {
  expect(server(() => json({})).api.uiUrl('a b')).toBe('http://jupyter/user/ann/sparkk8s/ui/a%20b/');
});
